// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport

/// The example of a configuration file that a package has.
struct ExampleConfiguration {
    /// A line of it, commented out or not.
    private struct Setting {
        let line: String
        let name: String
        let isNested: Bool
        let hasValue: Bool

        init?(_ text: Substring) {
            guard let match = text.wholeMatch(of: /#?((  )?([a-z0-9_]+):( .*)?)/) else { return nil }
            (line, name) = (String(match.1), String(match.3))
            (isNested, hasValue) = (match.2 != nil, match.4 != nil)
        }
    }

    let text: String
    /// Groups, and settings of no group.
    private let blocks: [[Setting]]

    /// - Parameters:
    ///   - name: what the file is called in `/etc/gantry`.
    ///   - source: the Swift file that says what there is.
    /// - Throws: when the example cannot be made.
    init(_ name: String, source: String) async throws {
        text = try await shell(
            Repository.path("Packaging/debian/documents"),
            "example",
            name,
            Repository.path(source)
        )
        blocks = text.split(separator: "\n\n").map { $0.split(separator: "\n").compactMap(Setting.init) }
    }

    /// Every key that stands in it.
    var keys: Set<String> {
        Set(
            blocks.flatMap { block in
                block.filter { $0.isNested || !Self.isGroup(block) }
                    .map { $0.isNested ? "\(block[0].name).\($0.name)" : $0.name }
            }
        )
    }

    /// The same with all that it says what holds without it.
    var uncommented: String {
        let lines = blocks.filter { $0.contains(where: \.hasValue) }
            .flatMap { block in
                block.enumerated().filter { $0.element.hasValue || ($0.offset == 0 && Self.isGroup(block)) }
                    .map(\.element.line)
            }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func isGroup(_ block: [Setting]) -> Bool { block.last?.isNested == true }
}
