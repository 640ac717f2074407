// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryCommands

@main
struct Gantry {
    static func main() async {
        await GantryCommand.main()
    }
}
