// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryModel
import GantryProtocol

struct OrphanList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List orphans and what they hold."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let orphans = try await client.orphans()
            connection.output.print(orphans) { Self.table(orphans) }
        }
    }

    private static func table(_ orphans: [OrphanBody]) -> String {
        var table = Table("ID", "NODE", "NAME", "STATE", "HOLDS", "ADDRESSES", "UUID")
        for orphan in orphans {
            table.add(
                "\(orphan.id)",
                orphan.node,
                orphan.name ?? "-",
                orphan.removing ? "removing" : orphan.running ? "running" : "off",
                orphan.holdings,
                [orphan.address, orphan.floatingIP].compactMap(\.self).joined(separator: " "),
                orphan.uuid
            )
        }
        return table.text
    }
}

extension OrphanBody {
    fileprivate var holdings: String {
        let amounts = resources.map { "\($0.vcpus) vCPU, \($0.memoryMiB) MiB, \($0.diskGiB) GiB" } ?? "not known"
        return gpus.isEmpty ? amounts : "\(amounts), GPU \(gpus.joined(separator: " "))"
    }
}
