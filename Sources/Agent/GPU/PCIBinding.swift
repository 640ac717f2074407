// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
import Glibc

/// Which driver a PCI function has, and how it is reset: the kernel's files for it (`Documentation/ABI/testing/
/// sysfs-bus-pci`). Its calls block, at times for as long as a driver does not let go.
package struct PCIBinding: Sendable {
    /// The driver that hands functions to guests.
    package static let passthrough = "vfio-pci"

    private let root: String

    /// - Parameter root: where `/sys` is below.
    package init(root: String) { self.root = root }

    /// The driver that a function has; nil for none.
    package func driver(of address: PCIAddress) -> String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path(address, "driver")))
            .map { ($0 as NSString).lastPathComponent }
    }

    /// Gives a function to `vfio-pci`, whatever has it. By its own override, not by ids: no other device of its kind is
    /// meant.
    package func bind(_ address: PCIAddress) throws(Fault) {
        guard driver(of: address) != Self.passthrough else { return }
        guard FileManager.default.fileExists(atPath: "\(root)/sys/bus/pci/drivers/\(Self.passthrough)") else {
            throw Fault(
                .hostGPUUnavailable,
                "vfio-pci is not loaded on the node; its operator loads it by modprobe vfio-pci."
            )
        }
        try write(Self.passthrough, to: path(address, "driver_override"))
        try unbind(address)
        try write("\(address)", to: "\(root)/sys/bus/pci/drivers_probe")
        guard driver(of: address) == Self.passthrough else {
            throw Fault(.hostGPUUnavailable, "A GPU of the node cannot be passed through: vfio-pci does not take it.")
        }
    }

    /// Gives a function that `vfio-pci` or nobody has to the driver that it had, or else to the one that takes it.
    package func release(_ address: PCIAddress, to driver: String?) throws(Fault) {
        guard [nil, Self.passthrough].contains(self.driver(of: address)) else { return }
        try unbind(address)
        try write(driver ?? "\n", to: path(address, "driver_override"))
        try write("\(address)", to: "\(root)/sys/bus/pci/drivers_probe")
        try write("\n", to: path(address, "driver_override"))
    }

    private func unbind(_ address: PCIAddress) throws(Fault) {
        guard driver(of: address) != nil else { return }
        try write("\(address)", to: path(address, "driver/unbind"))
    }

    /// The ways to reset a function, best first.
    package func resetMethods(of address: PCIAddress) -> [String] {
        let text = (try? String(contentsOfFile: path(address, "reset_method"), encoding: .utf8)) ?? ""
        return text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Resets a function by the first of its ways that works.
    package func reset(_ address: PCIAddress) throws(Fault) { try write("1", to: path(address, "reset")) }

    /// Vendor and device as the function itself says, such as `10de:2330`; nil when it does not answer.
    package func answer(of address: PCIAddress) -> String? {
        PCIHeader(HostTree(root: root), of: "\(address)").flatMap { $0.isSilent ? nil : $0.pciID }
    }

    private func path(_ address: PCIAddress, _ name: String) -> String {
        "\(root)/sys/bus/pci/devices/\(address)/\(name)"
    }

    /// One call, as the kernel wants it, with the kernel's own word for what is wrong.
    private func write(_ text: String, to path: String) throws(Fault) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else { throw failure(path) }
    }

    private func failure(_ path: String) -> Fault {
        let file = path.dropFirst(root.count).split(separator: "/").suffix(2).joined(separator: "/")
        return Fault(
            .hostGPUUnavailable,
            "A GPU of the node cannot be used: \(file): \(String(cString: strerror(errno)))."
        )
    }
}
