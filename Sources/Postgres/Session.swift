// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Glibc

/// One connection's `PGconn`, used on its dedicated thread alone.
@safe
final class Session {
    private let connection: OpaquePointer
    /// Names of prepared statements by their text.
    private var prepared: [String: String] = [:]

    /// Call sites are few; this only bounds a mistake.
    private static let maximumPrepared = 1000

    /// Connects; blocks up to the connect timeout.
    init(_ configuration: DatabaseConfiguration) throws(PostgresError) {
        var keywords = configuration.keywords
        keywords["connect_timeout"] = keywords["connect_timeout"] ?? "5"
        keywords["client_encoding"] = "UTF8"
        let settings = configuration.settings.sorted { $0.key < $1.key }.map { " -c \($0.key)=\($0.value)" }
        keywords["options"] = (keywords["options"] ?? "") + settings.joined() + " -c TimeZone=UTC -c DateStyle=ISO"
        // A dead peer is noticed within a minute rather than in the kernel's two hours.
        keywords["keepalives_idle"] = keywords["keepalives_idle"] ?? "30"
        keywords["tcp_user_timeout"] = keywords["tcp_user_timeout"] ?? "60000"
        let pairs = Array(keywords)
        let connection = unsafe CStrings(pairs.map(\.key))
            .withPointers { names in
                unsafe CStrings(pairs.map(\.value))
                    .withPointers { values in
                        unsafe PQconnectdbParams(names, values, 0)
                    }
            }
        guard let connection = unsafe connection else {
            throw PostgresError(.connection, "out of memory")
        }
        guard unsafe PQstatus(connection) == CONNECTION_OK else {
            let message = unsafe String(cString: PQerrorMessage(connection))
            unsafe PQfinish(connection)
            throw PostgresError(.connection, message.trimmed)
        }
        unsafe self.connection = connection
        // Notices would go to standard error.
        _ = unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
    }

    deinit {
        unsafe PQfinish(connection)
    }

    var isUsable: Bool { unsafe PQstatus(connection) == CONNECTION_OK }

    /// Whether a transaction block is open.
    var isInTransaction: Bool { unsafe PQtransactionStatus(connection) != PQTRANS_IDLE }

    /// Runs text without parameters, which may hold several statements.
    func script(_ text: String) throws(PostgresError) {
        _ = unsafe try finish(PQexec(connection, text))
    }

    /// Runs one statement, prepared at its first use.
    func run(_ statement: SQL) throws(PostgresError) -> QueryResult {
        try check(statement)
        let name = try prepare(statement.text)
        return try unsafe CStrings(statement.parameters.map(\.text))
            .withPointers { values throws(PostgresError) in
                let count = Int32(statement.parameters.count)
                return unsafe try finish(PQexecPrepared(connection, name, count, values, nil, nil, 0))
            }
    }

    /// Runs statements in one round trip (PostgreSQL manual, 34.5). When one fails, those after it are not run.
    ///
    /// Outside of a transaction block they are a transaction of their own.
    func run(_ statements: [SQL]) throws(PostgresError) -> [QueryResult] {
        var names: [String] = []
        for statement in statements {
            try check(statement)
            names.append(try prepare(statement.text))
        }
        guard unsafe PQenterPipelineMode(connection) == 1 else { throw lost() }
        defer { _ = unsafe PQexitPipelineMode(connection) }
        for (statement, name) in zip(statements, names) { try send(statement, name) }
        guard unsafe PQpipelineSync(connection) == 1 else { throw lost() }
        return try collect(statements.count)
    }

    private func send(_ statement: SQL, _ name: String) throws(PostgresError) {
        let sent = unsafe CStrings(statement.parameters.map(\.text))
            .withPointers { values in
                let count = Int32(statement.parameters.count)
                return unsafe PQsendQueryPrepared(connection, name, count, values, nil, nil, 0)
            }
        guard sent == 1 else { throw lost() }
    }

    /// Reads the results of a pipeline to its end, so that the connection is of use whatever went wrong.
    private func collect(_ count: Int) throws(PostgresError) -> [QueryResult] {
        var results: [QueryResult] = []
        var failure: PostgresError?
        for _ in 0..<count {
            let result = unsafe PQgetResult(connection)
            if failure == nil {
                do throws(PostgresError) { results.append(unsafe try finish(result)) } catch { failure = error }
            } else {
                unsafe PQclear(result)
            }
            // A null ends each statement's results.
            while let more = unsafe PQgetResult(connection) { unsafe PQclear(more) }
        }
        unsafe PQclear(PQgetResult(connection))
        if let failure { throw failure }
        return results
    }

    private func check(_ statement: SQL) throws(PostgresError) {
        for parameter in statement.parameters where parameter.text?.utf8.contains(0) == true {
            throw PostgresError(.server(sqlState: "22021"), "text for PostgreSQL cannot hold a NUL character")
        }
    }

    /// Names of channels that were notified since the last look. Blocks up to `timeout` milliseconds for one.
    func notifications(timeout: Int32) throws(PostgresError) -> [String] {
        var descriptor = unsafe pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&descriptor, 1, timeout)
        guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
        var names: [String] = []
        while let notification = unsafe PQnotifies(connection) {
            unsafe names.append(String(cString: notification.pointee.relname))
            unsafe PQfreemem(notification)
        }
        return names
    }

    private func prepare(_ text: String) throws(PostgresError) -> String {
        if let name = prepared[text] { return name }
        if prepared.count >= Self.maximumPrepared {
            try script("DEALLOCATE ALL")
            prepared.removeAll()
        }
        let name = "s\(prepared.count)"
        _ = unsafe try finish(PQprepare(connection, name, text, 0, nil))
        prepared[text] = name
        return name
    }

    private func finish(_ result: OpaquePointer?) throws(PostgresError) -> QueryResult {
        guard let result = unsafe result else { throw lost() }
        defer { unsafe PQclear(result) }
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return unsafe QueryResult(copying: result)
        default:
            guard let state = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { throw lost() }
            // class 57: the server ends sessions, at an administrator's word or its own shutdown.
            let sqlState = unsafe String(cString: state)
            if !isUsable || sqlState.hasPrefix("57P") { throw lost() }
            throw unsafe PostgresError(
                .server(sqlState: sqlState),
                PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { unsafe String(cString: $0) } ?? "",
                constraint: PQresultErrorField(result, Int32(UInt8(ascii: "n"))).map { unsafe String(cString: $0) }
            )
        }
    }

    private func lost() -> PostgresError {
        PostgresError(.connection, unsafe String(cString: PQerrorMessage(connection)).trimmed)
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
