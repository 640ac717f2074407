// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Yams

/// A configuration file: YAML, where a key with dots is one below another.
struct SettingsFile: Sendable {
    /// What stands in it, in no order.
    private(set) var settings: [String: SaidSetting] = [:]
    private(set) var mistakes: [String] = []
    private let path: String

    /// None.
    init() {
        path = ""
    }

    /// - Throws: a sentence that names the file, and quotes nothing of it but where it is wrong.
    init(path: String) throws(InvalidValue) {
        self.path = path
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw InvalidValue("\(path) cannot be read: \(error.localizedDescription)")
        }
        do {
            guard let root = try Parser(yaml: text).singleRoot(), !root.isNull else { return }
            guard let mapping = root.mapping else {
                throw InvalidValue("\(path) is no mapping; write KEY: VALUE on each line.")
            }
            add(mapping, below: "")
        } catch let error as InvalidValue {
            throw error
        } catch {
            throw InvalidValue("\(path) is no YAML\(Self.place(error))")
        }
    }

    private mutating func add(_ mapping: Node.Mapping, below group: String) {
        for (name, node) in mapping {
            let key = group + (name.string ?? "?")
            if let mapping = node.mapping {
                add(mapping, below: key + ".")
            } else {
                add(key, node, line: name.mark?.line ?? 0)
            }
        }
    }

    private mutating func add(_ key: String, _ node: Node, line: Int) {
        let source = SettingSource.file(path, line: line)
        guard let value = Self.value(node) else {
            mistakes.append("\(key): a list has one value behind each “-” (\(source)).")
            return
        }
        if let other = settings.updateValue(SaidSetting(value: value, source: source), forKey: key) {
            mistakes.append("\(key) is said twice: \(other.source), and line \(line).")
        }
    }

    private static func value(_ node: Node) -> SaidSetting.Value? {
        if node.isNull { return .null }
        if let scalar = node.scalar { return .one(scalar.string) }
        guard let items = node.sequence?.map({ $0.scalar?.string }), !items.contains(nil) else { return nil }
        return .several(items.compactMap { $0 })
    }

    /// Yams would quote the line, which may hold a secret.
    private static func place(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ": \(problem) (line \(mark.line), column \(mark.column))."
        case .duplicatedKeysInMapping(let keys, _): ": said twice: \(keys.joined(separator: ", "))."
        default: "."
        }
    }
}

extension Node {
    /// Nothing, or a word for nothing; not an empty text in quotation marks.
    fileprivate var isNull: Bool { scalar?.style == .plain && null != nil }
}
