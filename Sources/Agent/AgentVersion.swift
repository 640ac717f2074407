// SPDX-License-Identifier: Apache-2.0

/// The agent's version, which it reports.
package enum AgentVersion {
    package static let current = "0.1.0"
}
