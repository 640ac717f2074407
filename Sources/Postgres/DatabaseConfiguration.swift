// SPDX-License-Identifier: Apache-2.0

import CPostgres

/// Where the database is and how to log in. Its description shows no secret.
public struct DatabaseConfiguration: Sendable, CustomStringConvertible {
    /// libpq's connection keywords.
    let keywords: [String: String]
    /// Connections to hold at most.
    public var maximumConnections: Int
    /// Settings of every session (PostgreSQL manual, chapter 20).
    ///
    /// By default a statement is planned once and keeps its plan, and goes through an index wherever there is one: a plan
    /// made while a table was small would otherwise read all of it until the next ANALYZE. Nothing is compiled just in
    /// time: a plan that cannot go through an index looks so costly then that PostgreSQL would compile it, for longer
    /// than it runs.
    public var settings = ["plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"]

    /// - Parameters:
    ///   - url: A `postgresql://` URL or a keyword string, as libpq reads them (PostgreSQL manual, 34.1.1).
    ///   - maximumConnections: Connections to hold at most, 1 or more.
    /// - Throws: libpq's complaint about a URL that it cannot read.
    public init(url: String, maximumConnections: Int = 8) throws(PostgresError) {
        keywords = try Self.parse(url)
        self.maximumConnections = max(1, maximumConnections)
    }

    public var description: String {
        "\(keywords["dbname"] ?? "the default database") at \(keywords["host"] ?? "the default host")"
    }

    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var text: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(url, &text) else {
            defer { unsafe PQfreemem(text) }
            // libpq's text may quote the URL, and with it the password.
            throw PostgresError(
                .connection,
                "The database URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
            )
        }
        defer { unsafe PQconninfoFree(options) }
        var keywords: [String: String] = [:]
        var option = unsafe options
        while let name = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe keywords[String(cString: name)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        return keywords
    }
}
