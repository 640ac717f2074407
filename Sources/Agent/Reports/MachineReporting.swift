// SPDX-License-Identifier: Apache-2.0

package import GantryProtocol

/// Takes what workers have to tell the conductor.
package protocol MachineReporting: Sendable {
    /// A machine's new state, told soon. The newest one is told until the conductor has taken it.
    ///
    /// - Parameters:
    ///   - report: Takes the place of what was not told yet.
    ///   - received: Called when the conductor has taken it, unless something newer took its place.
    func report(_ report: MachineReport, received: (@Sendable () async -> Void)?) async

    /// A machine's progress, told before long unless something newer takes its place.
    func note(_ report: MachineReport) async
}
