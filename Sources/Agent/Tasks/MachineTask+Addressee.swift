// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Logging

extension MachineTask {
    /// Whether this agent can do it: it is for its node, in a protocol that it speaks.
    func isMeant(for node: NodeName) -> Bool {
        protocolVersion == ProtocolVersion.current && self.node == node
    }

    /// For the log: what joins a line to the conductor's.
    var trace: Logger.Metadata {
        requestID.map { ["task.id": "\(taskID)", "request.id": "\($0)"] } ?? ["task.id": "\(taskID)"]
    }

    /// For the log, when it is not.
    var addressee: Logger.Metadata {
        ["task.id": "\(taskID)", "task.node": "\(node)", "task.protocol_version": "\(protocolVersion)"]
    }
}
