// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/metrics` and `…/enhanced-metrics`: what a machine used, and how much of that is kept.
struct MetricActions: Sendable {
    let store: MachineMetricStore

    var actions: [MachineAction] {
        [
            MachineAction(.get, "metrics", gather: refuseSeveral, prepare: show),
            MachineAction(.patch, "enhanced-metrics", prepare: setEnhanced),
        ]
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let duration = try Self.duration(request)
        return { id in
            guard let samples = try await store.samples(of: id, in: context.tenant.organization, back: duration) else {
                throw MachineLifecycle.notFound(id)
            }
            return MachineOutcome("Getting VM metrics successful", answer: InstanceMetrics(samples))
        }
    }

    private func setEnhanced(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let isEnabled = try await request.json(EnhancedMetricsRequest.self).enabled
        return { id in
            let organization = context.tenant.organization
            guard let name = try await store.setEnhanced(isEnabled, of: id, in: organization) else {
                throw MachineLifecycle.notFound(id)
            }
            let message = "Enhanced metrics of VM \(name) are \(isEnabled ? "enabled" : "disabled")."
            return MachineOutcome(message, answer: EnhancedMetricsAnswer(message: message, enabled: isEnabled))
        }
    }

    /// The answer has no place for the names of several machines.
    private func refuseSeveral(_ ids: [VirtualMachineID], _ context: TenantContext) throws -> Response {
        throw APIError(.badRequest, "Metrics are shown of one VM at a time; ask for it by its name or id.")
    }

    private static func duration(_ request: Request) throws -> MetricDuration {
        guard let text = request.text("duration") else { return .hour }
        guard let duration = MetricDuration(rawValue: text) else {
            let known = MetricDuration.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError.invalid("duration", "“\(text)” is none of \(known).")
        }
        return duration
    }
}

extension InstanceMetrics {
    fileprivate init(_ samples: [MachineMetricRecord]) {
        func series(_ unit: String, _ value: (MachineMetricRecord) -> Int64?) -> MetricSeries {
            let data = samples.compactMap { sample in
                value(sample)
                    .map { MetricPoint(time: sample.time, granularity: sample.granularity.rawValue, value: $0) }
            }
            return MetricSeries(unit: unit, data: data)
        }
        self.init(
            cpu: series("ns", \.cpuTime),
            memory: series("MB") { sample in sample.memory.map { $0 >> 20 } },
            networkIn: series("B", \.networkIn),
            networkOut: series("B", \.networkOut),
            diskRead: series("B", \.diskRead),
            diskWrite: series("B", \.diskWritten)
        )
    }
}
