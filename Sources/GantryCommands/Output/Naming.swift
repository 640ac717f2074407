// SPDX-License-Identifier: Apache-2.0

import GantryClient

/// Finds what a person names by id or by name.
///
/// - Throws: ``ClientError`` that says what to do where none or several have the name.
func find<Thing>(
    _ word: String,
    in things: [Thing],
    _ noun: String,
    id: (Thing) -> Int64,
    name: (Thing) -> String
) throws(ClientError) -> Thing {
    // A name that is all digits is looked for when nothing has that id.
    if let number = Int64(word), let thing = things.first(where: { id($0) == number }) { return thing }
    let named = things.filter { name($0) == word }
    guard let thing = named.first else {
        throw .refused(404, "not_found", "There is no \(noun) “\(word)”; gantry \(noun) list shows what there is.")
    }
    guard named.count == 1 else {
        let ids = named.map { "\(id($0))" }.joined(separator: ", ")
        throw .refused(409, "ambiguous", "There are several of the \(noun) “\(word)”; use one's id: \(ids).")
    }
    return thing
}

/// Finds what a person names: by asking for the id, then by looking for the name among those that may have it.
///
/// - Throws: ``ClientError`` that says what to do where none or several have the name.
func find<Thing>(
    _ word: String,
    _ noun: String,
    byID: (Int64) async throws(ClientError) -> Thing,
    among things: (String) async throws(ClientError) -> [Thing],
    id: (Thing) -> Int64,
    name: (Thing) -> String
) async throws(ClientError) -> Thing {
    if let number = Int64(word), number > 0 {
        do {
            return try await byID(number)
        } catch .refused(status: 404, _) {
            // A name may be all digits too.
        }
    }
    return try find(word, in: try await things(word), noun, id: id, name: name)
}
