// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a host needs for guests, looked at one by one.
package enum HostChecks {
    /// One thing that was looked at.
    package struct Finding: Hashable, Sendable, Encodable {
        package enum Severity: String, Sendable, Encodable { case ok, warning, error }

        package let subject: String
        package let severity: Severity
        /// What is wrong and what to do, in plain words.
        package let text: String

        package init(subject: String, severity: Severity, text: String) {
            (self.subject, self.severity, self.text) = (subject, severity, text)
        }
    }

    /// - Parameters:
    ///   - stateDirectory: Where machines and images are kept.
    ///   - uplink: The device that floating IPs are announced on.
    ///   - hugePages: What guests' memory is made of.
    /// - Returns: what was looked at, the good too.
    package static func run(stateDirectory: String, uplink: String?, hugePages: HugePages = .ordinary) -> [Finding] {
        programs + [privileges, kvm, disk(stateDirectory), bridges] + (uplink.map { [device($0)] } ?? [])
            + (hugePages.finding().map { [$0] } ?? [])
    }

    private static var programs: [Finding] {
        let packages = [
            "qemu-img": "qemu-utils", "qemu-system-x86_64": "qemu-system-x86", "nft": "nftables", "ip": "iproute2",
            "dnsmasq": "dnsmasq-base", "genisoimage": "genisoimage", "conntrack": "conntrack",
            "arping": "iputils-arping",
        ]
        return packages.sorted { $0.key < $1.key }
            .map { program, package in
                Command.exists(program)
                    ? Finding(subject: program, severity: .ok, text: "installed")
                    : Finding(subject: program, severity: .error, text: "missing; install Debian's \(package)")
            }
    }

    private static var privileges: Finding {
        geteuid() == 0
            ? Finding(subject: "privileges", severity: .ok, text: "running as root")
            : Finding(subject: "privileges", severity: .error, text: "not root: bridges and nftables cannot be set up")
    }

    private static var kvm: Finding {
        guard FileManager.default.fileExists(atPath: "/dev/kvm") else {
            let text = "/dev/kvm does not exist: guests would be emulated; turn virtualization on in the firmware"
            return Finding(subject: "KVM", severity: .warning, text: text)
        }
        return access("/dev/kvm", R_OK | W_OK) == 0
            ? Finding(subject: "KVM", severity: .ok, text: "/dev/kvm can be opened; a test guest decides at start")
            : Finding(subject: "KVM", severity: .warning, text: "/dev/kvm may not be opened; join the group kvm")
    }

    private static func disk(_ directory: String) -> Finding {
        // Before the agent's first start the directory is still to be made.
        var there = directory
        while !FileManager.default.fileExists(atPath: there), there != "/" {
            there = (there as NSString).deletingLastPathComponent
        }
        let free = HostCapacity.freeBytes(there) >> 30
        return free >= 5
            ? Finding(subject: "disk", severity: .ok, text: "\(free) GiB free below \(directory)")
            : Finding(
                subject: "disk",
                severity: .error,
                text: "\(free) GiB free below \(directory); at least 5 are needed"
            )
    }

    private static var bridges: Finding {
        KernelSettings.filtersBridgedPackets && KernelSettings.hasOtherBridges
            ? Finding(
                subject: "bridges",
                severity: .warning,
                text: "net.bridge.bridge-nf-call-iptables is 1 and bridges of others rely on it, so guests of one "
                    + "environment do not reach each other by floating IP; set it to 0 if nothing else needs it"
            )
            : Finding(
                subject: "bridges",
                severity: .ok,
                text: "guests of one bridge can reach each other by floating IP"
            )
    }

    private static func device(_ name: String) -> Finding {
        FileManager.default.fileExists(atPath: "/sys/class/net/\(name)")
            ? Finding(subject: "uplink", severity: .ok, text: "\(name) exists")
            : Finding(
                subject: "uplink",
                severity: .error,
                text: "there is no device \(name); set uplink to the right one"
            )
    }
}
