// SPDX-License-Identifier: Apache-2.0

import Conductor
import Testing

/// Expects that something of a machine's is refused, for a reason and with words of it.
func expectRefusal(
    _ reason: MachineRefusal.Reason,
    _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    let refusal = await #expect(throws: MachineRefusal.self, sourceLocation: sourceLocation) { try await body() }
    #expect(refusal?.reason == reason, "\(refusal)", sourceLocation: sourceLocation)
    #expect(refusal?.message.contains(words) == true, "\(refusal)", sourceLocation: sourceLocation)
}
