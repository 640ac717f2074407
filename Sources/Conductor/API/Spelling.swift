// SPDX-License-Identifier: Apache-2.0

/// Finds what a misspelt word was meant to be.
enum Spelling {
    /// The candidate that the fewest changes of one letter lead to; nil when even that one is far off.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let best = candidates.map { ($0, distance(Array(word), Array($0))) }.min { $0.1 < $1.1 }
        guard let (candidate, distance) = best, distance <= max(2, candidate.count / 3) else { return nil }
        return candidate
    }

    /// Levenshtein's distance.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let changed = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
