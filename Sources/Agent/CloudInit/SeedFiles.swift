// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol
import Yams

/// The files of a NoCloud seed (cloud-init, NoCloud data source), as a pure function of what is wanted.
package struct SeedFiles: Hashable, Sendable {
    package let metaData: Data
    /// The tenant's own bytes, untouched.
    package let userData: Data

    package init(_ spec: MachineSpec, uuid: MachineUUID) throws(Fault) {
        let meta = MetaData(instanceID: "\(uuid)", hostname: spec.hostname, keys: spec.authorizedKeys)
        do {
            let encoder = YAMLEncoder()
            encoder.options.width = -1
            encoder.options.allowUnicode = true
            metaData = Data(try encoder.encode(meta).utf8)
        } catch {
            throw Fault(.specUnsupported, "The machine's metadata cannot be written as YAML.")
        }
        userData = spec.userData ?? Data("#cloud-config\n{}\n".utf8)
    }
}

private struct MetaData: Encodable {
    let instanceID: String
    let hostname: String
    let keys: [String]

    enum CodingKeys: String, CodingKey {
        case instanceID = "instance-id"
        case hostname = "local-hostname"
        case keys = "public-keys"
    }
}
