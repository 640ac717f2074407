// SPDX-License-Identifier: Apache-2.0

/// What a person hands on to ssh: options of its own, and a command for the machine.
struct SSHArguments {
    let options: [String]
    let command: [String]

    /// The options of OpenSSH's ssh that take a value.
    private static let valued = Set("BbcDEeFIiJLlmOoPpQRSWw")

    init(_ words: [String]) {
        var end = 0
        while end < words.count, words[end].count > 1, words[end].hasPrefix("-"), words[end] != "--" {
            let letters = Array(words[end].dropFirst())
            // The value is what follows the letter, or the next word.
            let needsNext = letters.firstIndex { Self.valued.contains($0) } == letters.count - 1
            end += needsNext ? 2 : 1
        }
        end = min(end, words.count)
        (options, command) = (Array(words[..<end]), Array(words[end...]))
    }
}
