// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Foundation
package import GantryModel
package import GantryProtocol
package import Logging

/// Images on this host: each fetched once, checked by its digest, kept read-only under its digest.
package actor ImageCache {
    package nonisolated let directory: String
    private let download: ImageDownload
    private let logger: Logger
    private let thread = DedicatedThread(name: "images")
    private var fetches: [ImageSource: Fetch] = [:]
    private var numbers = 0

    /// One image on its way, and who waits for it.
    private struct Fetch {
        let number: Int
        let task: Task<Void, Never>
        var percent = -1
        var waiters: [Int: Waiter] = [:]
    }

    private struct Waiter {
        let progress: @Sendable (Int) -> Void
        let continuation: CheckedContinuation<Result<Void, Fault>, Never>
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    package init(directory: String, download: ImageDownload, logger: Logger) {
        (self.directory, self.download, self.logger) = (directory, download, logger)
        // What an agent left that died while it fetched.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasSuffix(".part") {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }

    /// Where an image is or will be.
    package nonisolated func path(of image: ImageSource) -> String { "\(directory)/\(image.sha256)" }

    /// Fetches the image where it is not here yet, and checks it against the flavor's disk.
    ///
    /// Many callers share one fetch. A caller that is cancelled waits no longer; the fetch ends with its last.
    package func ensure(
        _ image: ImageSource,
        diskGiB: Int,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        if !FileManager.default.fileExists(atPath: path(of: image)) {
            try await share(image, progress).get()
        }
        let size = try ImageCheck.virtualSize(path: path(of: image), format: image.format)
        try ImageCheck.fits(size, diskGiB: diskGiB)
    }

    // MARK: - Sharing

    private func share(_ image: ImageSource, _ progress: @escaping @Sendable (Int) -> Void) async -> Result<Void, Fault>
    {
        let number = nextNumber()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                join(image, number, Waiter(progress: progress, continuation: continuation))
            }
        } onCancel: {
            Task { await self.leave(image, number) }
        }
    }

    private func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    private func join(_ image: ImageSource, _ number: Int, _ waiter: Waiter) {
        var fetch = fetches[image] ?? begin(image)
        fetch.waiters[number] = waiter
        fetches[image] = fetch
    }

    private func leave(_ image: ImageSource, _ number: Int) {
        guard let waiter = fetches[image]?.waiters.removeValue(forKey: number) else { return }
        if fetches[image]?.waiters.isEmpty == true {
            fetches.removeValue(forKey: image)?.task.cancel()
        }
        waiter.continuation.resume(returning: .failure(Fault(.imageUnreachable, "The fetch was given up.")))
    }

    private func tell(_ percent: Int, of image: ImageSource, _ number: Int) {
        guard let fetch = fetches[image], fetch.number == number, percent > fetch.percent else { return }
        fetches[image]?.percent = percent
        for waiter in fetch.waiters.values { waiter.progress(percent) }
    }

    // MARK: - Fetching

    private func begin(_ image: ImageSource) -> Fetch {
        let number = nextNumber()
        let task = Task {
            let result: Result<Void, Fault>
            do throws(Fault) {
                result = .success(try await self.fetch(image, number))
            } catch {
                result = .failure(error)
            }
            end(image, number, result)
        }
        return Fetch(number: number, task: task)
    }

    private func end(_ image: ImageSource, _ number: Int, _ result: Result<Void, Fault>) {
        guard let fetch = fetches[image], fetch.number == number else { return }
        fetches[image] = nil
        for waiter in fetch.waiters.values { waiter.continuation.resume(returning: result) }
    }

    private func fetch(_ image: ImageSource, _ number: Int) async throws(Fault) {
        let (path, part) = (path(of: image), "\(path(of: image)).\(number).part")
        logger.info("Fetching an image", metadata: ["image.name": "\(image.name)", "image.sha256": "\(image.sha256)"])
        let download = download
        // A thread of its own, since digesting takes a processor for as long as it lasts.
        try await FileWorker(name: "image")
            .run { () async throws(Fault) in
                defer { try? FileManager.default.removeItem(atPath: part) }
                let digest = try await download.run(from: image.url, to: part) { percent in
                    Task { await self.tell(percent, of: image, number) }
                }
                guard digest == image.sha256 else {
                    throw Fault(
                        .imageDigestMismatch,
                        "The image's SHA-256 is \(digest), not \(image.sha256) as registered. It was changed or damaged."
                    )
                }
                // A file that is no image never gets its final name.
                _ = try ImageCheck.virtualSize(path: part, format: image.format)
                try await ImageCheck.isSound(path: part, format: image.format)
                try HostFiles.publish(part, as: path, mode: 0o444)
            }
    }
}
