// SPDX-License-Identifier: Apache-2.0

/// What some GPUs need of their guests beyond the ordinary. No option of QEMU's own gets into a domain but by one of these.
package enum GPUQuirk: String, Sendable, Hashable, CaseIterable {
    /// The guest reaches its regions through QEMU, slower than by a mapping of its own. Mapping a region of hundreds of
    /// GiB page by page stalls the guest for minutes with a QEMU before 10.1 (Ubicloud, “Virtualizing NVIDIA HGX B200 GPUs
    /// with Open Source”).
    case noMmap = "no-mmap"
    /// The guest does not see its ROM, as QEMU advises where that cannot be read (`hw/vfio/pci.c`).
    case noROM = "no-rom"
    /// NVIDIA's driver may let the guest's GPUs copy to each other directly. It believes so without a try, so this is for
    /// hosts where they can (QEMU, `hw/vfio/pci-quirks.c`, “NVIDIA GPUDirect P2P”).
    case gpuDirect = "gpudirect"

    /// A property of QEMU's device `vfio-pci`.
    struct Property: Hashable {
        let name: String
        /// A word of libvirt's (“QEMU driver”, “Overriding properties of QEMU devices”).
        let type: String
        let value: String
    }

    /// What it sets in QEMU itself; nil where libvirt has a word for it.
    var property: Property? {
        switch self {
        case .noMmap: Property(name: "x-no-mmap", type: "bool", value: "true")
        case .noROM: nil
        // GPUs with the same number reach each other.
        case .gpuDirect: Property(name: "x-nv-gpudirect-clique", type: "unsigned", value: "0")
        }
    }
}
