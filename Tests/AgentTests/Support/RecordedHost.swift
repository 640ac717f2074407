// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// Makes the files and links of a host that `Packaging/gpu/record` wrote, in a directory that is lent.
func withRecordedHost(_ name: String, _ body: (String) async throws -> Void) async throws {
    let text = try String(contentsOfFile: Repository.path("Tests/AgentTests/Fixtures/gpu/\(name).txt"), encoding: .utf8)
    try await withTemporaryDirectory { root in
        try unpackHost(text, below: root)
        try await body(root)
    }
}

func unpackHost(_ text: String, below root: String) throws {
    var directory = root
    var files: [String: String] = [:]
    for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
        if line.hasPrefix("[") {
            directory = root + line.dropFirst().dropLast()
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } else if let separator = line.range(of: " -> ") {
            let path = "\(directory)/\(line[..<separator.lowerBound])"
            try FileManager.default.createSymbolicLink(
                atPath: path,
                withDestinationPath: String(line[separator.upperBound...])
            )
        } else if let separator = line.range(of: " = ") {
            files["\(directory)/\(line[..<separator.lowerBound])", default: ""] += "\(line[separator.upperBound...])\n"
        }
    }
    for (path, text) in files { try contents(path, text).write(to: URL(filePath: path)) }
}

/// Configuration space is bytes; all else is text.
private func contents(_ path: String, _ text: String) -> Data {
    guard path.hasSuffix("/config"), let number = UInt32(text.dropLast(), radix: 16) else { return Data(text.utf8) }
    return withUnsafeBytes(of: number.bigEndian) { Data($0) }
}
