// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
package import Settings

/// Which GPUs the operator gives to guests, and as which flavor's `gpu_type`.
package struct GPUPolicy: Hashable, Sendable {
    package let allow: [Pattern]
    /// Stronger than `allow`.
    package let deny: [Pattern]
    package let types: [Pattern: String]

    /// - Parameters:
    ///   - allow: NVIDIA's and AMD's, unless said otherwise.
    ///   - deny: None, unless said otherwise.
    ///   - types: What devices are called in flavors, where it is not what ``gpuType(of:model:)`` makes of the model.
    package init(
        allow: [Pattern] = [.vendor("10de"), .vendor("1002")],
        deny: [Pattern] = [],
        types: [Pattern: String] = [:]
    ) {
        (self.allow, self.deny, self.types) = (allow, deny, types)
    }

    /// Whether the device is a GPU that guests may have.
    package func offers(_ device: PCIDevice) -> Bool {
        device.isGPU && allow.contains { $0.matches(device.function) } && !denies(device)
    }

    package func denies(_ device: PCIDevice) -> Bool { deny.contains { $0.matches(device.function) } }

    /// What flavors call a device: what the operator says of its address, else of its id, else of its vendor; else what
    /// its model has in brackets, with “-” for all but letters, digits, “.” and “_”. So `GH100 [H100 SXM5 80GB]` is
    /// `H100-SXM5-80GB`, and `GA102GL [RTX A6000]` is `RTX-A6000`.
    package func gpuType(of device: PCIDevice, model: String) -> String {
        let exact = types.filter { $0.key.matches(device.function) }.max { $0.key.exactness < $1.key.exactness }
        if let exact { return exact.value }
        let name = model.firstMatch(of: /\[(.+)\]/).map { String($0.1) } ?? model
        return name.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "." || $0 == "_") }
            .joined(separator: "-")
    }
}

extension GPUPolicy {
    /// What the keys `gpu.allow`, `gpu.deny` and `gpu.types` say.
    package init(_ settings: SettingsReader) {
        let usual = Self().allow
        let allow = settings.list("gpu.allow", default: usual.map(\.description)) { try Pattern($0) }
        self.init(
            allow: allow.isEmpty ? usual : allow,
            deny: settings.list("gpu.deny") { try Pattern($0) },
            types: Dictionary(settings.list("gpu.types") { try Self.type($0) }) { $1 }
        )
    }

    private static func type(_ text: String) throws(InvalidValue) -> (Pattern, String) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[1].wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/) != nil else {
            throw InvalidValue(
                "“\(text)” is no type of a device; write DEVICE=TYPE, such as 10de:2330=H100-80G-SXM5, in letters, "
                    + "digits, “-”, “_” and “.”."
            )
        }
        return (try Pattern(parts[0]), parts[1])
    }
}

extension GPUPolicy {
    /// Some of a host's devices.
    package enum Pattern: TextValue {
        /// Such as `10de`.
        case vendor(String)
        /// Such as `10de:2330`.
        case id(String)
        case address(PCIAddress)

        package init(_ text: String) throws(InvalidValue) {
            if text.wholeMatch(of: /[0-9a-f]{4}/) != nil {
                self = .vendor(text)
            } else if text.wholeMatch(of: /[0-9a-f]{4}:[0-9a-f]{4}/) != nil {
                self = .id(text)
            } else if let address = try? PCIAddress(text) {
                self = .address(address)
            } else {
                throw InvalidValue(
                    "“\(text)” names no PCI device; write a vendor (10de), a vendor and device (10de:2330) or a full "
                        + "address (0000:65:00.0), in small letters."
                )
            }
        }

        package var description: String {
            switch self {
            case .vendor(let text), .id(let text): text
            case .address(let address): "\(address)"
            }
        }

        func matches(_ function: PCIFunction) -> Bool {
            switch self {
            case .vendor(let vendor): function.pciID.hasPrefix("\(vendor):")
            case .id(let id): function.pciID == id
            case .address(let address): function.address == address
            }
        }

        var exactness: Int {
            switch self {
            case .vendor: 0
            case .id: 1
            case .address: 2
            }
        }
    }
}
