// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
package import GantryProtocol
import Postgres

extension NodeRegistry {
    /// Makes a node of the host that comes with a join token, and spends the token.
    ///
    /// The host may say the same again, until the token ends: its own key tells it from any other host. So a lost answer,
    /// or a broker that was away, costs no token. A node whose secrets were revoked is not made anew: its host gets them
    /// by a token that is for that host alone.
    ///
    /// - Parameters:
    ///   - request: the host, and the secrets that it made for the node.
    ///   - secret: the token's.
    /// - Returns: what the host needs beside its secrets.
    /// - Throws: ``NodeRefusal`` with `joinToken`; with `conflict` when another node has the name, which spends no token;
    ///   with `unauthorized` when an operator revoked or removed the node meanwhile.
    package func join(_ request: NodeJoinRequest, secret: String) async throws -> NodeJoinAnswer {
        try NodeRefusal.check(protocolVersion: request.protocolVersion)
        try request.check()
        let id: NodeID
        do {
            id = try await database.transaction { transaction in
                try Self.node(of: request, APIKeyStore.digest(of: secret), transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("compute_node_name_key") {
            throw NodeRefusal(
                .conflict,
                "There is a node named \(request.node). Join under another name, with --name. If this host is that node "
                    + "and lost its secrets, an operator has to revoke them first: `gantry node revoke \(request.node)`."
            )
        }
        try await setUpBroker(request.node, request.credentials)
        return NodeJoinAnswer(
            nodeID: id,
            brokerURL: brokerURL.string ?? "",
            brokerUser: BrokerAdministration.user(of: request.node)
        )
    }

    /// The node that the host becomes, or became with this token before.
    private static func node(
        of request: NodeJoinRequest,
        _ digest: Data,
        _ transaction: Transaction
    ) throws -> NodeID {
        let rows = try transaction.query(
            """
            SELECT id, region_id, hostname, used_at IS NOT NULL AS used, node_id,
                expires_at <= now() AS expired, revoked_at IS NOT NULL AS revoked
            FROM join_token WHERE digest = \(digest) FOR UPDATE
            """
        )
        guard let token = rows.first else { throw NodeRefusal(.unknown, "The conductor knows no such join token.") }
        if try token["revoked"] { throw NodeRefusal(.revoked, "An operator revoked the join token.") }
        if try token["expired"] { throw NodeRefusal(.expired, "The join token has expired.") }
        if let hostname: String = try token["hostname"], hostname != request.hostname {
            throw NodeRefusal(.wrongHost, "The join token is for host \(hostname), and this is \(request.hostname).")
        }
        if try token["used"] { return try earlierNode(token["node_id"], of: request, transaction) }
        let id = try revokedNode(request, token, transaction) ?? newNode(request, token, transaction)
        try transaction.execute(
            "UPDATE join_token SET used_at = now(), node_id = \(id) WHERE id = \(token["id"] as JoinTokenID)"
        )
        return id
    }

    private static func newNode(
        _ request: NodeJoinRequest,
        _ token: Row,
        _ transaction: Transaction
    ) throws -> NodeID {
        let made = try transaction.query(
            """
            INSERT INTO compute_node (region_id, name, hostname, api_key_digest)
            VALUES (\(token["region_id"] as RegionID), \(request.node), \(request.hostname),
                \(APIKeyStore.digest(of: request.credentials.apiKey)))
            RETURNING id
            """
        )
        guard let id: NodeID = try made.first?["id"] else { throw NodeRefusal(.notFound, "The region is gone.") }
        return id
    }

    /// The node of that name with the host's secrets, if an operator revoked those that it had.
    ///
    /// - Throws: ``NodeRefusal`` with `conflict` unless the token was made for the node's host, and in its region: a token
    ///   that any host may use makes new nodes only.
    private static func revokedNode(
        _ request: NodeJoinRequest,
        _ token: Row,
        _ transaction: Transaction
    ) throws -> NodeID? {
        let rows = try transaction.query(
            """
            SELECT id, hostname, region_id FROM compute_node
            WHERE name = \(request.node) AND api_key_digest IS NULL FOR UPDATE
            """
        )
        guard let node = rows.first else { return nil }
        let (region, known): (RegionID, String?) = try (node["region_id"], node["hostname"])
        let hostname: String? = try token["hostname"]
        guard try region == token["region_id"], let hostname, hostname == known ?? hostname
        else {
            throw NodeRefusal(
                .conflict,
                "The secrets of node \(request.node) were revoked. Only a token of its region and for its host"
                    + (known.map { ", \($0)," } ?? "") + " makes a host that node again: `gantry node token create "
                    + "--hostname …`."
            )
        }
        let id: NodeID = try node["id"]
        try transaction.execute(
            """
            UPDATE compute_node
            SET hostname = \(request.hostname), api_key_digest = \(APIKeyStore.digest(of: request.credentials.apiKey))
            WHERE id = \(id)
            """
        )
        return id
    }

    private static func earlierNode(
        _ id: NodeID?,
        of request: NodeJoinRequest,
        _ transaction: Transaction
    ) throws -> NodeID {
        let rows = try transaction.query(
            """
            SELECT id FROM compute_node WHERE id = \(id)::bigint AND name = \(request.node)
                AND api_key_digest = \(APIKeyStore.digest(of: request.credentials.apiKey))
            """
        )
        guard let row = rows.first else {
            throw NodeRefusal(.used, "The join token has been used; it is good for one host, once.")
        }
        return try row["id"]
    }
}

extension NodeRefusal {
    fileprivate init(_ fault: JoinTokenFault, _ what: String) {
        self.init(.joinToken(fault), "\(what) Ask an operator for another: `gantry node token create`.")
    }
}

extension NodeJoinRequest {
    /// - Throws: `InvalidValue` for a host without a name, and for secrets that could be guessed or are none.
    fileprivate func check() throws(InvalidValue) {
        guard (1...253).contains(hostname.utf8.count), hostname.unicodeScalars.allSatisfy(TextField.isPrintable) else {
            throw InvalidValue("hostname: it has to have 1 to 253 characters.")
        }
        try credentials.check()
    }
}

extension NewNodeCredentials {
    /// - Throws: `InvalidValue` for secrets that could be guessed or are none.
    func check() throws(InvalidValue) {
        for (field, secret) in [("api_key", apiKey), ("broker_password", brokerPassword)] {
            guard (43...200).contains(secret.utf8.count), secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw InvalidValue("\(field): use 256 random bits, as 43 to 200 letters, digits and signs of ASCII.")
            }
        }
    }
}
