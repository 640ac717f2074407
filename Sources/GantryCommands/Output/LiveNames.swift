// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

extension CompletionKind {
    /// Completes by names that the cloud knows now: the one that the command line names, or the one in use.
    static func live(
        _ names: @Sendable @escaping (APIClient) async throws(ClientError) -> [String]
    ) -> CompletionKind {
        .custom { words, _, _ in
            let context = words.indices.dropLast().first { ["-c", "--context"].contains(words[$0]) }
            let options = context.map { ["--context", words[$0 + 1]] } ?? []
            // What cannot be asked is not completed; the command itself says why.
            guard let connection = try? Connection.parse(options),
                case .success(let found)? = try? await connection.lend(names)
            else { return [] }
            return found
        }
    }
}

extension CompletionKind {
    static var machines: CompletionKind {
        live { client throws(ClientError) in try await client.instances().map(\.name) }
    }

    static var environments: CompletionKind {
        live { client throws(ClientError) in try await client.environments().map(\.name) }
    }

    static var keypairs: CompletionKind {
        live { client throws(ClientError) in try await client.keypairs().map(\.name) }
    }

    static var firewalls: CompletionKind {
        live { client throws(ClientError) in try await client.firewalls().map(\.name) }
    }

    static var regions: CompletionKind {
        live { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                try await client.regions().map(\.name)
            } orOperator: { () throws(ClientError) in
                try await client.adminRegions().map(\.name)
            }
        }
    }

    static var flavors: CompletionKind {
        live { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                try await client.flavors().map(\.name)
            } orOperator: { () throws(ClientError) in
                try await client.adminFlavors().map(\.name)
            }
        }
    }

    static var images: CompletionKind {
        live { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                try await client.images().map(\.name)
            } orOperator: { () throws(ClientError) in
                try await client.adminImages().map(\.name)
            }
        }
    }

    static var organizations: CompletionKind {
        live { client throws(ClientError) in try await client.organizations().map(\.name) }
    }

    /// Users of the whole cloud for an operator, and those of the organization that have keys for its owner.
    static var users: CompletionKind {
        live { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                Set(try await client.ownAPIKeys().map(\.user.name)).sorted()
            } orOperator: { () throws(ClientError) in
                try await client.users().map(\.name)
            }
        }
    }
}
