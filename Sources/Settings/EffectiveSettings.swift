// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a program's settings come to, and where each was said.
public struct EffectiveSettings: Sendable {
    enum Value: Hashable, Sendable {
        case none
        /// Numbers and booleans.
        case plain(String)
        case text(String)
        case list([String])
    }

    private struct Entry {
        let key: String
        let value: Value
        let source: SettingSource
        let isSecret: Bool
        /// Of the file that the value names.
        let content: String?

        func means(_ other: Entry) -> Bool { value == other.value && content == other.content }
    }

    private var entries: [Entry] = []

    mutating func note(
        _ key: String,
        _ value: Value,
        _ source: SettingSource,
        isSecret: Bool = false,
        content: String? = nil
    ) {
        let entry = Entry(key: key, value: value, source: source, isSecret: isSecret, content: content)
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Every key, in the order of reading.
    public var keys: [String] { entries.map(\.key) }

    func source(of key: String) -> SettingSource? { entries.first { $0.key == key }?.source }

    // MARK: - Changes

    /// The keys that mean something else here than there.
    public func changes(since old: EffectiveSettings) -> [String] {
        let before = Dictionary(old.entries.map { ($0.key, $0) }) { $1 }
        return entries.filter { entry in before[entry.key].map { !entry.means($0) } ?? true }.map(\.key)
    }

    /// The same with what others say of some keys.
    public func taking(_ keys: Set<String>, from new: EffectiveSettings) -> EffectiveSettings {
        var result = self
        for entry in new.entries where keys.contains(entry.key) {
            result.note(entry.key, entry.value, entry.source, isSecret: entry.isSecret, content: entry.content)
        }
        return result
    }

    // MARK: - YAML

    /// As a configuration file, with where each value was said behind it. Secrets are not in it.
    public var yaml: String {
        var lines: [String] = []
        var groups: [String: [Entry]] = [:]
        var order: [String] = []
        for entry in entries {
            let name = String(entry.key.prefix { $0 != "." })
            if groups[name] == nil { order.append(name) }
            groups[name, default: []].append(entry)
        }
        for name in order {
            let members = groups[name] ?? []
            if members.contains(where: { $0.key != name }) { lines.append("\(name):") }
            for entry in members {
                let isNested = entry.key != name
                let leaf = isNested ? "  " + entry.key.dropFirst(name.count + 1) : entry.key
                lines.append("\(leaf): \(Self.shown(entry))  # \(entry.source)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func shown(_ entry: Entry) -> String {
        switch entry.value {
        case .none: "null"
        case _ where entry.isSecret: quoted("<hidden>")
        case .plain(let text): text
        case .text(let text): quoted(text)
        case .list(let texts): "[" + texts.map(quoted).joined(separator: ", ") + "]"
        }
    }

    /// JSON's strings are YAML's too.
    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // Strings always encode.
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
