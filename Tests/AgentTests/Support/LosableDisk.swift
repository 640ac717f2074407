// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport

/// A file system of its own that can lose power: what was not flushed to it is gone then. Needs root.
struct LosableDisk: Sendable {
    let folder: String
    private let image: String

    static func with(_ body: (LosableDisk) async throws -> Void) async throws {
        try await withTemporaryDirectory { top in
            let disk = LosableDisk(folder: "\(top)/disk", image: "\(top)/image")
            try await shell("mkdir", disk.folder)
            try await shell("truncate", "-s", "16M", disk.image)
            try await shell("mke2fs", "-q", "-F", "-t", "ext4", disk.image)
            try await disk.mount()
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(disk))
            } catch {
                result = .failure(error)
            }
            try await shell("umount", "-l", disk.folder)
            try result.get()
        }
    }

    private func mount() async throws {
        try await shell("mount", "-o", "loop", image, folder)
    }

    /// Loses power, and comes back with it.
    func losePower() async throws {
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (Linux, fs/ext4/ext4.h).
        let shutDown = """
            open(my $folder, '<', $ARGV[0]) or die; my $flags = pack('L', 2); ioctl($folder, 0x8004587d, $flags) or die $!
            """
        try await shell("perl", "-e", shutDown, folder)
        try await shell("umount", folder)
        try await mount()
    }
}
