// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A Prometheus of the test's own that watches a conductor by the rules that operators get.
struct TestPrometheus {
    private let process: ProgramProcess
    private let address: String

    init(of conductor: TestConductor, folder: String) async throws {
        let port = try await TestConductor.freePort()
        address = "127.0.0.1:\(port)"
        let configuration = """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: [\(Repository.path("Packaging/prometheus/gantry.rules.yml"))]
            scrape_configs:
              - job_name: gantry-conductor
                static_configs: [{targets: ['127.0.0.1:\(conductor.statusPort)']}]

            """
        try configuration.write(toFile: "\(folder)/prometheus.yml", atomically: true, encoding: .utf8)
        process = try ProgramProcess(
            [
                "/usr/bin/prometheus", "--config.file=\(folder)/prometheus.yml",
                "--storage.tsdb.path=\(folder)/prometheus", "--web.listen-address=\(address)",
            ],
            environment: [:],
            log: "\(folder)/prometheus.log"
        )
    }

    /// The value of a query that has one; nil of none.
    func value(of query: String) async throws -> String? {
        let answer = try await run(
            "curl",
            ["-sfG", "http://\(address)/api/v1/query", "--data-urlencode", "query=\(query)"]
        )
        guard answer.status == 0 else { return nil }
        let body = try JSONDecoder().decode(Answer.self, from: Data(answer.text.utf8))
        return body.data.result.count == 1 ? body.data.result[0].value.last?.text : nil
    }

    func end() async throws { try await process.kill() }

    private struct Answer: Decodable {
        let data: Content

        struct Content: Decodable { let result: [Series] }

        struct Series: Decodable { let value: [Element] }
    }

    /// A time, which is a number, or a value, which is text.
    private struct Element: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }
}
