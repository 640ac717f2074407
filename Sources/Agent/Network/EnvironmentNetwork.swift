// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// The libvirt network of an environment on this host: one bridge, with DHCP for its machines alone.
package enum EnvironmentNetwork {
    private static let prefix = "gantry-env-"
    static let bridgePrefix = "gbr"

    package static func name(of environment: EnvironmentID) -> String { "\(prefix)\(environment)" }

    /// At most 15 bytes (`IFNAMSIZ`).
    package static func bridge(of environment: EnvironmentID) -> String { "\(bridgePrefix)\(environment)" }

    /// The environment of one of our networks; nil for others'.
    package static func environment(ofNetwork name: String) -> EnvironmentID? {
        name.hasPrefix(prefix) ? Int64(name.dropFirst(prefix.count)).map { EnvironmentID($0) } : nil
    }

    /// Forward mode `open` adds no packet filter rules of libvirt's own; without a `<range>` only the hosts that are
    /// listed get an answer from its DHCP server.
    package static func xml(_ attachment: NetworkAttachment) -> XML {
        XML("network") {
            XML("name", text: name(of: attachment.environmentID))
            XML("bridge", ["name": bridge(of: attachment.environmentID), "stp": "off", "delay": "0"])
            XML("forward", ["mode": "open"])
            XML("ip", ["address": "\(attachment.subnet.gateway)", "netmask": "\(attachment.subnet.netmask)"]) {
                XML("dhcp") { host(attachment) }
            }
        }
    }

    /// A machine's line in its network's DHCP.
    package static func host(_ attachment: NetworkAttachment) -> XML {
        XML("host", ["mac": "\(attachment.mac)", "ip": "\(attachment.address)"])
    }
}
