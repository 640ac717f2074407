// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let machines = "v1/core/virtual-machines"

    /// Makes machines.
    ///
    /// - Parameters:
    ///   - request: what to make.
    ///   - idempotencyKey: the same for a repetition of the same request, so that it makes nothing twice.
    /// - Returns: the machines, which are not there yet.
    /// - Throws: ``ClientError``.
    public func createInstances(
        _ request: CreateInstancesRequest,
        idempotencyKey: String? = nil
    ) async throws(ClientError) -> [InstanceBody] {
        let headers = idempotencyKey.map { ["Idempotency-Key": $0] } ?? [:]
        let answer: CreateInstancesAnswer = try await call(.POST, Self.machines, request, headers: headers)
        return answer.instances
    }

    /// A machine; nil when there is none of this id.
    public func instance(_ id: Int64) async throws(ClientError) -> InstanceBody? {
        do {
            let answer: InstanceAnswer = try await call(.GET, "\(Self.machines)/\(id)")
            return answer.instance
        } catch .refused(status: 404, _) {
            return nil
        }
    }

    /// All machines, oldest first.
    ///
    /// - Parameters:
    ///   - search: in a name, or a whole label.
    ///   - environment: in an environment's name.
    /// - Returns: those that fit.
    /// - Throws: ``ClientError``.
    public func instances(
        search: String? = nil,
        environment: String? = nil
    ) async throws(ClientError) -> [InstanceBody] {
        let query = ["search": search, "environment": environment]
        let answer: InstancesAnswer = try await call(.GET, Self.machines, query: query)
        return answer.instances
    }

    /// Asks for a machine's deletion.
    @discardableResult
    public func deleteInstance(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.machines)/\(id)")
    }

    /// Asks for a change of a machine's power.
    @discardableResult
    public func perform(_ operation: InstanceOperation, on id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.GET, "\(Self.machines)/\(id)/\(operation.rawValue)")
    }

    /// A machine's history, oldest first.
    public func instanceEvents(_ id: Int64) async throws(ClientError) -> [InstanceEventBody] {
        let answer: InstanceEventsAnswer = try await call(.GET, "\(Self.machines)/\(id)/events")
        return answer.instanceEvents
    }

    /// What a machine used. Values that count begin anew when the machine is started.
    public func metrics(
        of id: Int64,
        back duration: MetricDuration = .hour
    ) async throws(ClientError) -> InstanceMetrics {
        try await call(.GET, "\(Self.machines)/\(id)/metrics", query: ["duration": duration.rawValue])
    }

    /// A URL that opens a machine's display once, in a browser.
    public func consoleURL(of id: Int64) async throws(ClientError) -> String {
        let asked: ConsoleRequestedAnswer = try await call(.GET, "\(Self.machines)/\(id)/request-console")
        let answer: ConsoleAnswer = try await call(.GET, "v1\(asked.url)")
        return answer.vncURL.vncURL
    }

    /// Gives a machine that is off another flavor.
    @discardableResult
    public func resize(_ id: Int64, to flavor: String) async throws(ClientError) -> StatusBody {
        try await call(.POST, "\(Self.machines)/\(id)/resize", ResizeRequest(flavorName: flavor))
    }

    /// Gives a machine exactly these labels.
    @discardableResult
    public func setLabels(of id: Int64, to labels: [String]) async throws(ClientError) -> StatusBody {
        try await call(.PUT, "\(Self.machines)/\(id)/label", LabelsRequest(labels: labels))
    }

    /// Has each minute's metrics of a machine kept for a week, or for a day as usual.
    public func setEnhancedMetrics(of id: Int64, to enabled: Bool) async throws(ClientError) -> EnhancedMetricsAnswer {
        try await call(.PATCH, "\(Self.machines)/\(id)/enhanced-metrics", EnhancedMetricsRequest(enabled: enabled))
    }

    /// Asks a running machine's guest to take other keys; the machine's events say when it has them.
    @discardableResult
    public func setKeys(of id: Int64, to names: [String]) async throws(ClientError) -> StatusBody {
        try await call(.PUT, "\(Self.machines)/\(id)/keys", MachineKeysRequest(keyNames: names))
    }

    /// The last lines of a machine's serial console, waited for until its node has brought them.
    public func serialLog(of id: Int64, lines: Int) async throws(ClientError) -> String {
        let path = "\(Self.machines)/\(id)/logs"
        let asked: SerialLogRequestedAnswer = try await call(.POST, path, SerialLogRequest(length: lines))
        while true {
            let answer: SerialLogAnswer = try await call(.GET, path, query: ["request_id": "\(asked.requestID)"])
            if let logs = answer.logs { return logs }
            guard (try? await Task.sleep(for: .milliseconds(200))) != nil else {
                throw .transport("the wait for the log was cancelled")
            }
        }
    }
}

/// What can be asked of a machine's power, as the path says it.
public enum InstanceOperation: String, Sendable, CaseIterable {
    case start
    case stop
    case hardReboot = "hard-reboot"
    /// Its floating IP, if it has one, is free for others afterwards.
    case hibernate
    case restore = "hibernate-restore"
}
