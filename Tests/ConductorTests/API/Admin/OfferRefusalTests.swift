// SPDX-License-Identifier: Apache-2.0

import Conductor
import HTTPTypes
import Postgres
import Testing

@Suite("What operators cannot offer is named, and leaves no row")
struct OfferRefusalTests {
    @Test("A region that cannot be")
    func badRegions() async throws {
        try await TestAPI.with { api in
            try await api.refuses(
                [
                    ("{}", .badRequest, "name is missing"), (#"{"name":""}"#, .badRequest, "name: it is empty"),
                    (#"{"name":"TEST-1"}"#, .conflict, "There is a region of that name"),
                    (#"{"name":"X","network":"10.0.0.0"}"#, .badRequest, "network: “10.0.0.0” is not a network"),
                    (#"{"name":"X","network":"10.0.0.1/8"}"#, .badRequest, "network: 10.0.0.1/8 has host bits"),
                    (#"{"name":"X","network":"fd00::/8"}"#, .badRequest, "network: “fd00::” is not an IPv4"),
                    (#"{"name":"X","network":"0.0.0.0/0"}"#, .badRequest, "network: 0.0.0.0/0 and 0.0.0.0/8 overlap"),
                    (#"{"name":"X","network":"169.254.169.0/24"}"#, .badRequest, "network: 169.254.169.0/24 and"),
                    (#"{"name":"X","environment_prefix":15}"#, .badRequest, "environment_prefix: it is 15"),
                    (#"{"name":"X","environment_prefix":30}"#, .badRequest, "environment_prefix: it is 30"),
                    (#"{"name":"X","network":"10.0.0.0/24"}"#, .badRequest, "environment_prefix: an environment's"),
                    (
                        #"{"name":"X","environment_prefix":9223372036854775808}"#, .badRequest,
                        "environment_prefix: the number"
                    ),
                    (#"{"name":"X","country":"a\u0000"}"#, .badRequest, "country: it holds a control character"),
                ],
                "regions",
                rows: "SELECT count(*) AS number FROM region"
            )
            try await api.refuses(
                [
                    (#"{"name":""}"#, .badRequest, "name: it is empty"),
                    (#"{"network":"203.0.113.0/24"}"#, .badRequest, "environment_prefix: an environment's"),
                    (
                        #"{"network":"203.0.112.0/22"}"#, .conflict,
                        "network: floating IP pool “public” has addresses of it"
                    ),
                ],
                "regions/\(api.cloud.region)",
                rows: "SELECT count(*) AS number FROM region WHERE network = '10.0.0.0/8' AND name = 'TEST-1'",
                method: .patch
            )
        }
    }

    @Test("A flavor that cannot be")
    func badFlavors() async throws {
        func flavor(_ change: String, _ value: String) -> String {
            var fields = [
                "region": #""TEST-1""#, "name": #""x""#, "vcpus": "1", "memory_mib": "512", "disk_gib": "5",
            ]
            fields[change] = value
            return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        }
        let cases: [(String, HTTPResponse.Status, String)] = [
            (flavor("name", #""""#), .badRequest, "name: it is empty"),
            (flavor("name", #""small""#), .conflict, "Region TEST-1 has a flavor named “small”"),
            (flavor("region", #""X""#), .notFound, "region: there is no region “X”"),
            (flavor("vcpus", "0"), .badRequest, "vcpus: it is 0"),
            (flavor("vcpus", "1025"), .badRequest, "vcpus: it is 1025"),
            (flavor("vcpus", "1.5"), .badRequest, "vcpus: the number cannot be"),
            (flavor("vcpus", "null"), .badRequest, "vcpus has to be"),
            (flavor("memory_mib", "63"), .badRequest, "memory_mib: it is 63"),
            (flavor("disk_gib", "-1"), .badRequest, "disk_gib: it is -1"),
            (flavor("gpu_count", "1"), .badRequest, "gpu_count: a type of GPU and a number"),
            (flavor("gpu_type", #""H100""#), .badRequest, "gpu_count: a type of GPU and a number"),
            (flavor("gpu_count", "65"), .badRequest, "gpu_count: it is 65"),
            (flavor("stop_policy", #""free""#), .badRequest, "stop_policy: “free” is neither keep nor release."),
            (flavor("gpus", "1"), .badRequest, "gpus: there is no such field"),
        ]
        try await TestAPI.with { api in
            try await api.refuses(cases, "flavors", rows: "SELECT count(*) AS number FROM flavor")
        }
    }

    @Test("An image that cannot be")
    func badImages() async throws {
        func image(_ change: String, _ value: String) -> String {
            var fields = [
                "region": "TEST-1", "name": "x", "url": "file:///x", "sha256": String(repeating: "a", count: 64),
                "format": "qcow2",
            ]
            fields[change] = value
            return "{" + fields.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}"
        }
        var cases: [(String, HTTPResponse.Status, String)] = [
            (image("name", ""), .badRequest, "name: it is empty"),
            (image("name", "micro"), .conflict, "Region TEST-1 has an image named “micro”"),
            (image("region", "X"), .notFound, "region: there is no region “X”"),
            (image("sha256", "abc"), .badRequest, "sha256: “abc” is not a SHA-256 digest"),
            (image("format", "vmdk"), .badRequest, "format: “vmdk” is neither qcow2 nor raw"),
            (image("size", "7"), .badRequest, "size has to be a whole number"),
            ("{}", .badRequest, "region is missing"),
        ]
        for url in [
            "", "x", "ftp://host/x", "http://", "http:///x", "file://host/x", "file:x", "file:x y", "https://h/ü",
            "javascript:x",
        ] {
            cases.append((image("url", url), .badRequest, "url: "))
        }
        let all = cases
        try await TestAPI.with { api in
            try await api.refuses(all, "images", rows: "SELECT count(*) AS number FROM image")
        }
    }

    @Test("A pool that cannot be")
    func badPools() async throws {
        func pool(_ name: String, _ network: String, region: String = "TEST-1") -> String {
            #"{"name":"\#(name)","network":"\#(network)","region":"\#(region)"}"#
        }
        let cases: [(String, HTTPResponse.Status, String)] = [
            (pool("", "198.51.100.0/24"), .badRequest, "name: it is empty"),
            (pool("public", "198.51.100.0/24"), .conflict, "There is a floating IP pool named “public”"),
            (pool("x", "203.0.113.128/25"), .conflict, "network: another floating IP pool has addresses"),
            (pool("x", "203.0.0.0/16"), .conflict, "network: another floating IP pool has addresses"),
            (pool("x", "10.1.0.0/24"), .conflict, "network: environments of region TEST-1 have"),
            (pool("x", "198.0.0.0/15"), .badRequest, "network: 198.0.0.0/15 has 131072 addresses"),
            (pool("x", "127.0.0.0/24"), .badRequest, "network: 127.0.0.0/24 and 127.0.0.0/8 overlap"),
            (pool("x", "198.51.100.1/24"), .badRequest, "network: 198.51.100.1/24 has host bits"),
            (pool("x", "198.51.100.0/24", region: "X"), .notFound, "region: there is no region “X”"),
        ]
        try await TestAPI.with { api in
            try await api.refuses(
                cases,
                "floating-ip-pools",
                rows: "SELECT (SELECT count(*) FROM floating_ip) + (SELECT count(*) FROM floating_ip_pool) AS number"
            )
        }
    }
}
