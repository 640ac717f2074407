// SPDX-License-Identifier: Apache-2.0

/// The body of `PATCH …/enhanced-metrics`.
public struct EnhancedMetricsRequest: RequestFields {
    public var enabled: Bool

    public init(enabled: Bool) {
        self.enabled = enabled
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case enabled
    }
}

/// The answer to it.
public struct EnhancedMetricsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var metrics: InstanceBody.EnhancedMetrics
    /// What the vendor wants run in the guest; nothing has to be installed here.
    @Nullable public var installCommand: String?

    public init(message: String, enabled: Bool) {
        self.message = message
        metrics = InstanceBody.EnhancedMetrics(enabled: enabled)
        _installCommand = Nullable(wrappedValue: nil)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case metrics
        case installCommand = "install_command"
    }
}
