// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// Runs words of virsh on libvirt's own test driver, a hypervisor in memory that checks documents like any other.
///
/// - Parameters:
///   - words: Separated by semicolons; `FILE` is where the document is.
///   - document: The XML.
/// - Returns: what virsh said.
/// - Throws: when a word failed.
func libvirt(_ words: String, _ document: String) async throws -> String {
    try await withTemporaryDirectory { folder in
        try document.write(toFile: "\(folder)/document.xml", atomically: true, encoding: .utf8)
        let words = words.replacing("FILE", with: "\(folder)/document.xml")
        return try await shell("virsh", "-q", "-c", "test:///default", words)
    }
}
