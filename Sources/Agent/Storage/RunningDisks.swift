// SPDX-License-Identifier: Apache-2.0

import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The disks of a domain's XML that have a serial number, which are its volumes, and the targets of all.
package struct RunningDisks: Hashable, Sendable {
    /// Targets by serial number.
    package private(set) var volumes: [String: String] = [:]
    package private(set) var targets: Set<String> = []

    package init(xml: String) {
        let reader = DiskReader()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = reader
        _ = parser.parse()
        for disk in reader.disks {
            targets.insert(disk.target)
            if let serial = disk.serial { volumes[serial] = disk.target }
        }
    }
}

private final class DiskReader: NSObject, XMLParserDelegate {
    struct Disk {
        var target = ""
        var serial: String?
    }

    private(set) var disks: [Disk] = []
    private var path: [String] = []

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        path.append(name)
        switch path {
        case ["domain", "devices", "disk"]: disks.append(Disk())
        case ["domain", "devices", "disk", "target"]: disks[disks.count - 1].target = attributes["dev"] ?? ""
        case ["domain", "devices", "disk", "serial"]: disks[disks.count - 1].serial = ""
        default: return
        }
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        guard path == ["domain", "devices", "disk", "serial"] else { return }
        disks[disks.count - 1].serial? += text
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        path.removeLast()
    }
}
