// SPDX-License-Identifier: Apache-2.0

/// An SSH public key under a name, in one environment.
public struct KeypairBody: AnswerContent, Hashable {
    public static let singular = "keypair"
    public static let plural = "keypairs"

    public var id: Int64
    public var name: String
    public var environment: EnvironmentBody
    /// As it was sent.
    public var publicKey: String
    /// MD5 of the key, as sixteen hexadecimal pairs with colons.
    public var fingerprint: String
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        environment: EnvironmentBody,
        publicKey: String,
        fingerprint: String,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.environment) = (id, name, environment)
        (self.publicKey, self.fingerprint, self.createdAt) = (publicKey, fingerprint, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case environment
        case publicKey = "public_key"
        case fingerprint
        case createdAt = "created_at"
    }
}

/// `POST /v1/core/keypairs`.
public struct ImportKeypairRequest: RequestFields, Hashable {
    public var name: String
    public var environmentName: String
    /// One line of OpenSSH's public key format.
    public var publicKey: String

    public init(name: String, environmentName: String, publicKey: String) {
        (self.name, self.environmentName, self.publicKey) = (name, environmentName, publicKey)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case environmentName = "environment_name"
        case publicKey = "public_key"
    }
}

/// The kinds of keys that can be imported.
public struct SupportedKeypairsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting supported key types successful"
    public var supportedKeyTypes: [String]

    public init(supportedKeyTypes: [String]) {
        self.supportedKeyTypes = supportedKeyTypes
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case supportedKeyTypes = "supported_key_types"
    }
}
