// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a tenants' route needs of a key. It is decided here alone, by the method and the route's template, such as
/// `/v1/core/virtual-machines/{id}/start`.
///
/// What is not known is closed: a new GET of a machine needs a member until it is listed as one that only looks, and a new
/// route is shut for keys of some environments until it is said what environment it is about.
struct RouteAccess {
    private let method: HTTPRequest.Method
    /// Below `/v1`.
    private let segments: [Substring]

    /// - Parameters:
    ///   - method: of the request.
    ///   - template: of the route, with `{id}` where ids are.
    init(_ method: HTTPRequest.Method, _ template: String) {
        self.method = method
        segments = Array(template.split(separator: "/").dropFirst())
    }

    private var looks: Bool { method == .get || method == .head }

    // MARK: - Roles

    /// What can be looked at below a machine. All other GETs there are the vendor's way to change something.
    private static let views: Set<Substring> = ["events", "metrics", "logs"]

    /// The weakest role that may call it.
    var role: KeyRole {
        // The secret is the whole organization's.
        if segments.starts(with: ["core", "callbacks", "secret"]), !looks { return .owner }
        guard looks else { return .member }
        guard let operation = machineOperation else { return .readOnly }
        return operation.isEmpty || (operation.count == 1 && Self.views.contains(operation[0])) ? .readOnly : .member
    }

    /// What stands after the machine in a path; nil for a path that is not about a machine.
    private var machineOperation: [Substring]? {
        guard segments.starts(with: ["core", "virtual-machines", "{id}"]) else { return nil }
        let rest = segments.dropFirst(3)
        return Array(rest.first == "{name}" ? rest.dropFirst() : rest)
    }

    // MARK: - Environments

    /// How to find out which environment a request is about.
    enum Place: Hashable {
        /// None in particular; lists leave out what the key does not reach.
        case none
        /// The organization as a whole.
        case organization
        /// That of the thing whose id is in the path.
        case thing(Table)
        /// A machine's id or an environment's name is in the path.
        case machineOrName
        /// `environment_name` or `environment_id` of the body.
        case body
    }

    /// The tables whose rows belong to an environment.
    enum Table: String {
        case environment
        case key
        case firewall
        case volume
        case attachment
        case snapshot
    }

    private static let catalog: Set<Substring> = [
        "regions", "flavors", "images", "gpus", "stocks", "sg-rules-protocols", "supported-keypairs", "profiles",
        "volume-types",
    ]
    private static let lists: Set<Substring> = [
        "virtual-machines", "environments", "keypairs", "firewalls", "volumes", "snapshots",
    ]
    private static let created: Set<Substring> = ["virtual-machines", "keypairs", "firewalls", "volumes"]
    private static let things: [Substring: Table] = [
        "environments": .environment, "keypair": .key, "firewalls": .firewall, "volumes": .volume,
        "volume-attachments": .attachment, "snapshots": .snapshot,
    ]

    /// Which environment it is about.
    var place: Place {
        // Keys have rules of their own.
        if segments.first == "api-key" { return .none }
        guard segments.count >= 2, segments[0] == "core" else { return .organization }
        if looks, Self.catalog.contains(segments[1]) { return .none }
        guard segments.count >= 3 else {
            if looks, Self.lists.contains(segments[1]) { return .none }
            return method == .post && Self.created.contains(segments[1]) ? .body : .organization
        }
        if segments[2] == "name-availability" || segments[2] == "contract" { return looks ? .none : .organization }
        guard segments[2] == "{id}" else { return .organization }
        if segments[1] == "virtual-machines" { return .machineOrName }
        return Self.things[segments[1]].map { .thing($0) } ?? .organization
    }
}
