// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What devices are called, from Debian's `pci.ids` (https://pci-ids.ucw.cz).
package struct PCINames: Sendable {
    private let text: Data

    /// Reads the whole file. Blocks.
    package init(root: String = "/") {
        let path = HostTree(root: root).path("/usr/share/misc/pci.ids")
        // A vendor's line is found by the end of the line before it, which the first one lacks.
        text = Data("\n".utf8) + ((try? Data(contentsOf: URL(filePath: path))) ?? Data())
    }

    /// The name of a device such as `10de:2330`; nil when the file does not know it.
    package func name(_ pciID: String) -> String? {
        let parts = pciID.split(separator: ":")
        guard parts.count == 2, let vendor = text.range(of: Data("\n\(parts[0])  ".utf8)) else { return nil }
        var from = vendor.upperBound
        // A vendor's devices are the lines below it that begin with one tab; those with two are subsystems.
        while let end = text[from...].firstIndex(of: newline), end + 1 < text.endIndex {
            let line = text[(end + 1)...].prefix { $0 != newline }
            guard line.first == tab || line.first == hash || line.isEmpty else { return nil }
            if line.starts(with: "\t\(parts[1])  ".utf8) {
                return String(decoding: line.dropFirst(1 + parts[1].count + 2), as: UTF8.self)
            }
            from = end + 1
        }
        return nil
    }

    private let newline = UInt8(ascii: "\n")
    private let tab = UInt8(ascii: "\t")
    private let hash = UInt8(ascii: "#")
}
