// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport

/// Lends a directory on a file system of its own that is soon full, unmounted afterwards. Needs root.
func withSmallDisk(kibibytes: Int, _ body: (String) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
        try await shell("mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k", "gantry-test", folder)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(folder))
        } catch {
            result = .failure(error)
        }
        try await shell("umount", "-l", folder)
        try result.get()
    }
}
