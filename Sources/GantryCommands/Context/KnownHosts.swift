// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The file with the host keys of a cloud's machines. Each key is under the machine's UUID, so that a machine which has the
/// address of one that is gone is neither taken for it nor warned of.
struct KnownHosts {
    let path: String

    /// The one of a context by its name, or of a conductor by its address.
    init(_ cloud: String, beside file: ContextFile) {
        let name = cloud.split { $0 == "/" || $0 == ":" || $0.isWhitespace }.joined(separator: "_")
        path = "\((file.path as NSString).deletingLastPathComponent)/known_hosts-\(name)"
    }

    /// Makes the directory that it is in, where nobody else can read.
    func prepare() throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// What makes ssh use it for a machine, and take the key that a machine shows first. ssh takes percent signs for
    /// something of its own.
    func options(for machine: String) -> [String] {
        let file = path.replacing("%", with: "%%")
        return [
            "-o", "StrictHostKeyChecking=accept-new", "-o", "HostKeyAlias=gantry-\(machine)",
            "-o", "UserKnownHostsFile=\"\(file)\"",
        ]
    }
}
