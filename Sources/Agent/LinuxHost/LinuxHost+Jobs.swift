// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

extension LinuxHost {
    package func perform(_ job: MachineJob, for task: MachineTask) async throws(Fault) -> String? {
        switch job.work {
        case .serialLog(let lines):
            let path = machineFiles(task.uuid).consoleLog
            return try await files.run { () async throws(Fault) in try SerialLog.lastLines(lines, of: path) }
        case .authorizedKeys(let change):
            try await AuthorizedKeys(hypervisor: hypervisor, logger: logger).apply(change, to: task.uuid)
            return nil
        case .console(let conductor):
            try await consoles.open(job.id, of: task.uuid, conductor: conductor)
            return nil
        case .snapshot(let image): return try await takeSnapshot(of: task, as: image)
        case .unknown(let kind):
            throw Fault(.specUnsupported, "The node's agent knows no “\(kind)”; it is older than the conductor.")
        }
    }
}
