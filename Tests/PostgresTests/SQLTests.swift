// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Postgres
import Testing

@Suite("Values travel to PostgreSQL and back as parameters")
struct SQLTests {
    @Test(
        "Text of any kind comes back byte for byte",
        arguments: [
            "", "plain", "'; DROP TABLE x; --", "\\", "\"", "$1", "{a,b}", "line\nfeed", "Grüße, 世界 🚀", "NULL",
        ]
    )
    func text(_ value: String) async throws {
        try await withTemporaryDatabase { configuration in
            let rows = try await Database(configuration)
                .read { transaction in
                    try transaction.query("SELECT \(value)::text AS one, \([value, value])::text[] AS many")
                }
            let row = try #require(rows.first)
            #expect(try row["one"] == value)
            #expect(try row["many"] == [value, value])
        }
    }

    @Test("Numbers, truth, UUIDs, bytes and NULL come back as they were")
    func types() async throws {
        let uuid = UUID()
        let bytes = Data((0...255).map { UInt8($0) })
        try await withTemporaryDatabase { configuration in
            let row = try await Database(configuration)
                .read { transaction in
                    try
                        transaction.query(
                            """
                            SELECT \(Int64.min)::bigint AS low, \(1.5)::double precision AS half, \(true)::boolean AS yes,
                                   \(uuid)::uuid AS uuid, \(bytes)::bytea AS bytes, \(Optional<Int>.none)::bigint AS nothing,
                                   \([Int64]())::bigint[] AS none
                            """
                        )[0]
                }
            #expect(try row["low"] == Int64.min)
            #expect(try row["half"] == 1.5)
            #expect(try row["yes"] == true)
            #expect(try row["uuid"] == uuid)
            #expect(try row["bytes"] == bytes)
            #expect(try row["nothing"] == Int?.none)
            #expect(try row["none"] == [Int64]())
        }
    }

    @Test(
        "A moment comes back to the microsecond, before and after 1970",
        arguments: [0, 1_764_000_000.123456, -1.5, -86_400, 951_782_400, 4_102_444_799.999999]
    )
    func dates(_ seconds: TimeInterval) async throws {
        let date = Date(timeIntervalSince1970: seconds)
        try await withTemporaryDatabase { configuration in
            let row = try await Database(configuration)
                .read { transaction in
                    try
                        transaction.query(
                            "SELECT \(date)::timestamptz AS date, extract(epoch FROM \(date)::timestamptz)::float8 AS epoch"
                        )[0]
                }
            let back: Date = try row["date"]
            #expect(abs(back.timeIntervalSince(date)) < 0.000_001)
            let epoch: Double = try row["epoch"]
            #expect(abs(epoch - seconds) < 0.000_001)
        }
    }

    @Test("A column that is missing, NULL or of another type is an error that names it")
    func decoding() async throws {
        try await withTemporaryDatabase { configuration in
            let row = try await Database(configuration)
                .read { transaction in
                    try transaction.query("SELECT NULL::text AS nothing, 'x' AS letter")[0]
                }
            #expect(throws: PostgresError(.decoding, "column “nothing” is NULL")) {
                let _: String = try row["nothing"]
            }
            #expect(throws: PostgresError(.decoding, "the result has no column “other”")) {
                let _: String = try row["other"]
            }
            #expect(throws: PostgresError(.decoding, "column “letter” holds no Int")) {
                let _: Int = try row["letter"]
            }
        }
    }

    @Test("A NUL character is refused rather than cutting the text short")
    func nul() async throws {
        try await withTemporaryDatabase { configuration in
            await #expect(throws: PostgresError.self) {
                try await Database(configuration).read { try $0.query("SELECT \("a\0b")::text AS text") }
            }
        }
    }
}
