// SPDX-License-Identifier: Apache-2.0

public import Configuration
public import GantryModel

extension ConfigReader {
    /// A whole number.
    ///
    /// - Parameters:
    ///   - key: where it stands.
    ///   - fallback: what it is when nothing stands there.
    ///   - range: what it can be.
    /// - Returns: a number in that range.
    /// - Throws: a sentence that names the key.
    public func number(
        _ key: ConfigKey,
        default fallback: Int,
        in range: ClosedRange<Int>
    ) throws(InvalidValue) -> Int {
        guard let value = int(forKey: key) else {
            // What is no whole number reads as if nothing stood there.
            guard let other = string(forKey: key) ?? double(forKey: key)?.description ?? bool(forKey: key)?.description
            else { return fallback }
            throw InvalidValue(
                "\(key) is “\(other)”; it is a whole number, \(range.lowerBound) to \(range.upperBound)."
            )
        }
        guard range.contains(value) else {
            throw InvalidValue("\(key) is \(value); it can be \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// One of several words.
    ///
    /// - Parameters:
    ///   - key: where it stands.
    ///   - fallback: what it is when nothing stands there.
    /// - Returns: what the word stands for.
    /// - Throws: a sentence that names the key and the words.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: ConfigKey,
        default fallback: Choice
    ) throws(InvalidValue) -> Choice {
        let text = string(forKey: key, default: fallback.rawValue)
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidValue("\(key) is “\(text)”; it can be \(choices).")
        }
        return choice
    }
}
