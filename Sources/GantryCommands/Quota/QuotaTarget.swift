// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// Whose quota a command is about.
struct QuotaTarget: ParsableArguments {
    @OptionGroup var owner: OrganizationOption

    @Option(help: "The id of an environment of any organization.")
    var environment: Int64?

    func validate() throws {
        guard owner.organization == nil || environment == nil else {
            throw ValidationError("Name an organization or an environment, not both.")
        }
    }

    /// The one that is named.
    func find(_ client: APIClient) async throws(ClientError) -> QuotaOwner? {
        if let environment { return .environment(environment) }
        return try await owner.find(client).map { .organization($0.id) }
    }
}

extension QuotaBody {
    /// What there is of each, and how much there may be.
    var table: String {
        var table = Table("OF", "USED", "LIMIT")
        func add(_ name: String, _ used: some CustomStringConvertible, _ limit: Int?) {
            table.add(name, used.description, limit.map { "\($0)" } ?? "none")
        }
        add("vms", used.vms, limits.vms)
        add("vcpus", used.vcpus, limits.vcpus)
        add("memory GiB", used.memoryGiB, limits.memoryGiB)
        add("gpus", used.gpus, limits.gpus)
        add("volumes", used.volumes, limits.volumes)
        add("volume GiB", used.volumeGiB, limits.volumeGiB)
        add("floating IPs", used.floatingIPs, limits.floatingIPs)
        return table.text
    }
}
