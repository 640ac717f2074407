// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

@testable import Agent

@Suite("Huge pages are counted, in all and by NUMA node")
struct HugePagesTests {
    private func write(_ text: String, _ path: String) throws {
        let directory = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func reserve(_ total: Int, _ free: Int, _ directory: String) throws {
        try write("\(total)\n", "\(directory)/nr_hugepages")
        try write("\(free)\n", "\(directory)/free_hugepages")
    }

    @Test("Those of the size that is configured count, and the host's other pages do not")
    func counts() async throws {
        try await withTemporaryDirectory { root in
            let tree = HostTree(root: root)
            try reserve(100, 60, "\(root)/sys/kernel/mm/hugepages/hugepages-1048576kB")
            try reserve(7, 7, "\(root)/sys/kernel/mm/hugepages/hugepages-2048kB")
            for (node, free) in [(0, 50), (1, 10)] {
                try reserve(50, free, "\(root)/sys/devices/system/node/node\(node)/hugepages/hugepages-1048576kB")
            }
            #expect(HugePages.gib1.count(in: tree) == HugePages.Count(total: 100, free: 60))
            #expect(HugePages.mib2.count(in: tree) == HugePages.Count(total: 7, free: 7))
            #expect(HugePages.ordinary.count(in: tree) == HugePages.Count(total: 0, free: 0))
            #expect(HugePages.gib1.countByNode(in: tree).map(\.node) == [0, 1])
            #expect(HugePages.gib1.countByNode(in: tree).map(\.count.free) == [50, 10])
            let unmounted = try #require(HugePages.gib1.finding(in: tree))
            #expect(unmounted.severity == .error && unmounted.text.contains("pagesize=1024M"))
            try write("none /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n", "\(root)/proc/mounts")
            #expect(HugePages.gib1.finding(in: tree)?.severity == .error)
            let small = try #require(HugePages.mib2.finding(in: tree))
            #expect(small.severity == .ok && small.text.hasPrefix("7 huge pages of 2MiB, 7 free"))
            try write("none /huge hugetlbfs rw,relatime,pagesize=1024M 0 0\n", "\(root)/proc/mounts")
            let large = try #require(HugePages.gib1.finding(in: tree))
            #expect(large.text == "100 huge pages of 1GiB, 60 free; 50 on NUMA node 0, 50 on NUMA node 1")
        }
    }

    @Test("A host without any says how to get them; ordinary pages need nothing")
    func none() async throws {
        try await withTemporaryDirectory { root in
            let missing = try #require(HugePages.gib1.finding(in: HostTree(root: root)))
            #expect(missing.severity == .error && missing.text.contains("hugepagesz=1024M"))
            #expect(HugePages.ordinary.finding(in: HostTree(root: root)) == nil)
        }
    }
}
