// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel
package import GantryProtocol

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a domain's metadata says of it: that it is ours, and what it was defined for.
package struct MachineMark: Hashable, Sendable {
    package static let namespace = "https://gantry.dev/xmlns/domain/1"

    package var machineID: VirtualMachineID
    package var generation: Generation
    /// The boot counter that its last start was for.
    package var bootCounter: Int
    /// Of the specification it was defined from.
    package var specDigest: String

    package init(_ task: MachineTask) {
        machineID = task.machineID
        generation = task.generation
        bootCounter = task.bootCounter
        specDigest = Self.digest(of: task.spec)
    }

    /// Reads the metadata element; nil when it is not one of ours.
    package init?(element: String) {
        let reader = AttributeReader()
        let parser = XMLParser(data: Data(element.utf8))
        parser.delegate = reader
        guard parser.parse(), let id = reader.attributes["id"].flatMap(Int64.init),
            let generation = reader.attributes["generation"].flatMap(Int64.init),
            let bootCounter = reader.attributes["boot"].flatMap(Int.init), let digest = reader.attributes["spec"]
        else { return nil }
        machineID = VirtualMachineID(id)
        self.generation = Generation(generation)
        self.bootCounter = bootCounter
        specDigest = digest
    }

    /// The element with its namespace declared, for a domain's definition.
    package var xml: XML {
        XML(
            "gantry:machine",
            [
                "xmlns:gantry": Self.namespace, "id": "\(machineID)", "generation": "\(generation)",
                "boot": "\(bootCounter)", "spec": specDigest,
            ]
        )
    }

    package static func digest(of spec: MachineSpec?) -> String {
        // Values of our own types always encode.
        let data = (try? NodeJSON.encoder.encode(spec)) ?? Data()
        return SHA256.hash(data: data).prefix(8).map { String(format: "%02x", $0) }.joined()
    }
}

/// Keeps the attributes of the outermost element.
private final class AttributeReader: NSObject, XMLParserDelegate {
    private(set) var attributes: [String: String] = [:]
    private var isInside = false

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        if !isInside { self.attributes = attributes }
        isInside = true
    }
}
