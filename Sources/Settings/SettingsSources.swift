// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import GantryModel

/// What is said of a program's settings, and where: environment over credentials over file.
public struct SettingsSources: Sendable {
    /// Those that begin with `GANTRY_`.
    let environment: [String: String]
    /// What stands before a key in the path of its credential; nil for none.
    private let credentials: String?
    let file: SettingsFile

    /// Credentials are where systemd puts what the unit's `LoadCredential=` names. A command that runs outside the unit
    /// reads them from where the unit has them.
    ///
    /// - Parameters:
    ///   - file: a YAML file; nil for none.
    ///   - program: whose unit it is; nil for none.
    ///   - environment: this process's.
    /// - Throws: a sentence that names the file that cannot be read.
    public init(
        file: String?,
        program: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(InvalidValue) {
        self.environment = environment.filter { $0.key.hasPrefix(Self.prefix) }
        credentials = environment["CREDENTIALS_DIRECTORY"].map { $0 + "/" } ?? program.map { "/etc/credstore/\($0)." }
        self.file = if let file { try SettingsFile(path: file) } else { SettingsFile() }
    }

    /// What stands there for a key. A null stands for nothing.
    ///
    /// - Throws: for a credential that cannot be read.
    func said(_ key: String) throws(InvalidValue) -> SaidSetting? {
        let variable = Self.variable(key)
        if let text = environment[variable] {
            return SaidSetting(value: .one(text), source: .environment(variable))
        }
        if let credential = try credential(key) { return credential }
        guard let said = file.settings[key], said.value != .null else { return nil }
        return said
    }

    private func credential(_ key: String) throws(InvalidValue) -> SaidSetting? {
        guard let path = credentials.map({ $0 + key }), FileManager.default.fileExists(atPath: path) else {
            return nil
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw InvalidValue("\(key): the credential \(path) cannot be read as text.")
        }
        // Editors end files with a line feed.
        let value = text.hasSuffix("\n") ? String(text.dropLast()) : text
        return SaidSetting(value: .one(value), source: .credential(path))
    }

    private static let prefix = "GANTRY_"

    /// The environment variable of a key: `database.url` is `GANTRY_DATABASE_URL`.
    static func variable(_ key: String) -> String { prefix + key.uppercased().replacing(".", with: "_") }
}

/// What stands somewhere for a key.
struct SaidSetting: Sendable {
    enum Value: Hashable {
        case one(String)
        case several([String])
        case null
    }

    let value: Value
    let source: SettingSource
}

/// Where a setting was said.
public enum SettingSource: Hashable, Sendable, CustomStringConvertible {
    case environment(String)
    case credential(String)
    case file(String, line: Int)
    /// Nowhere: it is what holds without a word.
    case usual

    public var description: String {
        switch self {
        case .environment(let variable): "environment variable \(variable)"
        case .credential(let path): "credential \(path)"
        case .file(let path, let line): "\(path), line \(line)"
        case .usual: "default"
        }
    }
}
