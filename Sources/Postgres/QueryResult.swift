// SPDX-License-Identifier: Apache-2.0

import CPostgres

/// A finished statement's rows and count, copied out of libpq's result.
public struct QueryResult: Sendable {
    public let rows: [Row]
    /// Rows that the statement inserted, updated, deleted or selected.
    public let affected: Int

    @unsafe
    init(copying result: OpaquePointer) {
        let width = unsafe PQnfields(result)
        let names = ColumnNames((0..<width).map { unsafe String(cString: PQfname(result, $0)) })
        rows = unsafe (0..<PQntuples(result))
            .map { row in
                let values = (0..<width)
                    .map { column -> String? in
                        guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                        let bytes = unsafe UnsafeBufferPointer(
                            start: PQgetvalue(result, row, column),
                            count: Int(PQgetlength(result, row, column))
                        )
                        return unsafe String(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self)
                    }
                return Row(columns: names, values: values)
            }
        affected = unsafe Int(String(cString: PQcmdTuples(result))) ?? 0
    }
}
