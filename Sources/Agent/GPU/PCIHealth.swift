// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// Tells whether devices are well: they answer, their links have all lanes; and what the kernel's log has against them.
struct PCIHealth {
    private let devices: [PCIAddress: PCIDevice]
    private let incidents: [PCIAddress: KernelIncident]

    init(devices: [PCIDevice], incidents: [PCIAddress: KernelIncident]) {
        self.devices = Dictionary(uniqueKeysWithValues: devices.map { ($0.address, $0) })
        self.incidents = incidents
    }

    /// What is wrong with the device or on its way to the processor, as a sentence that names it.
    func concern(_ device: PCIDevice) -> String? {
        let path = path(device)
        if let silent = path.first(where: { !$0.answers }) {
            return "\(silent.address) does not answer: its configuration space reads as all ones."
        }
        // A link is between an endpoint, or a switch's upstream port, and the port above it; between the ports of one
        // switch is none.
        return stride(from: 0, to: path.count - 1, by: 2).lazy.compactMap { narrow(path[$0], path[$0 + 1]) }.first
    }

    /// What the kernel's log says against the device, and against what is on its way to the processor.
    func incidents(_ device: PCIDevice) -> [KernelIncident] { path(device).compactMap { incidents[$0.address] } }

    /// The device and all bridges above it.
    private func path(_ device: PCIDevice) -> [PCIDevice] {
        Array(sequence(first: device) { $0.parent.flatMap { devices[$0] } })
    }

    /// Only lanes are judged: a GPU that has nothing to do slows its link down.
    private func narrow(_ device: PCIDevice, _ port: PCIDevice) -> String? {
        guard let width = device.link?.width, let own = device.link?.maximumWidth,
            let ports = port.link?.maximumWidth, width < min(own, ports)
        else { return nil }
        return "\(device.address) has a link of \(width) lanes where \(min(own, ports)) are possible."
    }
}
