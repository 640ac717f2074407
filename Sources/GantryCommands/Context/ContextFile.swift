// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Yams

/// The clouds that a person works with, each with a key: `gantry/config.yaml` in `$XDG_CONFIG_HOME` or `~/.config`, which
/// nobody else can read.
struct ContextFile {
    struct Context: Codable {
        var url: String
        var apiKey: String
        /// The certificate authorities that are the cloud's own, in PEM; nil for those that the system trusts.
        var authorities: String?

        private enum CodingKeys: String, CodingKey {
            case url
            case apiKey = "api_key"
            case authorities
        }
    }

    struct Content: Codable {
        /// The one that commands use which name none.
        var current: String?
        var contexts: [String: Context] = [:]
    }

    let path: String

    /// The one of the user who runs this.
    static var standard: ContextFile {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        let directory = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.config"
        return ContextFile(path: "\(directory)/gantry/config.yaml")
    }

    /// What is in it; nothing where there is none.
    func read() throws -> Content {
        guard FileManager.default.fileExists(atPath: path) else { return Content() }
        do {
            return try YAMLDecoder().decode(Content.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw ValidationError("\(path) cannot be read; mend it or remove it. \(error)")
        }
    }

    func context(_ name: String) throws -> Context {
        let contexts = try read().contexts
        guard let context = contexts[name] else {
            let names = contexts.keys.sorted().joined(separator: ", ")
            throw ValidationError(
                "There is no context “\(name)”. \(names.isEmpty ? "Make it by gantry context add." : "Known: \(names).")"
            )
        }
        return context
    }

    /// Replaces it as a whole, so that a command that reads meanwhile sees the one or the other.
    func write(_ content: Content) throws {
        let directory = (path as NSString).deletingLastPathComponent
        let files = FileManager.default
        try files.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let draft = "\(path).\(ProcessInfo.processInfo.processIdentifier)"
        let data = Data(try YAMLEncoder().encode(content).utf8)
        guard files.createFile(atPath: draft, contents: data, attributes: [.posixPermissions: 0o600]),
            rename(draft, path) == 0
        else {
            try? files.removeItem(atPath: draft)
            throw ValidationError("\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
    }
}
