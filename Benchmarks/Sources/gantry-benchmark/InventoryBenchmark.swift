// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

struct InventoryBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inventory",
        abstract: "The look at all GPUs of a recorded host, by the agent's doctor, less what the program's start takes."
    )

    @Option(help: "A host that Packaging/gpu/unpack made.")
    var root: String

    @Option(help: "How often each of the two is run, in turn.")
    var pairs = 20

    func run() async throws {
        var starts: [Double] = []
        var looks: [Double] = []
        for _ in 1...pairs {
            starts.append(try await time("--version"))
            looks.append(try await time("doctor", "--root", root, "--json"))
        }
        let devices = try FileManager.default.contentsOfDirectory(atPath: "\(root)/sys/bus/pci/devices").count
        var table = ResultTable("program", "median", "lowest", "highest")
        let rows = [("`gantry-agent --version`", starts), ("`gantry-agent doctor`, \(devices) devices", looks)]
        for (name, times) in rows {
            table.add(
                name,
                "\((median(times) ?? 0).text(1)) ms",
                "\((times.min() ?? 0).text(1)) ms",
                "\((times.max() ?? 0).text(1)) ms"
            )
        }
        print(table.text)
    }

    private func time(_ arguments: String...) async throws -> Double {
        let begin = ContinuousClock.now
        try await Child.run([HostAgent.path] + arguments, mayFail: true)
        return begin.duration(to: .now).milliseconds
    }
}
