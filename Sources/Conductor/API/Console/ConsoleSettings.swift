// SPDX-License-Identifier: Apache-2.0

/// How tenants reach machines' displays.
package struct ConsoleSettings: Sendable {
    package static let usualDirectory = "/usr/share/novnc"

    /// The API's address for browsers; nil for that of the request.
    package var publicURL: String?
    /// This conductor's own address for agents; nil where the one that they know leads here.
    package var ownURL: String?
    /// The files of noVNC, the VNC client that runs in a browser.
    package var noVNCDirectory: String

    package init(publicURL: String? = nil, ownURL: String? = nil, noVNCDirectory: String = usualDirectory) {
        (self.publicURL, self.ownURL, self.noVNCDirectory) = (publicURL, ownURL, noVNCDirectory)
    }
}
