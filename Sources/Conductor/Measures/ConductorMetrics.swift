// SPDX-License-Identifier: Apache-2.0

/// What the conductor's metrics say, by their names in Prometheus' text.
package enum ConductorMetrics {
    package static let help = [
        "gantry_callback_delivered_total": "Callbacks that their receivers took.",
        "gantry_callback_failed_total": "Attempts at callbacks that came to nothing.",
        "gantry_callback_oldest_seconds": "Age of the callback that waits longest.",
        "gantry_callback_waiting": "Callbacks that wait to be told of a status.",
        "gantry_capacity": "What up nodes have to give to machines, and what of it is allocated, by dimension.",
        "gantry_dead_letters_total": "Messages that no node took, and tasks that could not be made.",
        "gantry_gpu_cleaning_oldest_seconds": "How long the unit that waits longest to be cleaned has waited, by type.",
        "gantry_gpu_units": "Units of GPUs by type and state.",
        "gantry_machine_expired_total": "Machines that passed the time limit of a phase.",
        "gantry_machine_faults_total": "Faults of machines that nodes reported, by code.",
        "gantry_machines": "Machines by phase.",
        "gantry_machines_oldest_seconds": "How long the machine that is longest in a passing phase has been in it.",
        "gantry_node_orphans_total": "Domains of ours on nodes that nothing wants there, each time they are seen.",
        "gantry_node_report_age_seconds": "Time since the last report of a node that is not dead.",
        "gantry_node_schedulable": "Whether new machines may be placed on a node.",
        "gantry_node_silent_total": "Times that a node stopped reporting.",
        "gantry_nodes": "Nodes by state.",
        "gantry_outbox_oldest_seconds": "Age of the task that waits longest to be sent to its node.",
        "gantry_outbox_returned_total": "Tasks that the broker had no queue for.",
        "gantry_outbox_rows": "Tasks that wait to be sent to nodes.",
        "gantry_outbox_sent_total": "Tasks that the broker took.",
        "gantry_queue_consumers": "Consumers of a node's queue; 1 while its agent is there.",
        "gantry_queue_messages": "Tasks in a node's queue.",
        "hb_request_errors_total": "Requests that failed within the router, by route.",
        "hb_requests_total": "Requests, by route, method and status.",
        "http_server_active_requests": "Requests that are being answered.",
        "http_server_request_duration_seconds": "Time that requests took, by route, method and status.",
    ]
}
