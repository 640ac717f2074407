// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What callbacks are told of an operation that leaves its machine's status as it is.
package struct OperationNotice: Sendable, Hashable {
    /// The vendor's words: of floating IPs what they are, of all else what it came to.
    package enum Status: String, Sendable, Hashable {
        case attaching = "ATTACHING"
        case attached = "ATTACHED"
        case detaching = "DETACHING"
        case detached = "DETACHED"
        case succeeded = "SUCCESS"
        case failed = "FAILED"
    }

    package var operation: CallbackOperation
    package var status: Status

    package init(_ operation: CallbackOperation, _ status: Status) {
        (self.operation, self.status) = (operation, status)
    }
}

/// Writes down that callbacks have to be told of such operations, within the transaction that asks for them or learns
/// what they came to.
enum OperationCallback {
    /// For machines whose rows are locked, after ``StatusCallback`` has written down their status.
    static func tell(_ notices: [(machine: VirtualMachineID, notice: OperationNotice)]) -> SQL {
        """
        WITH notice AS (
            SELECT * FROM unnest(\(notices.map(\.machine))::bigint[], \(notices.map(\.notice.operation))::text[],
                \(notices.map(\.notice.status))::text[]) WITH ORDINALITY AS n (vm_id, operation, status, position)
        )
        \(raw: insertion)
        """
    }

    /// Follows on what lists as `notice` what to tell of which machine; those without a callback are left out.
    static let insertion: StaticString = """
        INSERT INTO callback_delivery (organization_id, vm_id, resource_name, url, operation, status, resource_status,
            floating_ip)
        SELECT vm.organization_id, vm.id, vm.name, vm.callback_url, notice.operation, notice.status, vm.callback_status,
            (SELECT f.address FROM floating_ip f WHERE f.vm_id = vm.id OR f.next_vm_id = vm.id)
        FROM notice JOIN virtual_machine vm ON vm.id = notice.vm_id
        WHERE vm.callback_url IS NOT NULL ORDER BY notice.position
        """
}
