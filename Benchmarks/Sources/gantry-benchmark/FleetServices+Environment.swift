// SPDX-License-Identifier: Apache-2.0

import Foundation
import SimulatedFleet

extension FleetServices {
    /// Those that the environment names.
    init(conductorURL: String) throws {
        let environment = ProcessInfo.processInfo.environment
        guard let database = environment["GANTRY_DATABASE_URL"], let amqp = environment["GANTRY_AMQP_URL"],
            let management = environment["GANTRY_RABBITMQ_MANAGEMENT_URL"]
        else { throw Trouble("GANTRY_DATABASE_URL, GANTRY_AMQP_URL or GANTRY_RABBITMQ_MANAGEMENT_URL is not set.") }
        self.init(databaseURL: database, amqpURL: amqp, managementURL: management, conductorURL: conductorURL)
    }
}
