// SPDX-License-Identifier: Apache-2.0

/// A statement whose interpolated values are bound parameters, never text.
///
///     let id: SQL = "SELECT name FROM flavor WHERE id = \(flavorID) AND region_id = ANY(\(regions)::bigint[])"
///
/// PostgreSQL infers each parameter's type from its place. Where it cannot (`SELECT \(x)`), cast it: `\(x)::bigint`.
/// The text is the same at each run of a call site, so that every connection prepares it once.
public struct SQL: ExpressibleByStringInterpolation, Sendable {
    let text: String
    let parameters: [SQLValue]

    public init(stringLiteral text: String) {
        self.text = text
        parameters = []
    }

    public init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        parameters = stringInterpolation.parameters
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        var text: String
        var parameters: [SQLValue] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            text = ""
            text.reserveCapacity(literalCapacity + 3 * interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some SQLEncodable) {
            parameters.append(value.sqlValue)
            text += "$\(parameters.count)"
        }

        /// Binds a value, or NULL for nil.
        public mutating func appendInterpolation<Value: SQLEncodable>(_ value: Value?) {
            parameters.append(value.sqlValue)
            text += "$\(parameters.count)"
        }

        /// Adds constant text, such as a list of columns that several statements share.
        public mutating func appendInterpolation(raw text: StaticString) {
            self.text += text.description
        }
    }
}
