// SPDX-License-Identifier: Apache-2.0

public import Logging

extension Logger {
    /// For servers inside, whose own comings and goings interest nobody.
    public var quieted: Logger {
        var logger = self
        logger.logLevel = max(.warning, logLevel)
        return logger
    }
}
