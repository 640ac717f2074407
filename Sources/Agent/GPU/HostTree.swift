// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// What the kernel says of a host in `/sys` and `/proc`: of this host, or of one that was recorded below a directory.
///
/// Its calls block.
package struct HostTree: Sendable {
    private let root: String

    /// - Parameter root: `/` for this host.
    package init(root: String = "/") {
        self.root = root == "/" ? "" : root
    }

    /// Where a path of the host's is.
    package func path(_ path: String) -> String { root + path }

    package func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: self.path(path)) }

    /// The names in a directory, in order; none where there is no such directory.
    package func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: self.path(path))) ?? []).sorted()
    }

    /// A file's text without the white space around it; nil where it cannot be read.
    package func text(_ path: String) -> String? {
        (try? String(contentsOfFile: self.path(path), encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    package func lines(_ path: String) -> [Substring] { text(path)?.split(separator: "\n") ?? [] }

    package func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// The first bytes of a file; nil where they cannot be read.
    package func bytes(_ path: String, count: Int) -> Data? {
        guard let file = FileHandle(forReadingAtPath: self.path(path)) else { return nil }
        defer { try? file.close() }
        return try? file.read(upToCount: count)
    }

    /// The last part of what a symbolic link says, which in sysfs is the name of a driver, a group or a device.
    package func linkName(_ path: String) -> String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: self.path(path)))
            .map { ($0 as NSString).lastPathComponent }
    }

    /// The parts of a path when all its links are followed. In sysfs these are a device and what it hangs on.
    package func resolvedParts(_ path: String) -> [String] {
        guard let resolved = realpath(self.path(path), nil) else { return [] }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").map(String.init)
    }
}
