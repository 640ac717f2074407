// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel

/// What is asked of NVIDIA's Fabric Manager where it runs on the host in its shared NVSwitch mode (NVIDIA Fabric Manager
/// User Guide, “Supported Virtualization Models”): the switches stay the host's, guests get GPUs alone, and a guest's GPUs
/// reach each other when their partition is active.
package protocol FabricManager: Sendable {
    /// All sets of GPUs that it can connect, some of which overlap.
    ///
    /// - Throws: when it does not answer, as all that follow; the message is for operators.
    func partitions() async throws(Fault) -> [ManagedPartition]

    /// Connects a partition's GPUs. It refuses a partition that is active (“Activating a GPU Partition”).
    func activate(_ id: Int) async throws(Fault)

    /// Cuts a partition's GPUs off from each other. It refuses a partition that is not active (“Deactivating a GPU
    /// Partition”).
    func deactivate(_ id: Int) async throws(Fault)
}

/// A partition as `fmpm -l` prints it, which are the guide's `fmFabricPartitionInfo_t` as JSON.
package struct ManagedPartition: Hashable, Sendable, Decodable {
    package struct GPU: Hashable, Sendable, Decodable {
        /// The place on the baseboard, from 1: the guide's physical id, which is the module id of `nvidia-smi -q`.
        package let module: Int
        /// Nil on HGX H100 and later, of which Fabric Manager does not tell it (the note at “Data Structures”).
        package let address: PCIAddress?

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            module = try container.decode(Int.self, forKey: .module)
            let text = try container.decodeIfPresent(String.self, forKey: .address) ?? ""
            let address = try? PCIAddress(text.lowercased())
            self.address = address?.description == "0000:00:00.0" ? nil : address
        }

        private enum CodingKeys: String, CodingKey {
            case module = "physicalId"
            case address = "pciBusId"
        }
    }

    package let id: Int
    package let isActive: Bool
    package let gpus: [GPU]

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Int.self, forKey: .id)
        isActive = try container.decode(Int.self, forKey: .isActive) != 0
        gpus = try container.decode([GPU].self, forKey: .gpus)
    }

    private enum CodingKeys: String, CodingKey {
        case id = "partitionId"
        case isActive
        case gpus = "gpuInfo"
    }
}

/// Fabric Manager by NVIDIA's program `fmpm` (github.com/NVIDIA/Fabric-Manager-Client).
///
/// Its exit status is the API's answer, of which 256 are told apart and the same one means several things: what came of a
/// command is in the next list.
package struct FabricManagerCommand: FabricManager {
    private let program: String
    private let deadline: Duration

    /// How long a list may take; the host's reports wait for it.
    private static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - program: Its whole path.
    ///   - deadline: How long a change may take. Older GPUs' links are trained meanwhile.
    package init(program: String, deadline: Duration = .seconds(60)) {
        (self.program, self.deadline) = (program, deadline)
    }

    package func partitions() async throws(Fault) -> [ManagedPartition] {
        struct List: Decodable { let partitionInfo: [ManagedPartition] }
        let text = try await run("-l", deadline: min(deadline, Self.patience))
        guard let list = try? JSONDecoder().decode(List.self, from: Data(text.utf8)) else {
            throw Fault(.hostGPUUnavailable, "Fabric Manager: \(program) -l prints no list of partitions.")
        }
        return list.partitionInfo
    }

    package func activate(_ id: Int) async throws(Fault) { _ = try await run("-a", "\(id)", deadline: deadline) }

    package func deactivate(_ id: Int) async throws(Fault) { _ = try await run("-d", "\(id)", deadline: deadline) }

    private func run(_ arguments: String..., deadline: Duration) async throws(Fault) -> String {
        do {
            return try await Command(program, arguments, deadline: deadline).run()
        } catch {
            throw Fault(.hostGPUUnavailable, "Fabric Manager: \(error)")
        }
    }
}
