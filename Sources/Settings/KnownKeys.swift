// SPDX-License-Identifier: Apache-2.0

/// The keys of a program, and which of them somebody had in mind.
struct KnownKeys {
    private let keys: [String]
    private let groups: Set<String>

    init(_ keys: [String]) {
        self.keys = keys
        groups = Set(keys.compactMap { $0.contains(".") ? String($0.prefix { $0 != "." }) : nil })
    }

    /// What is wrong with a key in a file; nil for nothing.
    func complaint(of key: String, isNull: Bool) -> String? {
        if keys.contains(key) || (isNull && groups.contains(key)) { return nil }
        if groups.contains(key) { return "\(key): keys belong below it, such as \(example(of: key))." }
        return "\(key) is no key.\(suggestion(key, \.self))"
    }

    /// What is wrong with an environment variable. The command line, the other program and operators have variables with
    /// the same beginning, so that only one that is nearly a key counts as meant for one.
    func complaint(ofVariable variable: String) -> String? {
        let names = keys.map(SettingsSources.variable)
        guard !names.contains(variable), names.contains(where: { editDistance($0, variable) <= 2 }) else { return nil }
        return "The environment variable \(variable) is no setting.\(suggestion(variable, SettingsSources.variable))"
    }

    private func example(of group: String) -> String { keys.first { $0.hasPrefix(group + ".") } ?? group }

    /// The nearest key, where it is near enough that somebody may have meant it.
    private func suggestion(_ said: String, _ name: (String) -> String) -> String {
        let nearest = keys.map { (name: name($0), distance: editDistance(name($0), said)) }
            .min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= said.count / 2 else { return "" }
        return " Did you mean \(nearest.name)?"
    }
}

/// How many characters have to be put in, left out, changed or swapped with their neighbour to make one of the other
/// (optimal string alignment).
private func editDistance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first), Array(second))
    var rows = [Array(0...second.count)]
    for i in 0..<first.count {
        var row = [i + 1]
        for j in 0..<second.count {
            var cost = min(rows[i][j] + (first[i] == second[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
                cost = min(cost, rows[i - 1][j - 1] + 1)
            }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[first.count][second.count]
}
