// SPDX-License-Identifier: Apache-2.0

/// The series of one metric name.
struct MetricFamily: Sendable {
    enum Kind: String {
        case counter, gauge, histogram
    }

    let kind: Kind
    /// By their labels as text, such as `route="/a",code="200"`.
    private var members: [String: MetricSeries] = [:]

    init(kind: Kind) {
        self.kind = kind
    }

    /// The series with these labels, made when there is none.
    mutating func series(_ labels: String) -> MetricSeries {
        if let known = members[labels] { return known }
        let new = MetricSeries(kind: kind)
        members[labels] = new
        return new
    }

    mutating func remove(_ handler: AnyObject) {
        members = members.filter { $0.value !== handler }
    }

    func text(name: String, help: String?) -> String {
        guard !members.isEmpty else { return "" }
        let lines = members.sorted { $0.key < $1.key }.map { $0.value.text(name: name, labels: $0.key) }
        let head = help.map { "# HELP \(name) \($0)\n" } ?? ""
        return head + "# TYPE \(name) \(kind.rawValue)\n" + lines.joined()
    }
}
