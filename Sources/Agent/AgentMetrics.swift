// SPDX-License-Identifier: Apache-2.0

/// What the agent's metrics say, by their names in Prometheus' text.
package enum AgentMetrics {
    package static let help = [
        "gantry_agent_faults_total": "Steps that came to nothing, by the fault's code.",
        "gantry_agent_step_duration_seconds": "Time that steps took, by step.",
        "gantry_agent_tasks_total": "Messages of the queue, by what became of them.",
    ]
}
