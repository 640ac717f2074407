// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryProtocol

/// How much there may be of something.
enum QuotaLimit: ExpressibleByArgument {
    case unlimited
    case amount(Int)

    init?(argument: String) {
        if argument == "none" {
            self = .unlimited
        } else if let amount = Int(argument), amount >= 0 {
            self = .amount(amount)
        } else {
            return nil
        }
    }

    fileprivate var value: Int? {
        if case .amount(let amount) = self { amount } else { nil }
    }
}

/// Those limits that a command names.
struct QuotaLimitOptions: ParsableArguments {
    @Option(help: "How many machines: a number, or none for no limit, as with all limits.")
    var vms: QuotaLimit?

    @Option(help: "How many virtual CPUs.")
    var vcpus: QuotaLimit?

    @Option(name: .customLong("memory-gib"), help: "How much memory in GiB.")
    var memoryGiB: QuotaLimit?

    @Option(help: "How many GPUs.")
    var gpus: QuotaLimit?

    @Option(help: "How many volumes.")
    var volumes: QuotaLimit?

    @Option(name: .customLong("volume-gib"), help: "How large volumes may be together, in GiB.")
    var volumeGiB: QuotaLimit?

    @Option(name: .customLong("floating-ips"), help: "How many floating IPs.")
    var floatingIPs: QuotaLimit?

    /// The limits as they were, with those that are named in their place.
    func applied(to old: QuotaLimits) -> QuotaLimits {
        func limit(_ new: QuotaLimit?, _ old: Int?) -> Int? { new.map(\.value) ?? old }
        return QuotaLimits(
            vms: limit(vms, old.vms),
            vcpus: limit(vcpus, old.vcpus),
            memoryGiB: limit(memoryGiB, old.memoryGiB),
            gpus: limit(gpus, old.gpus),
            volumes: limit(volumes, old.volumes),
            volumeGiB: limit(volumeGiB, old.volumeGiB),
            floatingIPs: limit(floatingIPs, old.floatingIPs)
        )
    }
}
