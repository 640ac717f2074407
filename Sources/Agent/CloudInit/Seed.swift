// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// A machine's seed: an ISO 9660 volume labelled `cidata`, which cloud-init reads at first boot.
package enum Seed {
    /// Writes the seed anew, so that it always tells what is wanted now.
    package static func write(_ spec: MachineSpec, uuid: MachineUUID, at path: String) async throws(Fault) {
        let files = try SeedFiles(spec, uuid: uuid)
        let workspace = path + ".files"
        let temporary = path + ".new"
        do {
            try HostFiles.remove(workspace)
            try HostFiles.makeDirectory(workspace, mode: 0o700)
            try HostFiles.write(files.metaData, to: workspace + "/meta-data")
            try HostFiles.write(files.userData, to: workspace + "/user-data")
            // Not xorriso, which does nothing for a tenth of a second.
            try await Command(
                "genisoimage",
                [
                    "-quiet", "-volid", "cidata", "-joliet", "-rational-rock", "-output", temporary,
                    workspace + "/meta-data", workspace + "/user-data",
                ]
            )
            .run()
            try HostFiles.remove(workspace)
            try HostFiles.publish(temporary, as: path, mode: 0o600)
        } catch {
            try? HostFiles.remove(workspace)
            try? HostFiles.remove(temporary)
            throw HostFiles.fault(from: error, "The seed could not be made on the node.")
        }
    }
}
