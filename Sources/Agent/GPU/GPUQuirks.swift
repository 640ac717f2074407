// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol
package import Settings

/// The one table of which GPUs have which quirks, and what the operator says beside it.
package struct GPUQuirks: Hashable, Sendable {
    /// By model.
    private static let known: [GPUPolicy.Pattern: Set<GPUQuirk>] = [
        // GB100 [B200]: a region of 256 GiB.
        .id("10de:2901"): [.noMmap]
    ]

    private let said: [GPUPolicy.Pattern: Set<GPUQuirk>]

    /// - Parameter said: What the operator says, which stands in place of what is known.
    package init(_ said: [GPUPolicy.Pattern: Set<GPUQuirk>] = [:]) {
        self.said = said
    }

    /// The quirks of a function: by its address, else by its id, else by its vendor. What is no GPU has none.
    package func quirks(of function: PCIFunction) -> Set<GPUQuirk> {
        guard function.isGPU else { return [] }
        let quirks = Self.exact(said, function) ?? Self.exact(Self.known, function) ?? []
        // QEMU refuses this one for others.
        return function.pciID.hasPrefix("10de:") ? quirks : quirks.subtracting([.gpuDirect])
    }

    private static func exact(
        _ table: [GPUPolicy.Pattern: Set<GPUQuirk>],
        _ function: PCIFunction
    ) -> Set<GPUQuirk>? {
        table.filter { $0.key.matches(function) }.max { $0.key.exactness < $1.key.exactness }?.value
    }
}

extension GPUQuirks {
    /// What the key `gpu.quirks` says.
    package init(_ settings: SettingsReader) {
        self.init(Dictionary(settings.list("gpu.quirks") { try Self.quirk($0) }) { $1 })
    }

    private static func quirk(_ text: String) throws(InvalidValue) -> (GPUPolicy.Pattern, Set<GPUQuirk>) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let quirks = quirks(parts[1]) else {
            let names = GPUQuirk.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidValue(
                "“\(text)” is no quirk of a device; write DEVICE=QUIRK, such as 10de:2901=no-mmap. The quirks are "
                    + "\(names), several with “+” between them, and none."
            )
        }
        return (try GPUPolicy.Pattern(parts[0]), quirks)
    }

    private static func quirks(_ text: String) -> Set<GPUQuirk>? {
        if text == "none" { return [] }
        let names = text.split(separator: "+", omittingEmptySubsequences: false)
        let quirks = names.compactMap { GPUQuirk(rawValue: String($0)) }
        return quirks.count == names.count ? Set(quirks) : nil
    }
}
