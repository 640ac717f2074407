// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// How units that no machine has any more get clean: their node is told with the answer to every report, until its
/// inventory says that it did, or that it cannot.
enum GPUCleaning {
    /// What the node named `n` has to clean or to return, each as `ADDRESS CLAIM RETURNED`.
    static let column: StaticString = """
        ARRAY(SELECT d.address || ' ' || d.claim || ' ' || d.returned FROM gpu_device d
            WHERE d.node_id = n.id AND (d.state = 'sanitizing' OR d.returned) AND d.present
                AND d.orphan_id IS NULL
            ORDER BY d.address) AS unclean_gpus
        """

    /// Reads ``column``.
    static func units(_ row: Row) throws -> [UncleanGPU] {
        let texts: [String] = try row["unclean_gpus"]
        return try texts.map { text in
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 3, let claim = Int64(words[1]), let isReturned = Bool(words[2]) else {
                throw PostgresError(.decoding, "a GPU cannot be read")
            }
            return UncleanGPU(address: try PCIAddress(words[0]), claim: claim, isReturned: isReturned)
        }
    }
}
