// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Hummingbird
import NIOCore

/// `/healthz`, whether the program lives, and `/readyz`, whether it can do its work and if not, which part is ill.
///
/// A part that is ill mends by itself or not at all, so that only the first is a reason to start the program anew.
public struct ProbeRoutes: Sendable {
    private let parts: Set<String>
    private let health: Health
    private let liveness: Liveness
    private let tellsReasons: Bool

    /// - Parameters:
    ///   - parts: those that have to be well. One that never spoke is not.
    ///   - health: what they and others say.
    ///   - liveness: which loops go round.
    ///   - tellsReasons: whether it says why a part is ill; not where anybody may ask.
    public init(parts: Set<String>, health: Health, liveness: Liveness, tellsReasons: Bool) {
        (self.parts, self.health, self.liveness, self.tellsReasons) = (parts, health, liveness, tellsReasons)
    }

    /// Adds both.
    public func add(to router: some RouterMethods) {
        router.get("healthz") { _, _ in try answer(Life(liveness), isWell: liveness.stalled.isEmpty) }
        router.get("readyz") { _, _ in
            let readiness = readiness
            return try answer(readiness, isWell: readiness.isReady)
        }
    }

    private var readiness: Readiness {
        var conditions = health.conditions
        for part in parts where conditions[part] == nil { conditions[part] = .ill("It was not heard of yet.") }
        return Readiness(conditions, tellsReasons: tellsReasons)
    }

    private func answer(_ body: some Encodable, isWell: Bool) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(
            status: isWell ? .ok : .serviceUnavailable,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: .init(
                byteBuffer: ByteBuffer(string: String(decoding: try encoder.encode(body), as: UTF8.self) + "\n")
            )
        )
    }
}

/// The body of `/healthz`.
private struct Life: Encodable {
    let status: String
    /// Loops that hang.
    let stalled: [String]

    init(_ liveness: Liveness) {
        stalled = liveness.stalled
        status = stalled.isEmpty ? "alive" : "hanging"
    }
}

/// The body of `/readyz`.
private struct Readiness: Encodable {
    let status: String
    let parts: [String: Part]

    struct Part: Encodable {
        let status: String
        var reason: String?
    }

    var isReady: Bool { parts.values.allSatisfy { $0.status == "well" } }

    init(_ conditions: [String: Health.Condition], tellsReasons: Bool) {
        parts = conditions.mapValues { condition in
            switch condition {
            case .well: Part(status: "well")
            case .ill(let reason): Part(status: "ill", reason: tellsReasons ? reason : nil)
            }
        }
        status = parts.values.allSatisfy { $0.status == "well" } ? "ready" : "ill"
    }
}
