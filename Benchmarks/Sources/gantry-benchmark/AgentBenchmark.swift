// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation

struct AgentBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "A task taken until its domain runs, against qemu-img create and virsh create by hand."
    )

    @OptionGroup var options: HostOptions

    @Option(help: "The image that machines boot, a qcow2 file.")
    var image: String

    @Option(help: "How often each of the two is done, in turn.")
    var pairs = 7

    func run() async throws {
        try await Cloud.with(options, image: image) { cloud in
            // One guest stays, and with it the environment's network, as on any node in use.
            _ = try await cloud.machine()
            var agent: [Double] = []
            var byHand: [Double] = []
            for pair in 1...pairs {
                let machine = try await cloud.machine()
                let domain = try await options.run(
                    "virsh",
                    "-c",
                    "qemu:///system",
                    "dumpxml",
                    "--inactive",
                    "gantry-\(machine.uuid)"
                )
                try await cloud.delete(machine)
                let copy = try HandMadeDomain(domain, of: machine.uuid, image: cloud.cachedImage, options)
                agent.append(machine.made.milliseconds)
                byHand.append(try await copy.create().milliseconds)
                progress(
                    "pair \(pair) of \(pairs): \(agent[pair - 1].text(0)) ms, \(byHand[pair - 1].text(0)) ms by hand"
                )
            }
            print(Self.table(agent, byHand).text)
        }
    }

    private static func table(_ agent: [Double], _ byHand: [Double]) -> ResultTable {
        var table = ResultTable("from nothing to a running domain", "median", "lowest", "highest")
        let rows = [("agent, from the task taken", agent), ("`qemu-img create` and `virsh create`", byHand)]
        for (name, times) in rows {
            table.add(
                name,
                "\((median(times) ?? 0).text(0)) ms",
                "\((times.min() ?? 0).text(0)) ms",
                "\((times.max() ?? 0).text(0)) ms"
            )
        }
        let ratios = zip(agent, byHand).map { $0 / $1 }
        table.add(
            "ratio of a pair",
            (median(ratios) ?? 0).text(2),
            (ratios.min() ?? 0).text(2),
            (ratios.max() ?? 0).text(2)
        )
        return table
    }
}
