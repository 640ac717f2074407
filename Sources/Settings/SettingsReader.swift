// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Foundation
public import GantryModel

/// Reads a program's settings, one after the other. What is wrong with them is gathered and told at once, so that nobody
/// mends one mistake a start; until then a wrong one reads as if nothing were said.
///
/// Which keys there are is what was read.
public final class SettingsReader {
    private let sources: SettingsSources
    private var mistakes: [String]
    /// What was read so far, and where it was said.
    public private(set) var effective: EffectiveSettings

    public init(_ sources: SettingsSources) {
        self.sources = sources
        mistakes = sources.file.mistakes
        effective = EffectiveSettings()
    }

    // MARK: - One value

    /// A text; nil where nothing is said.
    public func text(_ key: String) -> String? {
        value(key, fallback: .none, isSecret: false) {
            $0
        } shown: {
            .text($0)
        }
    }

    /// A text.
    public func text(_ key: String, default fallback: String) -> String {
        value(key, fallback: .text(fallback), isSecret: false) {
            $0
        } shown: {
            .text($0)
        } ?? fallback
    }

    /// What a text stands for; nil where nothing or something wrong is said.
    ///
    /// - Parameters:
    ///   - key: where it stands.
    ///   - fallback: the text that holds where nothing is said.
    ///   - parse: throws a sentence that says what would be right.
    /// - Returns: what `parse` made of it.
    public func parsed<Value>(
        _ key: String,
        default fallback: String? = nil,
        _ parse: (String) throws -> Value
    ) -> Value? {
        let found = value(key, fallback: fallback.map { .text($0) } ?? .none, isSecret: false) { text in
            (text, try parse(text))
        } shown: {
            .text($0.0)
        }
        if let found { return found.1 }
        return fallback.flatMap { try? parse($0) }
    }

    /// The same, where something has to be said.
    ///
    /// - Parameters:
    ///   - key: where it stands.
    ///   - isSecret: whether nobody may see it.
    ///   - parse: throws a sentence that says what would be right, and that quotes no secret.
    /// - Returns: what `parse` made of it.
    public func required<Value>(
        _ key: String,
        isSecret: Bool = false,
        _ parse: (String) throws -> Value
    ) -> Value? {
        let before = mistakes.count
        let found = value(key, fallback: .none, isSecret: isSecret) { text in
            (text, try parse(text))
        } shown: {
            .text($0.0)
        }
        if found == nil, mistakes.count == before { mistakes.append("\(key) is missing; it has to be said.") }
        return found?.1
    }

    /// A whole number in a range.
    public func number(_ key: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
        value(key, fallback: .plain("\(fallback)"), isSecret: false) { text in
            guard let number = Int(text), range.contains(number) else {
                throw InvalidValue(
                    "“\(text)” is no whole number from \(range.lowerBound) to \(range.upperBound)."
                )
            }
            return number
        } shown: {
            .plain("\($0)")
        } ?? fallback
    }

