// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
import Libvirt

extension LinuxHost {
    package func samples() async throws(Fault) -> [MachineSample] {
        // Not over the connection of looks: QEMU itself is asked, and may hang.
        let connection = try await hypervisor.connected(to: .measurement)
        do {
            return try await connection.statistics(namespace: MachineMark.namespace).compactMap(MachineSample.init)
        } catch {
            throw Fault(.hypervisorUnreachable, "The node's hypervisor did not tell what machines use: \(error)")
        }
    }
}

extension MachineSample {
    fileprivate init?(_ domain: DomainStatistics) {
        guard let uuid = try? MachineUUID(domain.uuid) else { return nil }
        // QEMU's own memory comes on top of the guest's.
        let memory = [domain.residentMemory, domain.currentMemory].compactMap { $0 }.min()
        self.init(
            uuid: uuid,
            cpuTime: domain.cpuTime.map { Int64(clamping: $0) },
            memory: memory.map { Int64(clamping: $0) << 10 },
            networkIn: domain.receivedBytes.map { Int64(clamping: $0) },
            networkOut: domain.sentBytes.map { Int64(clamping: $0) },
            diskRead: domain.readBytes.map { Int64(clamping: $0) },
            diskWritten: domain.writtenBytes.map { Int64(clamping: $0) }
        )
    }
}
