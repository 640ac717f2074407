// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
package import Logging

/// Images on this host: each fetched once, checked by its digest, kept read-only under its digest.
package actor ImageCache {
    package nonisolated let directory: String
    private let download: ImageDownload
    private let logger: Logger
    private var fetches: [SHA256Digest: Task<Result<Void, Fault>, Never>] = [:]
    private var listeners: [SHA256Digest: [UUID: @Sendable (Int) -> Void]] = [:]

    package init(directory: String, download: ImageDownload, logger: Logger) {
        (self.directory, self.download, self.logger) = (directory, download, logger)
    }

    /// Where an image is or will be.
    package nonisolated func path(of image: ImageSource) -> String { "\(directory)/\(image.sha256)" }

    /// Fetches the image where it is not here yet, and checks it against the flavor's disk.
    ///
    /// Many callers share one fetch. It ends when its last caller is cancelled.
    package func ensure(
        _ image: ImageSource,
        diskGiB: Int,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        if !FileManager.default.fileExists(atPath: path(of: image)) {
            try await fetchShared(image, progress)
        }
        let size = try ImageCheck.virtualSize(path: path(of: image), format: image.format)
        try ImageCheck.fits(size, diskGiB: diskGiB)
    }

    private func fetchShared(_ image: ImageSource, _ progress: @escaping @Sendable (Int) -> Void) async throws(Fault) {
        let listener = UUID()
        listeners[image.sha256, default: [:]][listener] = progress
        let fetch = fetches[image.sha256] ?? start(image)
        let result = await withTaskCancellationHandler {
            await fetch.value
        } onCancel: {
            Task { await self.leave(listener, of: image) }
        }
        leave(listener, of: image)
        try result.get()
    }

    private func start(_ image: ImageSource) -> Task<Result<Void, Fault>, Never> {
        let fetch = Task { () -> Result<Void, Fault> in
            let result: Result<Void, Fault>
            do throws(Fault) {
                try await self.fetch(image)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            fetches[image.sha256] = nil
            return result
        }
        fetches[image.sha256] = fetch
        return fetch
    }

    private func leave(_ listener: UUID, of image: ImageSource) {
        listeners[image.sha256]?[listener] = nil
        if listeners[image.sha256]?.isEmpty ?? true {
            listeners[image.sha256] = nil
            fetches[image.sha256]?.cancel()
        }
    }

    private func fetch(_ image: ImageSource) async throws(Fault) {
        let part = path(of: image) + ".part"
        logger.info("Fetching an image", metadata: ["image.name": "\(image.name)", "image.sha256": "\(image.sha256)"])
        do throws(Fault) {
            let digest = try await download.run(from: image.url, to: part) { percent in
                Task { await self.tell(percent, of: image) }
            }
            guard digest == image.sha256 else {
                throw Fault(
                    .imageDigestMismatch,
                    "The image's SHA-256 is \(digest), not \(image.sha256) as registered. It was changed or damaged."
                )
            }
            // A file that is no image never gets its final name.
            _ = try ImageCheck.virtualSize(path: part, format: image.format)
            try HostFiles.publish(part, as: path(of: image), mode: 0o444)
        } catch {
            try? FileManager.default.removeItem(atPath: part)
            throw error
        }
    }

    private func tell(_ percent: Int, of image: ImageSource) {
        for listener in listeners[image.sha256, default: [:]].values { listener(percent) }
    }
}