    /// Yes or no.
    public func flag(_ key: String, default fallback: Bool) -> Bool {
        value(key, fallback: .plain("\(fallback)"), isSecret: false) { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw InvalidValue("“\(text)” is neither true nor false.")
            }
        } shown: {
            .plain("\($0)")
        } ?? fallback
    }

    /// One of several words.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        default fallback: Choice
    ) -> Choice {
        value(key, fallback: .text(fallback.rawValue), isSecret: false) { text in
            guard let choice = Choice(rawValue: text) else {
                let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
                throw InvalidValue("“\(text)” is none of \(choices).")
            }
            return choice
        } shown: {
            .text($0.rawValue)
        } ?? fallback
    }

    // MARK: - Several values

    /// A list, or its elements with commas between them; those that are right.
    ///
    /// - Parameters:
    ///   - key: where it stands.
    ///   - fallback: what holds where nothing is said.
    ///   - parse: throws a sentence that says what would be right.
    /// - Returns: what `parse` made of each.
    public func list<Value>(
        _ key: String,
        default fallback: [String] = [],
        _ parse: (String) throws -> Value
    ) -> [Value] {
        let said = said(key)
        let texts: [String]
        switch said?.value {
        case .several(let several): texts = several
        case .one(let text):
            texts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        case .null, nil: texts = fallback
        }
        effective.note(key, .list(texts), said?.source ?? .usual)
        return texts.compactMap { text in
            do {
                return try parse(text)
            } catch {
                refuse(key, "\(error)", said?.source)
                return nil
            }
        }
    }

    // MARK: - Files

    /// A file that a key names by its whole path, or that is there as the credential itself; nil for none.
    ///
    /// - Parameters:
    ///   - key: where the path stands.
    ///   - parse: throws a sentence that says what the file should hold.
    /// - Returns: where the file is, and what `parse` made of it.
    public func file<Content>(_ key: String, _ parse: (Data) throws -> Content) -> (path: String, content: Content)? {
        let said = said(key)
        let path: String
        switch (said?.source, said?.value) {
        case (.credential(let credential), _): path = credential
        case (_, .one(let text)?): path = text
        case (_, .several?):
            refuse(key, "it is a list, where one value belongs.", said?.source)
            return nil
        default: path = ""
        }
        let data = path.hasPrefix("/") ? FileManager.default.contents(atPath: path) : nil
        let digest = data.map { SHA256.hash(data: $0).description }
        guard !path.isEmpty else {
            effective.note(key, .none, .usual)
            return nil
        }
        effective.note(key, .text(path), said?.source ?? .usual, content: digest)
        guard let data else {
            refuse(key, "“\(path)” cannot be read; write the whole path of a PEM file.", said?.source)
            return nil
        }
        do {
            return (path, try parse(data))
        } catch {
            refuse(key, "“\(path)”: \(error)", said?.source)
            return nil
        }
    }

    /// Whether something is said for a key that was read.
    public func says(_ key: String) -> Bool { effective.source(of: key) != .usual }

    // MARK: - Mistakes

    /// Notes what is wrong with a setting beside others.
    public func refuse(_ key: String, _ sentence: String) { refuse(key, sentence, effective.source(of: key)) }

    private func refuse(_ key: String, _ sentence: String, _ source: SettingSource?) {
        guard let source, source != .usual else { return mistakes.append("\(key): \(sentence)") }
        mistakes.append("\(key): \(sentence) (\(source))")
    }

    /// - Throws: all that is wrong, a line each.
    public func refuseMistakes() throws(InvalidValue) {
        guard mistakes.isEmpty else { throw InvalidValue(mistakes.joined(separator: "\n")) }
    }

    /// To be called when every key was read.
    ///
    /// - Throws: all that is wrong, a line each, with what is said and no key.
    public func finish() throws(InvalidValue) {
        let keys = KnownKeys(effective.keys)
        for (key, said) in sources.file.settings.sorted(by: { $0.key < $1.key }) {
            guard let complaint = keys.complaint(of: key, isNull: said.value == .null) else { continue }
            mistakes.append("\(complaint) (\(said.source))")
        }
        mistakes += sources.environment.keys.sorted().compactMap { keys.complaint(ofVariable: $0) }
        try refuseMistakes()
    }

    // MARK: - Reading

    private func said(_ key: String) -> SaidSetting? {
        do throws(InvalidValue) {
            return try sources.said(key)
        } catch {
            mistakes.append("\(error)")
            return nil
        }
    }

    private func value<Value>(
        _ key: String,
        fallback: EffectiveSettings.Value,
        isSecret: Bool,
        _ parse: (String) throws -> Value,
        shown: (Value) -> EffectiveSettings.Value
    ) -> Value? {
        let said = said(key)
        effective.note(key, fallback, said?.source ?? .usual, isSecret: isSecret)
        guard let said else { return nil }
        guard case .one(let text) = said.value else {
            refuse(key, "it is a list, where one value belongs.", said.source)
            return nil
        }
        do {
            let value = try parse(text)
            effective.note(key, shown(value), said.source, isSecret: isSecret)
            return value
        } catch {
            refuse(key, "\(error)", said.source)
            return nil
        }
    }
}
