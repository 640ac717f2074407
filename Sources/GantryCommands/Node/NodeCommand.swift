// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "For operators: let hosts become nodes, see nodes, keep machines off them, empty and remove them.",
        subcommands: [
            NodeToken.self, NodeList.self, NodeShow.self, NodeCordon.self, NodeUncordon.self, NodeDrain.self,
            NodeDeclareDead.self, NodeRotate.self, NodeRevoke.self, NodeForgetHost.self, NodeRemove.self,
        ]
    )
}
