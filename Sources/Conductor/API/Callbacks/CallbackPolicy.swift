// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// What tenants may name as callback URLs.
package struct CallbackPolicy: Sendable, Hashable {
    /// Whether callbacks may go to addresses that are not on the Internet: for tests and closed clouds.
    package var allowsPrivate: Bool

    package init(allowsPrivate: Bool = false) {
        self.allowsPrivate = allowsPrivate
    }

    /// Checks what the text alone can tell.
    ///
    /// - Parameters:
    ///   - text: as the tenant wrote it.
    ///   - field: what its complaint names.
    /// - Returns: the same text.
    /// - Throws: ``APIError`` for what is no http(s) URL, or one of an address that is not public.
    func check(_ text: String, _ field: String) throws(APIError) -> String {
        let target: CallbackTarget
        do throws(InvalidValue) {
            target = try CallbackTarget(text)
        } catch {
            throw .invalid(field, error.description)
        }
        guard allowsPrivate || target.mayBePublic else {
            throw .invalid(field, "\(target.host) is not a public address; callbacks go to public addresses alone.")
        }
        return text
    }
}
