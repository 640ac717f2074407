// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// A record of the kernel's log that says that a PCI device is sick.
package struct KernelIncident: Hashable, Sendable {
    package let device: PCIAddress
    /// What follows the device's address in a sentence, such as “had the driver's error Xid 79”.
    package let text: String
    /// Its number in the log of this boot; 0 for a line that has none.
    package let number: UInt64

    /// Nil for a record that is about anything else, or about what the hardware corrected itself.
    ///
    /// - Parameter record: as `/dev/kmsg` gives it, its priority and number first.
    package init?(_ record: some StringProtocol) {
        let line = String(record)
        guard let (device, text) = Self.driverError(line) ?? Self.busError(line) else { return nil }
        (self.device, self.text) = (device, text)
        number = Self.number(of: record) ?? 0
    }

    /// The whole sentence.
    package var sentence: String { "\(device) \(text)." }

    static func number(of record: some StringProtocol) -> UInt64? {
        let fields = record.prefix { $0 != ";" }.split(separator: ",")
        return fields.count > 2 ? UInt64(fields[1]) : nil
    }

    /// NVIDIA's driver: `NVRM: Xid (PCI:0000:65:00): 79, pid=…, GPU has fallen off the bus.`
    private static func driverError(_ line: String) -> (PCIAddress, String)? {
        // An agent starts with thousands of records, and to match each takes seconds.
        guard line.contains("NVRM: Xid") else { return nil }
        let pattern = /NVRM: Xid \(PCI:([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2})(?:\.[0-7])?\): ([0-9]+)/
        guard let match = line.firstMatch(of: pattern), let code = Int(match.2), let meaning = sickening[code],
            let device = try? PCIAddress("\(match.1).0")
        else { return nil }
        return (device, "had its driver's error Xid \(code): \(meaning)")
    }

    /// The errors that are the card's own. Most others are made by what runs on it
    /// (https://docs.nvidia.com/deploy/xid-errors).
    private static let sickening = [
        48: "memory with two wrong bits", 62: "a halted controller", 64: "bad memory that could not be replaced",
        74: "NVLink", 79: "fallen off the bus", 95: "bad memory that was not contained",
        119: "a system processor that does not answer", 120: "a system processor in error",
        140: "memory with wrong bits", 143: "it could not be started",
    ]

    /// The kernel's: `pcieport 0000:64:01.0: AER: Uncorrected (Fatal) error received: 0000:65:00.0`; newer kernels say
    /// “Uncorrectable” and “error message received from”. Corrected errors are the link's everyday life.
    private static func busError(_ line: String) -> (PCIAddress, String)? {
        guard line.contains("AER: ") else { return nil }
        let pattern =
            /AER: (?:Multiple )?Uncorrect(?:ed|able) \((Fatal|Non-Fatal)\) error (?:message )?received(?: from|:) ([0-9a-f:.]+)/
        guard let match = line.firstMatch(of: pattern), let device = try? PCIAddress(String(match.2)) else {
            return nil
        }
        return (device, "had a PCI Express error that was not corrected (\(match.1.lowercased()))")
    }
}
