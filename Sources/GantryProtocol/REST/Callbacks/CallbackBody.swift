// SPDX-License-Identifier: Apache-2.0

/// What is posted to the callback URL of a machine or volume: the status that it has now, and what led to it.
public struct CallbackBody: Codable, Sendable, Hashable {
    public var resource: Resource
    public var operation: Operation
    /// The vendor's field for something of the user's; always null.
    @Nullable public var userPayload: String?
    public var data: State

    public init(resource: Resource, operation: Operation, data: State) {
        (self.resource, self.operation, self.data) = (resource, operation, data)
        _userPayload = Nullable(wrappedValue: nil)
    }

    private enum CodingKeys: String, CodingKey {
        case resource
        case operation
        case userPayload = "user_payload"
        case data
    }

    public struct Resource: Codable, Sendable, Hashable {
        /// The machine's or volume's number, as text.
        public var id: String
        public var name: String
        /// `instance` or `volume`.
        public var type: String

        public init(id: String, name: String, type: String = "instance") {
            (self.id, self.name, self.type) = (id, name, type)
        }
    }

    public struct Operation: Codable, Sendable, Hashable {
        /// Such as `createInstance`.
        public var name: String
        /// What became of it: the resource's status, or `SUCCESS`, `FAILED` or what its floating IP is.
        public var status: String

        public init(name: String, status: String) {
            (self.name, self.status) = (name, status)
        }
    }

    public struct State: Codable, Sendable, Hashable {
        public var status: String
        @Nullable public var floatingIP: String?

        public init(status: String, floatingIP: String?) {
            self.status = status
            _floatingIP = Nullable(wrappedValue: floatingIP)
        }

        private enum CodingKeys: String, CodingKey {
            case status
            case floatingIP = "floating_ip"
        }
    }
}
