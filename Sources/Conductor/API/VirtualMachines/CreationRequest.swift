// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryModel
import GantryProtocol

/// A request for machines whose every field is one that can be, by itself; its names are not looked up yet.
struct CreationRequest {
    let names: CreationNames
    private let body: CreateInstancesRequest
    private let count: Int
    private let labels: [String]
    private let userData: Data?
    private let callbackURL: String?
    private let rules: [SecurityRule]
    private let profile: NewProfile?

    private static let maximumLabels = 50
    private static let maximumKeys = 50

    /// - Parameters:
    ///   - body: as it was sent.
    ///   - callbacks: which callback URLs may be named.
    /// - Throws: ``APIError`` that names the field and what would be right.
    init(_ body: CreateInstancesRequest, _ callbacks: CallbackPolicy) throws(APIError) {
        try Self.refuseMissingFeature(body)
        self.body = body
        let volume = body.volumeName.flatMap { $0.isEmpty ? nil : $0 }
        guard volume == nil || body.createBootableVolume != true else {
            throw .invalid("create_bootable_volume", "volume_name names one to boot from; leave one of the two out.")
        }
        names = CreationNames(
            environment: try Self.required(body.environmentName, "environment_name"),
            flavor: try Self.required(body.flavorName, "flavor_name"),
            image: try volume == nil ? Self.required(body.imageName, "image_name") : "",
            volume: volume,
            keys: try Self.keys(body)
        )
        if let name = body.name {
            _ = try TextField.check(name, "name", maximumLength: MachineNames.maximumLength)
        }
        count = body.count ?? 1
        guard (1...MachineCreation.maximumCount).contains(count) else {
            throw .invalid("count", "it is \(count); it can be 1 to \(MachineCreation.maximumCount).")
        }
        labels = try Self.labels(body.labels ?? [])
        userData = if let text = body.userData { try UserData.bytes(of: text) } else { nil }
        callbackURL =
            if let url = body.callbackURL, !url.isEmpty { try callbacks.check(url, "callback_url") } else { nil }
        rules = try Self.rules(body.securityRules ?? [])
        profile = try Self.profile(body)
    }

    /// The request with everything looked up.
    func creation(_ ids: CreationIDs, for tenant: Tenant, _ idempotency: IdempotencyClaim?) -> MachineCreation {
        MachineCreation(
            organization: tenant.organization,
            user: tenant.user,
            environment: ids.environment,
            flavor: ids.flavor,
            image: ids.image,
            boot: ids.volume.map { .volume($0) } ?? (body.createBootableVolume == true ? .newVolume : .own),
            keys: ids.keys,
            name: body.name,
            count: count,
            labels: labels,
            assignFloatingIP: body.assignFloatingIP ?? false,
            hasEnhancedMetrics: body.enhancedMonitoringEnabled ?? false,
            userData: userData,
            callbackURL: callbackURL,
            securityRules: rules,
            profile: profile,
            idempotency: idempotency
        )
    }

    /// Which request this is: equal for bodies that say the same, however they are spaced and ordered.
    ///
    /// - Throws: never in truth; the body came from JSON.
    func digest() throws -> GantryModel.SHA256Digest {
        let bytes = SHA256.hash(data: try RESTJSON.encoder.encode(body))
        return try GantryModel.SHA256Digest(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    // MARK: - Fields

    /// A feature that is asked for and not there is refused by its name; the default of an absent feature is not.
    private static func refuseMissingFeature(_ body: CreateInstancesRequest) throws(APIError) {
        guard body.flavor == nil else { throw .invalid("flavor", "this is not supported yet; leave it out.") }
    }

    private static func required(_ value: String?, _ field: String) throws(APIError) -> String {
        guard let value, !value.isEmpty else { throw .invalid(field, "it is missing.") }
        return value
    }

    /// `key_names` and the vendor's `key_name` together, each key once.
    private static func keys(_ body: CreateInstancesRequest) throws(APIError) -> [String] {
        try keys((body.keyNames ?? []) + (body.keyName.map { [$0] } ?? []))
    }

    static func keys(_ names: [String]) throws(APIError) -> [String] {
        var keys: [String] = []
        for name in names where !keys.contains(name) { keys.append(name) }
        guard !keys.isEmpty else { throw .invalid("key_names", "it is missing; name at least one key pair.") }
        guard keys.count <= maximumKeys else {
            throw .invalid("key_names", "there are \(keys.count); a machine may have \(maximumKeys).")
        }
        return keys
    }

    static func labels(_ labels: [String]) throws(APIError) -> [String] {
        guard labels.count <= maximumLabels else {
            throw .invalid("labels", "there are \(labels.count); a machine may have \(maximumLabels).")
        }
        for (index, label) in labels.enumerated() {
            _ = try TextField.check(label, "labels[\(index)]", maximumLength: 100)
        }
        return labels
    }

    private static func profile(_ body: CreateInstancesRequest) throws(APIError) -> NewProfile? {
        guard let profile = body.profile else { return nil }
        do {
            return try NewProfile(profile.name, profile.description, data: try body.configuration(), in: "profile.")
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalid("profile", "the request cannot be kept: \(error)")
        }
    }

    private static func rules(_ requests: [SecurityRuleRequest]) throws(APIError) -> [SecurityRule] {
        guard requests.count <= SecurityRuleLimits.perRequest else {
            throw .invalid(
                "security_rules",
                "there are \(requests.count); a machine may have \(SecurityRuleLimits.perRequest)."
            )
        }
        var rules: [SecurityRule] = []
        for (index, request) in requests.enumerated() {
            rules.append(try SecurityRule(request, in: "security_rules[\(index)]"))
        }
        return rules
    }
}
