// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the kernel has to know of an environment's bridge (Linux, ip-sysctl).
enum KernelSettings {
    /// Makes the host a router for the guests of a bridge.
    ///
    /// They are isolated from each other as ports; the bridge answers ARP for them, so that what they send each other is
    /// routed through the packet filter.
    static func apply(to bridge: String) throws {
        let settings = ["proxy_arp_pvlan": "1", "send_redirects": "0", "forwarding": "1"]
        for (name, value) in settings { try set("ipv4/conf/\(bridge)/\(name)", value) }
        try set("ipv4/ip_forward", "1")
        if filtersBridgedPackets && !hasOtherBridges { try set("bridge/bridge-nf-call-iptables", "0") }
    }

    /// Whether bridged packets go through the IP filter too (br_netfilter). It then turns a connection to a floating IP
    /// of the same bridge back into the bridge, where ports are isolated.
    static var filtersBridgedPackets: Bool {
        (try? String(contentsOfFile: "/proc/sys/net/bridge/bridge-nf-call-iptables", encoding: .utf8))?.first == "1"
    }

    /// Whether the host has bridges that are not ours, whose owners may rely on that.
    static var hasOtherBridges: Bool {
        let devices = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/net")) ?? []
        return devices.contains { device in
            !device.hasPrefix(EnvironmentNetwork.bridgePrefix) && device != FloatingIPs.device
                && FileManager.default.fileExists(atPath: "/sys/class/net/\(device)/bridge")
        }
    }

    private static func set(_ name: String, _ value: String) throws {
        try Data(value.utf8).write(to: URL(filePath: "/proc/sys/net/\(name)"))
    }
}
