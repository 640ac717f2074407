// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A machine with systemd, an IOMMU and GPUs, emulated on this one.
final class EmulatedHost: Sendable {
    let folder: String
    private let watch: ExitWatch
    private static let script = Repository.path("Packaging/dev/emulated-host")

    init(folder: String) throws {
        self.folder = folder
        watch = try ExitWatch(Self.script, "down", folder)
    }

    /// The address of this machine's loopback, as the host knows it.
    static let loopback = "10.0.2.2"

    /// Boots it and waits until it answers.
    ///
    /// - Parameters:
    ///   - image: What is installed on it.
    ///   - content: The folder of what it has in `/test`.
    ///   - ports: Of its own, which are those of this machine's loopback too.
    /// - Throws: when it does not come up.
    func boot(_ image: String, content: String, ports: [Int] = []) async throws {
        let path = try await shell(Repository.path("Packaging/images/build"), image, TestImage.folder)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let output = try await GantryTestSupport.run(
            Self.script,
            ["up", folder, path, content] + ports.map { "\($0)=\($0)" }
        )
        guard output.status == 0 else { throw CommandFailure(description: "\(image): \(output.errorText)") }
        try await eventually("the emulated \(image) answers", timeout: .seconds(240)) {
            (try? await run("true")) != nil
        }
    }

    /// Boots a host, and puts the agent on it as its package would.
    ///
    /// - Parameters:
    ///   - conductor: The address of the one that it joins.
    ///   - token: Lets it in, as `gpu-node`.
    ///   - settings: Environment variables for the agent.
    ///   - files: What is brought along in `/test`, by name.
    /// - Throws: when it does not come up.
    func up(joining conductor: String, token: String, settings: [String: String], files: [String: String]) async throws
    {
        let content = folder + "-content"
        try FileManager.default.createDirectory(atPath: content + "/lib", withIntermediateDirectories: true)
        for (name, path) in files { try await shell("cp", path, "\(content)/\(name)") }
        let program = Repository.path(".build/debug/gantry-agent")
        try await shell("strip", "-o", content + "/gantry-agent", program)
        // Those of the toolchain; the others are Debian's.
        try await shell("sh", "-c", "ldd \(program) | grep -o '/[^ ]*/swift/[^ ]*' | xargs -I{} cp {} \(content)/lib")
        try await shell("cp", Repository.path("systemd/gantry-agent.service"), content)
        let variables = settings.merging(["LD_LIBRARY_PATH": "/test/lib"]) { $1 }
        let lines = variables.map { "Environment=\"\($0)=\($1)\"" }.sorted().joined(separator: "\n")
        try "[Service]\n\(lines)\n".write(toFile: content + "/settings.conf", atomically: true, encoding: .utf8)
        try await boot("host", content: content)
        try FileManager.default.removeItem(atPath: content)
        try await run(
            """
            set -e
            install /test/gantry-agent /usr/bin/
            LD_LIBRARY_PATH=/test/lib gantry-agent join --conductor \(conductor) --token \(token) --name gpu-node
            install -D -m 644 /test/settings.conf /etc/systemd/system/gantry-agent.service.d/settings.conf
            install -m 644 /test/gantry-agent.service /etc/systemd/system/
            systemctl daemon-reload
            systemctl enable -q --now gantry-agent
            """
        )
    }

    func down() async throws {
        try await shell(Self.script, "down", folder)
        watch.callOff()
    }

    /// Runs a line of shell in it, and returns what it says.
    @discardableResult
    func run(_ command: String) async throws -> String {
        let output = try await tell(command)
        guard output.status == 0 else {
            throw CommandFailure(description: "“\(command)” in the emulated host: \(output.text)\(output.errorText)")
        }
        return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a line of shell in it that may fail.
    func tell(_ command: String) async throws -> CommandOutput {
        try await GantryTestSupport.run(Self.script, ["run", folder, command])
    }

    /// The driver that the device of a bus has.
    func driver(of bus: String) async throws -> String {
        try await run("basename $(readlink /sys/bus/pci/devices/0000:\(bus):00.0/driver)")
    }

    /// How many of its huge pages nothing has.
    var freeHugePages: Int {
        get async throws { Int(try await run("awk '/^HugePages_Free/ { print $2 }' /proc/meminfo")) ?? -1 }
    }

    /// Takes its power away and gives it back at once.
    func reset() async throws {
        try await whileItBoots { try await say(#"{"execute":"system_reset"}"#) }
    }

    /// Has it boot again in order, as an operator would.
    func reboot() async throws {
        // The connection may end before the command's answer.
        try await whileItBoots { _ = try? await run("systemctl reboot") }
    }

    private func whileItBoots(_ cause: () async throws -> Void) async throws {
        let before = try await run("cat /proc/sys/kernel/random/boot_id")
        try await cause()
        try await eventually("the emulated host has booted again", timeout: .seconds(240)) {
            let now = try? await run("cat /proc/sys/kernel/random/boot_id")
            return now != nil && now != before
        }
    }

    /// Pulls a device out.
    func unplug(_ device: String) async throws {
        try await say(#"{"execute":"device_del","arguments":{"id":"\#(device)"}}"#)
    }

    /// Puts back what the host had as `gpu1`: the same card to guests, by its other name in QEMU, which ends when a second
    /// `bochs-display` comes to where one was (7.2: “RAMBlock already registered”).
    func plugCard() async throws {
        try await say(#"{"execute":"device_add","arguments":{"driver":"secondary-vga","bus":"port1","id":"gpu1"}}"#)
    }

    private func say(_ words: String) async throws {
        let answer = try await shell(Self.script, "qmp", folder, words)
        guard answer.contains(#""return""#) else { throw CommandFailure(description: "\(words): \(answer)") }
    }

    /// The average of each of its agent's steps in seconds, as its metrics say.
    func stepSeconds() async throws -> [String: Double] {
        // It has no other program that asks, and without “close” there is no end of the answer to wait for.
        let request = #"GET /metrics HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n"#
        let metrics = try await run("exec 3<>/dev/tcp/127.0.0.1/9180; printf '\(request)' >&3; timeout 30 cat <&3")
        var values: [String: [String: Double]] = [:]
        for match in metrics.matches(of: /step_duration_seconds_(sum|count)\{step="([a-z_]+)"\} ([0-9.e+-]+)/) {
            values[String(match.1), default: [:]][String(match.2)] = Double(match.3)
        }
        let counts = values["count"] ?? [:]
        return (values["sum"] ?? [:]).compactMapValues { $0 }
            .reduce(into: [:]) { averages, sum in
                if let count = counts[sum.key], count > 0 { averages[sum.key] = sum.value / count }
            }
    }

    /// What its agent logged, as far as it can be asked.
    var log: String {
        get async { (try? await shell(Self.script, "log", folder)) ?? "" }
    }
}
