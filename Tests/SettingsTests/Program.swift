// SPDX-License-Identifier: Apache-2.0

import Agent
import Conductor
import Settings

/// A program with a configuration file.
enum Program: String, CaseIterable {
    case agent, conductor

    /// The Swift file that says what its keys are.
    var source: String {
        switch self {
        case .agent: "Sources/Agent/AgentConfiguration.swift"
        case .conductor: "Sources/Conductor/ConductorConfiguration.swift"
        }
    }

    /// The least that has to be said, as environment variables.
    var needed: [String: String] {
        switch self {
        case .agent:
            [
                "GANTRY_CONDUCTOR_URL": "https://conductor.example:8443", "GANTRY_NODE_NAME": "n1",
                "GANTRY_NODE_API_KEY": "SECRET", "GANTRY_AMQP_URL": "amqps://n1:SECRET@broker.example/gantry",
            ]
        case .conductor:
            [
                "GANTRY_DATABASE_URL": "postgresql://gantry:SECRET@db.example/gantry",
                "GANTRY_AMQP_URL": "amqps://u:SECRET@broker.example/",
                "GANTRY_RABBITMQ_MANAGEMENT_URL": "https://u:SECRET@broker.example:15671",
            ]
        }
    }

    /// What a configuration comes to, as text.
    func read(_ settings: SettingsReader) throws -> String {
        switch self {
        case .agent: "\(try AgentConfiguration(settings))"
        case .conductor: "\(try ConductorConfiguration(settings))"
        }
    }
}
