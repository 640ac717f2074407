// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Settings
import Yams

/// The agent's configuration as far as joining writes it: a block of its own, with what the operator wrote around it.
struct JoinedConfiguration: Sendable {
    let path: String

    /// Which node of which cloud a host is.
    struct Identity: Equatable {
        let conductorURL: String
        let node: String
    }

    private static let begin = "# Written by `gantry-agent join`, down to the end mark: which node this host is."
    private static let end = "# End of what `gantry-agent join` wrote."

    private var pendingPath: String { path + ".joining" }
    private var authoritiesPath: String { (path as NSString).deletingLastPathComponent + "/authorities.pem" }

    // MARK: - What is there

    /// The node that the host is by its configuration; nil for none.
    func identity() throws -> Identity? {
        guard let settings = try settings() else { return nil }
        let node = settings["node"] as? [String: Any]
        guard node?["api_key"] != nil else { return nil }
        let url = (settings["conductor"] as? [String: Any])?["url"] as? String
        return Identity(conductorURL: url ?? "?", node: node?["name"] as? String ?? "?")
    }

    /// - Throws: when the operator's own lines would stand against those to be written.
    func checkRoom(replacing: Bool) throws {
        guard let settings = try settings(), !replacing else { return }
        for key in ["conductor", "node", "amqp", "tls"] where settings[key] != nil {
            throw HostJoin.Failure(
                description:
                    "\(path) has “\(key):” already, which joining writes. Take it out, or say --replace; the old "
                    + "file is kept beside the new one."
            )
        }
    }

    private func settings() throws -> [String: Any]? {
        guard let text = try text() else { return nil }
        do {
            return try Yams.load(yaml: text) as? [String: Any]
        } catch {
            throw HostJoin.Failure(description: "\(path) is no YAML: \(error)")
        }
    }

    private func text() throws -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw HostJoin.Failure(description: "\(path) cannot be read; run this as root.")
        }
    }

    // MARK: - What is written

    /// The join under way if it is this one, with its secrets; otherwise this one, which is on disk then.
    func pending(_ new: PendingJoin) throws -> PendingJoin {
        if let data = FileManager.default.contents(atPath: pendingPath),
            let old = try? JSONDecoder().decode(PendingJoin.self, from: data), old.isSame(as: new)
        {
            return old
        }
        try HostFiles.write(try JSONEncoder().encode(new), to: pendingPath)
        return new
    }

    func forgetPending() throws {
        try HostFiles.removeDurably(pendingPath)
    }

    /// Writes the authorities, then the configuration, each whole or not at all.
    func write(
        _ answer: NodeJoinAnswer,
        _ join: PendingJoin,
        authorities: CertificateAuthorities?,
        replacing: Bool
    ) throws {
        if let authorities { try HostFiles.write(authorities.pem, to: authoritiesPath, mode: 0o644) }
        let old = try text()
        if replacing, let old { try HostFiles.write(Data(old.utf8), to: path + ".old") }
        let around = old.map { Self.operatorsLines($0) } ?? ""
        let kept = replacing && Self.isOurs(around) ? "" : around
        let block = Block(answer, join, authorities: authorities.map { _ in authoritiesPath })
        let text = [kept, Self.begin + "\n", try YAMLEncoder().encode(block), Self.end + "\n"].joined()
        try HostFiles.write(Data(text.utf8), to: path)
    }

    /// All but the block of an earlier join.
    private static func operatorsLines(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let first = lines.firstIndex(of: begin), let last = lines[first...].firstIndex(of: end) {
            lines.removeSubrange(first...last)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n\n"
    }

    /// Whether the lines say themselves which node the host is.
    private static func isOurs(_ text: String) -> Bool {
        let settings = (try? Yams.load(yaml: text)) as? [String: Any]
        return ["conductor", "node", "amqp", "tls"].contains { settings?[$0] != nil }
    }

    private struct Block: Encodable {
        struct Conductor: Encodable { let url: String }
        struct Node: Encodable {
            let name: String
            let api_key: String
        }
        struct AMQP: Encodable { let url: String }
        struct TLS: Encodable { let authorities: String }

        let conductor: Conductor
        let node: Node
        let amqp: AMQP
        let tls: TLS?

        init(_ answer: NodeJoinAnswer, _ join: PendingJoin, authorities: String?) {
            conductor = .init(url: join.conductorURL)
            node = .init(name: join.node.description, api_key: join.credentials.apiKey)
            var url = URLComponents(string: answer.brokerURL)
            url?.user = answer.brokerUser
            url?.password = join.credentials.brokerPassword
            amqp = .init(url: url?.string ?? "")
            tls = authorities.map { .init(authorities: $0) }
        }
    }

    // MARK: - One at a time

    /// Holds off other joins of this host; the kernel ends it with the process.
    struct Lock {
        fileprivate let descriptor: Int32

        func end() { close(descriptor) }
    }

    func lock() throws -> Lock {
        let directory = (path as NSString).deletingLastPathComponent
        try HostFiles.makeDirectory(directory)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw HostJoin.Failure(description: "\(directory) cannot be opened; run this as root.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw HostJoin.Failure(description: "Another join of this host is under way; wait until it has ended.")
        }
        return Lock(descriptor: descriptor)
    }
}
