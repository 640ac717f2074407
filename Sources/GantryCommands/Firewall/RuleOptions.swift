// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryProtocol

/// What a rule lets through.
struct RuleOptions: ParsableArguments {
    @Option(help: "ingress, to machines, or egress, from them.", completion: .list(["ingress", "egress"]))
    var direction = "ingress"

    @Option(help: "The protocol; gantry firewall protocols lists them.")
    var `protocol` = "tcp"

    @Option(help: "A port, or a range such as 8000-8080; without it all.")
    var port: PortRange?

    @Option(help: "The network on the other side, such as 203.0.113.0/24; without it everybody of IPv4.")
    var remote = "0.0.0.0/0"

    var request: SecurityRuleRequest {
        SecurityRuleRequest(
            direction: direction,
            ethertype: remote.contains(":") ? "IPv6" : "IPv4",
            protocol: `protocol`,
            remoteIPPrefix: remote,
            portRangeMin: port?.first,
            portRangeMax: port?.last
        )
    }
}

/// One port or several in a row.
struct PortRange: ExpressibleByArgument {
    let first: Int
    let last: Int

    init?(argument: String) {
        let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else {
            return nil
        }
        (self.first, self.last) = (Int(first), Int(last))
    }
}

extension SecurityRuleBody {
    /// Rules for people.
    static func table(_ rules: [SecurityRuleBody]) -> String {
        var table = Table("ID", "DIRECTION", "PROTOCOL", "PORTS", "REMOTE", "STATUS")
        for rule in rules {
            table.add(
                "\(rule.id)",
                rule.direction,
                rule.protocol,
                rule.ports,
                rule.remoteIPPrefix,
                rule.status
            )
        }
        return table.text
    }

    private var ports: String {
        guard let first = portRangeMin else { return "all" }
        guard let last = portRangeMax, last != first else { return "\(first)" }
        return "\(first)-\(last)"
    }
}
