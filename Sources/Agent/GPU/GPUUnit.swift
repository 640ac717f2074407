// SPDX-License-Identifier: Apache-2.0

/// What guests get as a whole: all endpoints of an IOMMU group that has a GPU, its audio function and what else is there.
package struct GPUUnit: Hashable, Sendable {
    /// Those of its functions that are GPUs and offered, by address; never none.
    package let gpus: [PCIDevice]
    /// All endpoints of the group, by address.
    package let functions: [PCIDevice]
    /// Nil where there is no IOMMU.
    package let iommuGroup: Int?
    /// What the first GPU is called, such as `GH100 [H100 SXM5 80GB]`; its id where nobody knows.
    package let model: String
    /// The flavor's `gpu_type` that it answers to.
    package let gpuType: String
    /// Why no guest can have it, as a sentence that names the device; nil where one can.
    package let obstacle: String?
    /// Why it is not well, as a sentence that names the device; nil where it is.
    package let concern: String?
    /// What the kernel's log says against it since the host was started.
    package let incidents: [KernelIncident]
}
