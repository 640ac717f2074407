// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// Breaks ties between nodes that are equally good, differently for each machine and always the same for one.
///
/// Two conductors that place two machines at once look at different nodes first, and a test can be repeated.
public struct PlacementSeed: Hashable, Sendable {
    private let value: UInt64

    public init(_ uuid: MachineUUID) {
        // FNV-1a over the text order of the bytes; `Hasher` differs from process to process.
        value = uuid.bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// The point of the ring of nodes, 0 to 2³¹−1, from which the search for candidates starts.
    public var ringPoint: Int32 { Int32(truncatingIfNeeded: Self.mix(value) >> 33) }

    /// The node's place among equals; every seed gives another order.
    func rank(of node: NodeID) -> UInt64 {
        Self.mix(value ^ Self.mix(UInt64(bitPattern: node.rawValue)))
    }

    /// The finalizer of SplitMix64: each bit of the input changes half of the output's.
    private static func mix(_ input: UInt64) -> UInt64 {
        var bits = input &+ 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
