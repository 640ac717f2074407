// SPDX-License-Identifier: Apache-2.0

/// What becomes of the machines of a node that an operator drains.
public enum DrainPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// They are stopped, and stay on the node.
    case stop
    /// Those that have nothing on the node's own disk are stopped and started on other nodes; the others are left.
    case move
    /// Nothing is done to them; it is waited until their owners have deleted them.
    case wait
}
