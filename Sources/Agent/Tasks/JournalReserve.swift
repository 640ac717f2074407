// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Disk space set aside, so that machines can be removed from a disk that is full: to remove them makes room, but has to
/// be journaled first.
struct JournalReserve {
    private let path: String
    private var isThere: Bool

    /// Bytes: enough to journal the removal of some hundred machines.
    private static let size: off_t = 2 << 20

    /// Sets it aside, where the disk has room.
    init(path: String) {
        self.path = path
        isThere = false
        refill()
    }

    /// Gives the space away.
    ///
    /// - Returns: Whether there was some.
    mutating func release() -> Bool {
        guard isThere else { return false }
        isThere = false
        return unlink(path) == 0
    }

    /// Sets the space aside again, where the disk has room by now.
    mutating func refill() {
        guard !isThere else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        isThere = posix_fallocate(descriptor, 0, Self.size) == 0
        close(descriptor)
        if !isThere { unlink(path) }
    }
}
