// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryModel
import GantryProtocol
import Libvirt

/// Copies a machine's root disk as it is at one moment into a qcow2 file that stands on no other.
struct SnapshotFile {
    let hypervisor: Hypervisor
    /// The domain's.
    let uuid: String
    /// Where the copy goes. What is there is overwritten.
    let path: String

    /// - Parameter root: the disk's file, for a machine that is off.
    /// - Returns: whether file systems on it are whole: the guest's agent held them still, or the machine is off.
    /// - Throws: ``Fault``.
    func take(root: String) async throws(Fault) -> Bool {
        let connection = try await hypervisor.connected(to: .change)
        do {
            try await endFormer(connection)
            try HostFiles.remove(path)
            guard let xml = try await connection.runningDomainXML(uuid) else {
                try await convert(root)
                return true
            }
            return try await copy(RunningDisks(xml: xml), connection)
        } catch let fault as Fault {
            throw fault
        } catch let error as LibvirtError where error.isConnectionLost {
            throw Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        } catch {
            throw HostFiles.fault(from: error, "The disk could not be copied on the node.")
        }
    }

    /// Ends what an agent began that died: the copy, and the guest's waiting for it.
    private func endFormer(_ connection: LibvirtConnection) async throws {
        guard try await connection.runningDomainXML(uuid) != nil, try await connection.hasJob(uuid) else { return }
        try? await connection.abortJob(uuid)
        try? await hypervisor.connected(to: .question).thaw(uuid)
        while try await connection.hasJob(uuid) { try await Task.sleep(for: .milliseconds(250)) }
    }

    private func convert(_ root: String) async throws {
        try await Command(
            "qemu-img",
            ["convert", "-q", "-f", "qcow2", "-O", "qcow2", root, path],
            deadline: .seconds(4 * 3600)
        )
        .run()
    }

    private func copy(_ disks: RunningDisks, _ connection: LibvirtConnection) async throws -> Bool {
        let size = try await connection.diskCapacity(VolumeDisk.rootTarget, of: uuid)
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", path, "\(size)"]).run()
        let isConsistent = try await atOneMoment {
            try await connection.beginBackup(Self.xml(disks.targets, path), of: uuid)
        }
        while try await connection.hasJob(uuid) {
            guard (try? await Task.sleep(for: .milliseconds(500))) != nil else {
                try? await connection.abortJob(uuid)
                throw Fault(.hostCommandFailed, "The snapshot was given up.")
            }
        }
        guard try await connection.lastJobSucceeded(uuid) else {
            throw Fault(.hostCommandFailed, "QEMU could not copy the disk to its end.")
        }
        return isConsistent
    }

    /// Begins while the guest holds still, if its agent can have it so.
    private func atOneMoment(_ begin: () async throws -> Void) async throws -> Bool {
        let guest = try await hypervisor.connected(to: .question)
        let isFrozen = (try? await guest.freeze(uuid)) != nil
        let result = await Result(catching: begin)
        // Also one that did not answer in time may have frozen after all.
        try? await guest.thaw(uuid)
        try result.get()
        return isFrozen
    }

    private static func xml(_ targets: Set<String>, _ path: String) -> String {
        XML("domainbackup", ["mode": "push"]) {
            XML("disks") {
                targets.sorted()
                    .map { target in
                        guard target == VolumeDisk.rootTarget else {
                            return XML("disk", ["name": target, "backup": "no"])
                        }
                        return XML("disk", ["name": target, "backup": "yes", "type": "file"]) {
                            XML("driver", ["type": "qcow2"])
                            XML("target", ["file": path])
                        }
                    }
            }
        }
        .text
    }

    // MARK: - What became of it

    /// Its digest and its sizes. Its calls block.
    static func look(at path: String) throws(Fault) -> (digest: GantryModel.SHA256Digest, size: Int64, virtual: Int64) {
        let virtual = try ImageCheck.virtualSize(path: path, format: .qcow2)
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Fault(.hostCommandFailed, "The snapshot could not be read on the node.")
        }
        defer { try? file.close() }
        var (hash, size) = (SHA256(), Int64(0))
        do {
            while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty {
                hash.update(data: chunk)
                size += Int64(chunk.count)
            }
            let text = hash.finalize().map { String(format: "%02x", $0) }.joined()
            return (try GantryModel.SHA256Digest(text), size, Int64(virtual))
        } catch {
            throw Fault(.hostCommandFailed, "The snapshot could not be read on the node.")
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(catching body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
