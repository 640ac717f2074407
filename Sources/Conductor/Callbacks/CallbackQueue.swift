// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Postgres

/// An attempt that is this worker's to make.
struct CallbackAttempt: Sendable {
    let delivery: CallbackDeliveryID
    let message: CallbackMessage
}

/// How long is waited between attempts.
package struct CallbackRetry: Sendable, Hashable {
    /// After the first attempt; it doubles with each.
    package var first: Duration = .seconds(5)
    package var longest: Duration = .seconds(3600)

    package init() {}

    /// Between half of the wait and the whole, so that receivers that come back are not met by all at once.
    func delay(after attempt: Int) -> Duration {
        let whole = min(longest, first * Double(1 << min(attempt - 1, 20)))
        return whole * Double.random(in: 0.5...1)
    }
}

/// Leases deliveries and writes down what became of them.
struct CallbackQueue: Sendable {
    let database: Database
    var retry = CallbackRetry()

    /// Seconds until an attempt is taken for lost. Longer than an attempt takes, resolving included.
    private static let lease = 60
    /// How many attempts are under way at most to one receiver, and for one organization, over all conductors: those that
    /// do not answer take no more of a worker's time.
    private static let receiverLimit = 4
    private static let organizationLimit = 16

    /// Takes up to `limit` deliveries that are due, of each machine only the oldest.
    ///
    /// A lease or a settlement that a crash of the database undoes has a message posted again under its id; so nobody
    /// waits until they are on disk.
    func lease(_ limit: Int) async throws -> [CallbackAttempt] {
        guard limit > 0 else { return [] }
        let results = try await database.atomically([Self.taking(limit)], durably: false)
        let rows = results[0].rows
        guard !rows.isEmpty else { return [] }
        let organizations = Set(try rows.map { row -> OrganizationID in try row["organization_id"] })
        let secrets = try await secrets(of: Array(organizations))
        return try rows.map { try Self.attempt($0, secrets) }
    }

    private static func taking(_ limit: Int) -> SQL {
        """
        WITH sending AS MATERIALIZED (
            SELECT organization_id, receiver, count(*) AS count FROM callback_delivery
            WHERE leased_until > now() GROUP BY organization_id, receiver
        ), due AS MATERIALIZED (
            SELECT d.id, d.organization_id, d.next_attempt_at, coalesce(s.count, 0) + row_number() OVER (
                PARTITION BY d.organization_id, d.receiver ORDER BY d.next_attempt_at, d.id) AS place
            FROM callback_delivery d
                LEFT JOIN sending s ON s.organization_id = d.organization_id AND s.receiver = d.receiver
            WHERE d.state = 'waiting' AND d.next_attempt_at <= now() AND NOT EXISTS (
                SELECT FROM callback_delivery e
                WHERE e.resource = d.resource AND e.id < d.id AND e.state = 'waiting')
        ), fair AS (
            SELECT id, next_attempt_at, (SELECT coalesce(sum(count), 0) FROM sending s
                WHERE s.organization_id = due.organization_id) + row_number() OVER (
                    PARTITION BY organization_id ORDER BY next_attempt_at, id) AS place
            FROM due WHERE place <= \(receiverLimit)
        ), taken AS MATERIALIZED (
            SELECT d.id FROM callback_delivery d
            WHERE d.id = ANY (ARRAY(SELECT id FROM fair WHERE place <= \(organizationLimit)
                    ORDER BY next_attempt_at, id LIMIT \(limit)))
                AND d.state = 'waiting' AND d.next_attempt_at <= now() FOR UPDATE SKIP LOCKED
        )
        UPDATE callback_delivery d SET attempts = d.attempts + 1,
            leased_until = now() + make_interval(secs => \(lease)),
            next_attempt_at = now() + make_interval(secs => \(lease))
        FROM taken WHERE d.id = taken.id
        RETURNING \(raw: CallbackDeliveryRecord.columns), d.organization_id, d.floating_ip,
            coalesce(d.resource_status, d.status) AS resource_status
        """
    }

    private static func attempt(_ row: Row, _ secrets: [OrganizationID: [WebhookSecret]]) throws -> CallbackAttempt {
        let record = try CallbackDeliveryRecord(row)
        let address: IPv4Address? = try row["floating_ip"]
        let body = try CallbackBody(
            resource: .init(id: record.resource.text, name: record.name, type: record.resource.kind),
            operation: .init(name: record.operation, status: record.status),
            data: .init(status: row["resource_status"], floatingIP: address?.description)
        )
        let message = CallbackMessage(
            id: record.webhookID,
            url: record.url,
            body: try RESTJSON.encoder.encode(body),
            secrets: secrets[try row["organization_id"]] ?? [],
            attempt: record.attempts
        )
        return CallbackAttempt(delivery: record.id, message: message)
    }

    /// The secrets that sign now, the newest first.
    private func secrets(of organizations: [OrganizationID]) async throws -> [OrganizationID: [WebhookSecret]] {
        try await database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT organization_id, secret FROM callback_secret
                WHERE organization_id = ANY (\(organizations)::bigint[])
                    AND (expires_at IS NULL OR expires_at > now()) ORDER BY id DESC
                """
            )
            return try rows.reduce(into: [:]) { secrets, row in
                secrets[try row["organization_id"], default: []].append(try WebhookSecret(row["secret"]))
            }
        }
    }

    /// Writes down that the receiver took it.
    func succeed(_ attempt: CallbackAttempt) async throws {
        try await database.atomically(
            [
                """
                UPDATE callback_delivery SET state = 'delivered', last_error = NULL, leased_until = NULL
                WHERE id = \(attempt.delivery) AND attempts = \(attempt.message.attempt) AND state = 'waiting'
                """
            ],
            durably: false
        )
    }

    /// Writes down that it did not, and when to try again; after a day it is given up and the next one of the machine is
    /// due.
    func fail(_ attempt: CallbackAttempt, _ failure: CallbackFailure) async throws {
        let delay = retry.delay(after: attempt.message.attempt).seconds
        try await database.atomically(
            [
                """
                UPDATE callback_delivery SET leased_until = NULL, last_error = \(failure.description),
                    state = CASE WHEN \(failure.isFinal)::boolean OR now() + make_interval(secs => \(delay)) >= expires_at
                        THEN 'failed' ELSE 'waiting' END,
                    next_attempt_at = now() + make_interval(secs => \(delay))
                WHERE id = \(attempt.delivery) AND attempts = \(attempt.message.attempt) AND state = 'waiting'
                """,
                // Those that wait for it are not due before it, so that nobody looks at them until then.
                """
                UPDATE callback_delivery later SET next_attempt_at = d.next_attempt_at FROM callback_delivery d
                WHERE d.id = \(attempt.delivery) AND d.state = 'waiting' AND later.resource = d.resource AND later.id > d.id
                    AND later.state = 'waiting' AND later.next_attempt_at < d.next_attempt_at
                """,
            ],
            durably: false
        )
    }
}
