// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Libvirt
import Logging

/// Gives a running guest other keys, through its agent (qemu-ga 5.2 and later).
struct AuthorizedKeys {
    let hypervisor: Hypervisor
    let logger: Logger

    /// The default users of the usual images. Only the guest knows which of them cloud-init gave the keys to: the one that
    /// has one of them.
    private static let users = [
        "debian", "ubuntu", "rocky", "almalinux", "fedora", "centos", "cloud-user", "opensuse", "arch", "ec2-user",
        "admin", "root",
    ]

    func apply(_ change: AuthorizedKeysChange, to machine: MachineUUID) async throws(Fault) {
        let connection = try await hypervisor.connected(to: .question)
        do {
            let owners = try await owners(of: change, on: connection, "\(machine)")
            guard !owners.isEmpty else {
                throw Fault(
                    .guestRefused,
                    "None of the guest's usual users has one of the machine's keys; change them in the guest."
                )
            }
            for user in owners {
                try await connection.changeAuthorizedKeys(
                    of: user,
                    in: "\(machine)",
                    adding: change.wanted.map(\.publicKey),
                    removing: change.removed
                )
            }
        } catch {
            throw fault(from: error)
        }
    }

    /// Those who have a former key; or a wanted one, where this was begun before.
    private func owners(
        of change: AuthorizedKeysChange,
        on connection: LibvirtConnection,
        _ uuid: String
    ) async throws(LibvirtError) -> [String] {
        let known = Set(change.former + change.wanted.map(\.publicKey))
        var owners: [String] = []
        for user in Self.users {
            do {
                let lines = try await connection.authorizedKeys(of: user, in: uuid)
                if !known.isDisjoint(with: lines) { owners.append(user) }
            } catch  where !error.isGuestAgentMissing && !error.isConnectionLost {
                // The guest has no such user, or no file of theirs.
                continue
            }
        }
        return owners
    }

    private func fault(from error: any Error) -> Fault {
        if let fault = error as? Fault { return fault }
        logger.notice("A guest's keys could not be changed", metadata: ["error": "\(error)"])
        let error = error as? LibvirtError
        if error?.isConnectionLost == true {
            return Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        if error?.isGuestAgentMissing == true {
            return Fault(
                .guestAgentMissing,
                "The guest's agent does not answer; install qemu-guest-agent in it, or change its keys there yourself."
            )
        }
        return Fault(.guestRefused, "The guest's agent could not change the keys; change them in the guest.")
    }
}
