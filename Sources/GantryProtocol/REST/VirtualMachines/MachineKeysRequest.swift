// SPDX-License-Identifier: Apache-2.0

/// The body of `PUT …/keys`.
public struct MachineKeysRequest: RequestFields {
    /// All that the machine is to have.
    public var keyNames: [String]

    public init(keyNames: [String]) {
        self.keyNames = keyNames
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case keyNames = "key_names"
    }
}
