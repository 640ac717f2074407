// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Testing

@testable import Agent

@Suite("A host's storage pools are there or not, each by itself")
struct StoragePoolTests {
    @Test("A shared pool counts while its marker is there, and not when nothing is mounted; a local one always")
    func availability() async throws {
        try await withTemporaryDirectory { folder in
            let shared = SharedPool(name: "fast", directory: folder + "/mount")
            let local = LocalPool(name: "local", directory: folder + "/volumes")
            let pools = StoragePools([shared, local], logger: Logger(label: "test"))
            let volume = AbsentVolume(uuid: VolumeUUID(), pool: "fast")
            try FileManager.default.createDirectory(atPath: shared.directory, withIntermediateDirectories: true)
            try await eventually("the local pool is there") {
                await pools.inventory() == [StoragePoolInventory(name: "local", kind: .local)]
            }
            await #expect(throws: Fault.self) {
                try await pools.use(volume.pool) { (pool) async throws(Fault) in
                    try VolumeFile.remove(at: pool.path(of: volume.uuid))
                }
            }
            let marker = shared.directory + "/" + SharedPool.marker
            try Data().write(to: URL(filePath: marker))
            try await eventually("both are there") {
                await pools.inventory().map(\.name) == ["fast", "local"]
            }
            try FileManager.default.removeItem(atPath: marker)
            try await eventually("the shared one is away") { await pools.inventory().map(\.name) == ["local"] }
            #expect(throws: Fault.self) { try pools.pool("other") }
        }
    }

    @Test("The disks of a running domain are its volumes where they have a serial number")
    func disks() {
        let xml = """
            <domain><devices>
              <disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>
              <disk type='file' device='disk'><target dev='vdd' bus='virtio'/><serial>2e2fb02e-68e0-4ae7-8</serial></disk>
            </devices></domain>
            """
        let disks = RunningDisks(xml: xml)
        #expect(disks.targets == ["vda", "vdd"])
        #expect(disks.volumes == ["2e2fb02e-68e0-4ae7-8": "vdd"])
    }
}
