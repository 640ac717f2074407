// SPDX-License-Identifier: Apache-2.0

/// The tables of the conductor's benchmark.
struct ConductorReport {
    private var alone = ResultTable("nodes", "one create alone, answered", "to ACTIVE", "p99 to ACTIVE")
    private var rates = ResultTable(
        "nodes",
        "operation",
        "a second",
        "answered p50",
        "answered p99",
        "done p50",
        "done p99"
    )
    private var processor = ResultTable("nodes", "operation", "conductor", "PostgreSQL", "RabbitMQ", "load", "all")

    private var idle = ResultTable("nodes", "conductor", "PostgreSQL", "RabbitMQ", "nodes' agents")

    mutating func add(nodes: Int, _ single: MachineLoad.Result) {
        alone.add(
            "\(nodes)",
            Self.milliseconds(single.answered.percentile(50)),
            Self.milliseconds(single.finished.percentile(50)),
            Self.milliseconds(single.finished.percentile(99))
        )
    }

    mutating func add(nodes: Int, quiet cpu: CPUAccount) {
        let each = 1000 / Double(ConductorBenchmark.quietSeconds)
        idle.add(
            "\(nodes)",
            Self.milliseconds(cpu.conductor * each),
            Self.milliseconds(cpu.postgres * each),
            Self.milliseconds(cpu.rabbitMQ * each),
            Self.milliseconds(cpu.load * each)
        )
    }

    mutating func add(nodes: Int, _ operation: String, _ result: MachineLoad.Result, _ cpu: CPUAccount) {
        rates.add(
            "\(nodes)",
            operation,
            result.perSecond.text(0),
            Self.milliseconds(result.answered.percentile(50)),
            Self.milliseconds(result.answered.percentile(99)),
            Self.milliseconds(result.finished.percentile(50)),
            Self.milliseconds(result.finished.percentile(99))
        )
        let each = 1000 / Double(max(1, result.machines.count))
        processor.add(
            "\(nodes)",
            operation,
            Self.milliseconds(cpu.conductor * each),
            Self.milliseconds(cpu.postgres * each),
            Self.milliseconds(cpu.rabbitMQ * each),
            Self.milliseconds(cpu.load * each),
            Self.milliseconds((cpu.conductor + cpu.postgres + cpu.rabbitMQ + cpu.load) * each)
        )
    }

    var text: String {
        """
        \(alone.text)
        \(rates.text)
        Processor time for each operation, heartbeats of all nodes included:

        \(processor.text)
        Processor time in a second in which nobody asks for anything, with a report of each node every ten:

        \(idle.text)
        """
    }

    private static func milliseconds(_ value: Double) -> String { value.text(value < 10 ? 2 : 0) + " ms" }
}
