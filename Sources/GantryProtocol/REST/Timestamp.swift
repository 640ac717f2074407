// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// A point in time as the API writes it: UTC to the second, without a zone, since clients parse only that form.
public struct Timestamp: Hashable, Sendable, Codable {
    public let date: Date

    public init(_ date: Date) {
        self.date = date
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        // What others write of UTC is read too.
        guard let date = try? Date(text.hasSuffix("Z") ? String(text.dropLast()) : text, strategy: Self.style) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "“\(text)” is no time; write it in UTC, as in 2026-01-31T23:59:59."
            )
        }
        self.date = date
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(date.formatted(Self.style))
    }

    private static let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        .year().month().day().dateSeparator(.dash)
        .time(includingFractionalSeconds: false).timeSeparator(.colon).dateTimeSeparator(.standard)
}
