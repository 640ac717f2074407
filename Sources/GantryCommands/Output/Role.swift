// SPDX-License-Identifier: Apache-2.0

import GantryClient

/// Does something as a tenant, and where the key is an operator's, which the conductor refuses there, as an operator.
func asTenant<Value>(
    _ tenant: () async throws(ClientError) -> Value,
    orOperator operator: () async throws(ClientError) -> Value
) async throws(ClientError) -> Value {
    do {
        return try await tenant()
    } catch .refused(status: 403, let refusal) {
        do {
            return try await `operator`()
        } catch .refused(status: 403, _) {
            // A tenant's key that may not do it either way: the first refusal says why.
            throw .refused(status: 403, refusal)
        }
    }
}
