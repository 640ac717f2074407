// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// Takes what workers have to tell the conductor.
package protocol MachineReporting: Sendable {
    /// A machine's new state. The newest one is told until the conductor has taken it.
    func report(_ report: MachineReport) async

    /// What is being done for a machine now.
    func note(_ uuid: MachineUUID, _ generation: Generation, _ activity: Activity) async

    /// Calls back once, when the conductor has taken the newest report of a machine.
    func whenReceived(_ uuid: MachineUUID, _ action: @escaping @Sendable () async -> Void) async
}
