// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Hummingbird
import Postgres

/// Refuses what a key may not. What a tenants' route needs is in ``RouteAccess``.
struct AccessMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let database: Database

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if case .operator(let caller) = context.caller {
            try check(caller.role, for: [.get, .head].contains(request.method) ? .readOnly : .member)
        }
        guard case .tenant(let tenant) = context.caller, let template = context.endpointPath else {
            return try await next(request, context)
        }
        let access = RouteAccess(request.method, template)
        try check(tenant.grant.role, for: access.role)
        guard let environments = tenant.grant.environments else { return try await next(request, context) }
        var request = request
        guard try await reaches(access.place, environments, &request, context, tenant.organization) else {
            throw APIError(
                .forbidden,
                "This key is for some environments only, and this is not one of them; use a key that reaches it."
            )
        }
        return try await next(request, context)
    }

    private func check(_ role: KeyRole, for wanted: KeyRole) throws {
        guard role >= wanted else {
            throw APIError(
                .forbidden,
                "This key is \(role.rawValue); this needs a key with the role \(wanted.andAbove)."
            )
        }
    }

    /// Whether the request is about one of the environments, or about nothing that exists, which its route then says.
    private func reaches(
        _ place: RouteAccess.Place,
        _ environments: [EnvironmentID],
        _ request: inout Request,
        _ context: Context,
        _ organization: OrganizationID
    ) async throws -> Bool {
        let statement: SQL
        switch place {
        case .none: return true
        case .organization: return false
        case .thing(let table):
            statement = Self.environment(of: Int64(context.segment("id")) ?? 0, in: table, organization)
        case .machineOrName:
            let text = context.segment("id")
            // Digits alone are an id, however many.
            if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
                statement = """
                    SELECT environment_id FROM virtual_machine
                    WHERE id = \(Int64(text) ?? 0) AND organization_id = \(organization)
                    """
            } else {
                statement = Self.environment(called: text, in: organization)
            }
        case .body:
            guard let named = try? RESTJSON.decoder.decode(NamedPlace.self, from: await request.bytes()) else {
                return true
            }
            if let id = named.environmentID {
                statement = "SELECT \(id)::bigint AS environment_id"
            } else {
                statement = Self.environment(called: named.environmentName ?? "", in: organization)
            }
        }
        let rows = try await database.read { try $0.query(statement) }
        return try rows.allSatisfy { row in
            let environment: EnvironmentID? = try row["environment_id"]
            return environment.map { environments.contains($0) } ?? true
        }
    }

    private static func environment(
        of id: Int64,
        in table: RouteAccess.Table,
        _ organization: OrganizationID
    ) -> SQL {
        switch table {
        case .environment:
            "SELECT id AS environment_id FROM environment WHERE id = \(id) AND organization_id = \(organization)"
        case .key:
            """
            SELECT e.id AS environment_id FROM key k JOIN environment e ON e.id = k.environment_id
            WHERE k.id = \(id) AND e.organization_id = \(organization)
            """
        case .firewall:
            """
            SELECT e.id AS environment_id FROM firewall f JOIN environment e ON e.id = f.environment_id
            WHERE f.id = \(id) AND e.organization_id = \(organization)
            """
        case .volume: "SELECT environment_id FROM volume WHERE id = \(id) AND organization_id = \(organization)"
        case .attachment:
            """
            SELECT v.environment_id FROM volume_attachment a JOIN volume v ON v.id = a.volume_id
            WHERE a.id = \(id) AND v.organization_id = \(organization)
            """
        case .snapshot: "SELECT environment_id FROM snapshot WHERE id = \(id) AND organization_id = \(organization)"
        }
    }

    private static func environment(called name: String, in organization: OrganizationID) -> SQL {
        """
        SELECT id AS environment_id FROM environment WHERE organization_id = \(organization) AND name = \(name)
        """
    }
}

/// Where a new thing is to be, as far as the access to it depends on that; the route reads the rest.
private struct NamedPlace: Decodable {
    let environmentName: String?
    let environmentID: Int64?

    private enum CodingKeys: String, CodingKey {
        case environmentName = "environment_name"
        case environmentID = "environment_id"
    }
}
