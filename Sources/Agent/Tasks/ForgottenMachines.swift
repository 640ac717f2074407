// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel

/// The machines that were here last and are gone, so that a message that comes late builds none of them again: its
/// addresses may be another's by now.
///
/// A file of a line each. What is lost of it, or older than the newest some thousand, is no worse than unknown.
struct ForgottenMachines {
    private let path: String
    private let limit: Int
    private var generations: [MachineUUID: Generation] = [:]

    /// - Parameters:
    ///   - path: The file; made with the first line.
    ///   - limit: Lines to keep over a restart.
    init(path: String, limit: Int = 5000) {
        (self.path, self.limit) = (path, limit)
        let lines = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
        for line in lines.suffix(limit) {
            let words = line.split(separator: " ")
            // The last line may have been cut off in the middle.
            guard words.count == 2, let uuid = try? MachineUUID(String(words[0])), let generation = Int64(words[1])
            else { continue }
            generations[uuid] = Generation(generation)
        }
        if lines.count > limit {
            try? HostFiles.write(Data((lines.suffix(limit).joined(separator: "\n") + "\n").utf8), to: path)
        }
    }

    /// The generation at which a machine went; nil when it was never here, as far as is remembered.
    subscript(uuid: MachineUUID) -> Generation? { generations[uuid] }

    /// Those that are remembered.
    var machines: [MachineUUID] { Array(generations.keys) }

    /// Notes that a machine is gone.
    mutating func add(_ uuid: MachineUUID, at generation: Generation) {
        generations[uuid] = generation
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        guard let file = FileHandle(forWritingAtPath: path) else { return }
        defer { try? file.close() }
        _ = try? file.seekToEnd()
        try? file.write(contentsOf: Data("\(uuid) \(generation)\n".utf8))
    }
}
