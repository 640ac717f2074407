// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Logging
import Postgres

extension Cloud {
    var callbacks: CallbackStore { CallbackStore(database: database) }
    var callbackSecrets: CallbackSecretStore { CallbackSecretStore(database: database) }

    /// A request for one machine whose status is told to a URL.
    func request(_ name: String? = nil, callingBack url: String, floatingIP: Bool = false) -> MachineCreation {
        var request = request(name)
        request.callbackURL = url
        request.assignFloatingIP = floatingIP
        return request
    }

    /// A deliverer that looks often and tries again soon, so that tests need not wait long, and may reach loopback.
    func deliverer(
        allowsPrivate: Bool = true,
        resolver: AddressResolver = .system,
        on database: Database? = nil,
        longestDelay: Duration = .milliseconds(50)
    ) -> CallbackDeliverer {
        var retry = CallbackRetry()
        (retry.first, retry.longest) = (.milliseconds(20), longestDelay)
        return CallbackDeliverer(
            database: database ?? self.database,
            client: CallbackClient(policy: CallbackPolicy(allowsPrivate: allowsPrivate), resolver: resolver),
            retry: retry,
            logger: Logger(label: "test"),
            pollInterval: .milliseconds(50)
        )
    }

    /// What was or is to be told of machines, oldest first.
    func deliveries(of machine: VirtualMachineID? = nil) async throws -> [CallbackDeliveryRecord] {
        try await callbacks.deliveries(in: organization, of: machine, ListQuery()).elements.reversed()
    }
}
