// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol

/// What the EC2-style metadata tree says of one machine: a pure function of its wanted state.
package struct MetadataTree: Sendable {
    private let uuid: MachineUUID
    private let spec: MachineSpec

    /// The versions that cloud-init asks for.
    private static let versions = ["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"]

    package init(uuid: MachineUUID, spec: MachineSpec) {
        (self.uuid, self.spec) = (uuid, spec)
    }

    /// The contents at a path; nil when there is nothing.
    package func contents(at path: String) -> Data? {
        let parts = path.split(separator: "/").map(String.init)
        guard let version = parts.first else { return text(Self.versions.joined(separator: "\n")) }
        guard Self.versions.contains(version) else { return nil }
        switch parts.dropFirst().first {
        case nil: return text(spec.userData == nil ? "meta-data" : "meta-data\nuser-data")
        case "user-data": return parts.count == 2 ? spec.userData : nil
        case "meta-data": return metaData(Array(parts.dropFirst(2)))
        default: return nil
        }
    }

    private func metaData(_ path: [String]) -> Data? {
        if path.isEmpty { return text(values.keys.sorted().map { "\($0)" }.joined(separator: "\n") + "\npublic-keys/") }
        if path[0] == "public-keys" { return publicKeys(Array(path.dropFirst())) }
        return path.count == 1 ? values[path[0]].map(text) : nil
    }

    private var values: [String: String] {
        var values = [
            "instance-id": "\(uuid)",
            "hostname": spec.hostname,
            "local-hostname": spec.hostname,
            "local-ipv4": "\(spec.network.address)",
            "mac": "\(spec.network.mac)",
        ]
        values["public-ipv4"] = spec.network.floatingIP.map { "\($0)" }
        return values
    }

    private func publicKeys(_ path: [String]) -> Data? {
        guard let first = path.first else {
            return text(spec.authorizedKeys.indices.map { "\($0)=key-\($0)" }.joined(separator: "\n"))
        }
        guard let index = Int(first), spec.authorizedKeys.indices.contains(index) else { return nil }
        if path.count == 1 { return text("openssh-key") }
        return path[1...] == ["openssh-key"] ? text(spec.authorizedKeys[index]) : nil
    }

    private func text(_ text: String) -> Data { Data(text.utf8) }
}
