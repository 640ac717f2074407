// SPDX-License-Identifier: Apache-2.0

/// The answer to an operation on all machines that have a label.
public struct MachineResultsAnswer: Codable, Sendable, Hashable {
    /// Whether it went well with every machine.
    public var status: Bool
    public var message: String
    /// Each machine that was touched, oldest first.
    public var results: [MachineResultBody]

    public init(message: String, results: [MachineResultBody]) {
        status = results.allSatisfy(\.status)
        (self.message, self.results) = (message, results)
    }
}

/// What became of an operation on one machine.
public struct MachineResultBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String
    /// Whether it went well.
    public var status: Bool
    /// What a call for this machine alone would have been answered.
    public var message: String
    /// The code of the refusal; null when it went well.
    @Nullable public var errorReason: String?

    public init(id: Int64, name: String, message: String, errorReason: String? = nil) {
        (self.id, self.name, self.message) = (id, name, message)
        status = errorReason == nil
        _errorReason = Nullable(wrappedValue: errorReason)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case status
        case message
        case errorReason = "error_reason"
    }
}
