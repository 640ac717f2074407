// SPDX-License-Identifier: Apache-2.0

/// What the memory of this host's guests is made of. With huge pages it is those and nothing else, so that they are what
/// the node has to offer.
package enum HugePages: String, Sendable, Hashable, CaseIterable {
    case ordinary = "none"
    case mib2 = "2MiB"
    case gib1 = "1GiB"

    /// The size of a page; nil for ordinary ones.
    package var pageMiB: Int? {
        switch self {
        case .ordinary: nil
        case .mib2: 2
        case .gib1: 1024
        }
    }

    /// How many a host has set aside, of which the kernel has those to spare.
    package struct Count: Hashable, Sendable {
        package let total: Int
        package let free: Int
    }

    /// The host's own count; none for ordinary pages (kernel, `Documentation/admin-guide/mm/hugetlbpage.rst`).
    package func count(in tree: HostTree = HostTree()) -> Count { count(below: "/sys/kernel/mm", tree) }

    /// The counts of NUMA nodes by their numbers.
    package func countByNode(in tree: HostTree = HostTree()) -> [(node: Int, count: Count)] {
        let directory = "/sys/devices/system/node"
        let nodes = tree.names(directory).filter { $0.hasPrefix("node") }.compactMap { Int($0.dropFirst(4)) }
        return nodes.sorted().map { ($0, count(below: "\(directory)/node\($0)", tree)) }
    }

    private func count(below directory: String, _ tree: HostTree) -> Count {
        guard let pageMiB else { return Count(total: 0, free: 0) }
        let pool = "\(directory)/hugepages/hugepages-\(pageMiB * 1024)kB"
        return Count(total: tree.number("\(pool)/nr_hugepages") ?? 0, free: tree.number("\(pool)/free_hugepages") ?? 0)
    }

    /// Whether libvirt can hand them out: it needs a file system of theirs.
    package func isMounted(in tree: HostTree = HostTree()) -> Bool {
        guard let pageMiB else { return false }
        let mounts = tree.lines("/proc/mounts").map { $0.split(separator: " ") }
        return mounts.contains { fields in
            fields.count > 3 && fields[2] == "hugetlbfs"
                && fields[3].split(separator: ",").contains("pagesize=\(pageMiB)M")
        }
    }

    /// The guests' memory that is made of them.
    var xml: [XML] {
        guard let pageMiB else { return [] }
        return [
            XML("memoryBacking") {
                XML("hugepages") { XML("page", ["size": "\(pageMiB)", "unit": "MiB"]) }
            }
        ]
    }
}

extension HugePages {
    /// Whether guests can be made of them; nil for ordinary pages, of which there is nothing to say.
    package func finding(in tree: HostTree = HostTree()) -> HostChecks.Finding? {
        guard let pageMiB else { return nil }
        let count = count(in: tree)
        guard count.total > 0 else {
            return HostChecks.Finding(
                subject: "guests' memory",
                severity: .error,
                text: "huge_pages is \(rawValue) and the host has none of that size, so no guest has memory; boot with "
                    + "hugepagesz=\(pageMiB)M hugepages=N"
            )
        }
        guard isMounted(in: tree) else {
            return HostChecks.Finding(
                subject: "guests' memory",
                severity: .error,
                text: "libvirt finds no file system for huge pages of \(rawValue); have one mounted at boot, of type "
                    + "hugetlbfs with the option pagesize=\(pageMiB)M, and start libvirtd anew"
            )
        }
        let nodes = countByNode(in: tree).map { "\($0.count.total) on NUMA node \($0.node)" }
        return HostChecks.Finding(
            subject: "guests' memory",
            severity: .ok,
            text: "\(count.total) huge pages of \(rawValue), \(count.free) free"
                + (nodes.isEmpty ? "" : "; " + nodes.joined(separator: ", "))
        )
    }
}
