// SPDX-License-Identifier: Apache-2.0

/// The names that environments can have. They stand in paths where ids and words stand too.
enum EnvironmentName {
    static let maximumLength = 50

    /// Words at the place of an environment's name or id in paths; the last two cannot be sent in a URL.
    static let reserved = ["name-availability", "contract", ".", ".."]

    /// - Throws: ``APIError`` that names the field.
    static func check(_ text: String, _ field: String) throws(APIError) -> String {
        _ = try TextField.check(text, field, maximumLength: maximumLength)
        guard !text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .invalid(field, "it is a number, which would be taken for an id; add a letter.")
        }
        guard !reserved.contains(text) else {
            throw .invalid(field, "“\(text)” has a meaning of its own in URLs; choose another name.")
        }
        return text
    }
}
