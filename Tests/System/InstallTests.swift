// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

@Suite(
    "Packages on fresh machines (root)",
    .enabled(if: InstalledCloud.packages != nil, "it needs packages and minutes; make test-all"),
    .timeLimit(.minutes(30))
)
struct InstallTests {
    @Test("From packages and a token to a machine, which outlives a reboot and upgrades; drained, removed, purged")
    func life() async throws {
        try await InstalledCloud.with { cloud in
            let operators = try await cloud.installConductor()
            let tenant = try await cloud.fillCatalog(operators)
            try await cloud.joinHost(operators)

            try await cloud.gantry(
                "vm create web --environment lab --image micro --flavor small --key lab --floating-ip --wait",
                as: tenant
            )
            try await cloud.waitForBoot(1, of: "web", tenant)
            let address = try await cloud.floatingIP(of: "web", tenant)

            try await cloud.host.reboot()
            let seconds = try await cloud.secondsUntilMachinesRun(1)
            print("From the host's boot until its last machine ran, emulated: \(seconds) s")
            try await cloud.waitForBoot(2, of: "web", tenant)
            #expect(try await cloud.host.run("nft list ruleset").contains(address))

            let before = try await cloud.machineProcesses
            try await cloud.control.run(Self.install("gantry-conductor-next", "gantry-next"))
            try await cloud.host.run(Self.install("gantry-agent-next"))
            #expect(try await cloud.machineProcesses == before)
            print("The agent's upgrade, emulated: \(try await cloud.agentPause()) s without an agent")
            try await cloud.waitForNode(operators)
            try await cloud.gantry("vm stop web --wait", as: tenant)
            try await cloud.gantry("vm start web --wait", as: tenant)

            let refused = try await cloud.host.tell("dpkg -i /test/gantry-agent.deb")
            #expect(refused.status != 0 && refused.errorText.contains("is older than"), "\(refused)")

            try await cloud.gantry("node drain host --policy stop --reason 'its end' --wait", as: operators)
            #expect(try await cloud.gantry("vm list", as: tenant).contains("SHUTOFF"))
            try await cloud.gantry("vm delete web --wait", as: tenant)
            try await cloud.gantry("node remove host", as: operators)
            try await cloud.host.run("apt-get purge -q -y gantry-agent")
            let left = try await cloud.host.run(
                "find / -xdev -name '*gantry*' -not -path '/test/*' -not -path '/var/log/*' -not -path '/proc/*'"
            )
            #expect(left == "")
        }
    }

    static func install(_ packages: String...) -> String {
        let files = packages.map { "/test/\($0).deb" }.joined(separator: " ")
        return "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \(files)"
    }
}

extension InstalledCloud {
    /// As the README says it; returns the first operator's key.
    fileprivate func installConductor() async throws -> String {
        try await control.run(
            """
            set -e
            \(InstallTests.install("gantry-conductor", "gantry"))
            install -m 640 -g gantry /test/conductor.yaml /test/server.pem /test/server.key /test/authority.pem /etc/gantry
            install -D -m 600 /test/database.url /etc/credstore/gantry-conductor.database.url
            systemctl start gantry-conductor
            systemctl reload gantry-conductor
            timeout 60 sh -c 'until journalctl -u gantry-conductor | grep -q "settings were read again"; do sleep 1; done'
            """
        )
        return try await control.run("gantry-conductor operator create olga --config /etc/gantry/conductor.yaml")
    }

    /// What a tenant needs before the first machine; returns the tenant's key.
    fileprivate func fillCatalog(_ operators: String) async throws -> String {
        try await control.run("ssh-keygen -q -t ed25519 -N '' -f /root/lab")
        let image = try await TestImage.micro()
        for command in [
            "region create lab", "organization create acme", "user create ada --organization acme",
            "floating-ip-pool create lab --region lab --network 198.51.100.128/28",
            "flavor create small --region lab --vcpus 1 --memory-mib 128 --disk-gib 1",
            "image create micro --region lab --source file:///test/micro.qcow2 --sha256 \(image.sha256)",
        ] {
            try await gantry(command, as: operators)
        }
        let tenant = try await gantry("api-key create laptop --user ada", as: operators)
        try await gantry("environment create lab --region lab", as: tenant)
        try await gantry("key add lab --environment lab --file /root/lab.pub", as: tenant)
        return tenant
    }

    /// As the README says it.
    fileprivate func joinHost(_ operators: String) async throws {
        let token = try await gantry("node token create --region lab", as: operators)
        try await host.run(
            """
            set -e
            \(InstallTests.install("gantry-agent"))
            printf 'virt_type: qemu\nreserved: {memory_mib: 128, disk_gib: 0}\n' >/etc/gantry/agent.yaml
            gantry-agent join --conductor \(url) --token \(token)
            systemctl enable --now gantry-agent
            """
        )
        try await waitForNode(operators)
    }

    /// Waits until the node's agent reports and machines may go there.
    fileprivate func waitForNode(_ operators: String) async throws {
        try await eventually("the node takes machines", timeout: .seconds(300)) {
            try await json("node show host", operators)["schedulable"] as? Bool == true
        }
    }

    private func json(_ command: String, _ key: String) async throws -> [String: Any] {
        let text = try await gantry("\(command) -o json", as: key)
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    /// Waits until a machine's guest has been ready so often.
    fileprivate func waitForBoot(_ count: Int, of machine: String, _ tenant: String) async throws {
        // The log of one that starts cannot be read.
        try await eventually("\(machine) runs", timeout: .seconds(300)) {
            try await json("vm show \(machine)", tenant)["status"] as? String == "ACTIVE"
        }
        try await eventually("\(machine) is ready \(count) times", timeout: .seconds(600)) {
            try await gantry("vm log \(machine)", as: tenant).ranges(of: "gantry-micro: ready").count >= count
        }
    }

    fileprivate func floatingIP(of machine: String, _ tenant: String) async throws -> String {
        let shown = try await json("vm show \(machine)", tenant)
        return try #require(shown["floating_ip"] as? String, "\(shown)")
    }

    /// How long the host has been up when so many of its machines run.
    fileprivate func secondsUntilMachinesRun(_ count: Int) async throws -> String {
        try await eventually("\(count) machines run", timeout: .seconds(300)) {
            let words =
                try await host.run("virsh -q list --name 2>/dev/null | grep -c gantry; cut -d ' ' -f 1 /proc/uptime")
                .split(whereSeparator: \.isNewline)
            return words.first == "\(count)" ? words.last.map(String.init) : nil
        }
    }

    /// The processes of the host's guests.
    fileprivate var machineProcesses: String {
        get async throws { try await host.run("pgrep qemu-system-x86") }
    }

    /// How long the agent's unit was without an agent at its last restart, in seconds.
    fileprivate func agentPause() async throws -> String {
        try await host.run(
            """
            show() { systemctl show --value -p "$1" gantry-agent; }
            awk "BEGIN { print ($(show ActiveEnterTimestampMonotonic) - $(show InactiveEnterTimestampMonotonic)) / 1e6 }"
            """
        )
    }
}
