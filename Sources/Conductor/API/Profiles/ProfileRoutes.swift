// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/profiles`: configurations of machines that are kept under a name.
struct ProfileRoutes: Sendable {
    let store: ProfileStore

    func add(to core: RouterGroup<TenantContext>) {
        let profiles = core.group("profiles")
        profiles.get { _, context in
            let records = try await store.profiles(in: context.tenant.organization)
            return try Response.json(
                ProfilesAnswer(message: "Getting profiles successful", profiles: records.map { ProfileBody($0) })
            )
        }
        profiles.post { request, context in
            let body = try await request.json(CreateProfileRequest.self)
            let profile = try NewProfile(body.name, body.description, data: body.data)
            let record = try await store.create(profile, in: context.tenant.organization)
            return try Response.json(
                Answer(ProfileBody(record), message: "Profile has been created successfully"),
                status: .created
            )
        }
        profiles.get(":id") { _, context in
            let record = try await store.profile(context.identifier("profile"), in: context.tenant.organization)
            return try Response.json(ProfileBody(record), message: "Getting profile detail successful")
        }
        profiles.delete(":id") { _, context in
            try await store.remove(context.identifier("profile"), in: context.tenant.organization)
            return try Response.json(message: "Profile has been deleted successfully")
        }
    }
}

extension NewProfile {
    /// A profile whose every field is one that can be.
    ///
    /// - Parameters:
    ///   - name: as it was sent.
    ///   - description: as it was sent.
    ///   - data: texts by their names.
    ///   - field: how a complaint names what holds them, with a dot; empty for the body itself.
    /// - Throws: ``APIError`` that names the field.
    init(_ name: String, _ description: String?, data: [String: String], in field: String = "") throws {
        self.init(
            name: try TextField.check(name, "\(field)name", maximumLength: 50),
            description: try TextField.optional(description, "\(field)description", maximumLength: 150) ?? "",
            data: String(decoding: try RESTJSON.encoder.encode(data), as: UTF8.self)
        )
    }
}

extension ProfileBody {
    fileprivate init(_ record: ProfileRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            data: record.data,
            createdAt: Timestamp(record.createdAt)
        )
    }
}

extension CreateInstancesRequest {
    /// What a profile keeps of the request: each field as text, those that are no texts as JSON. Not the name, which no
    /// second machine could have.
    func configuration() throws -> [String: String] {
        var kept = self
        (kept.name, kept.profile) = (nil, nil)
        let fields = try JSONSerialization.jsonObject(with: try RESTJSON.encoder.encode(kept)) as? [String: Any] ?? [:]
        return try fields.mapValues { value in
            if let text = value as? String { return text }
            let json = try JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
            return String(decoding: json, as: UTF8.self)
        }
    }
}
