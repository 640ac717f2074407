// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation

/// A test aid: `GANTRY_TEST_KILL_AT=start:before` ends the agent by a real SIGKILL at that edge of that step.
enum KillSwitch {
    static func observer(from environment: [String: String]) -> StepObserver {
        let parts = environment["GANTRY_TEST_KILL_AT"]?.split(separator: ":").map(String.init) ?? []
        guard parts.count == 2, let step = ConvergenceStep(rawValue: parts[0]),
            let edge = StepObserver.Edge(rawValue: parts[1])
        else { return StepObserver() }
        return StepObserver { reached, side in
            if reached == step && side == edge { kill(getpid(), SIGKILL) }
        }
    }
}
