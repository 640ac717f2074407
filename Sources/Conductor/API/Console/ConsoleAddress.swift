// SPDX-License-Identifier: Apache-2.0

/// The addresses of consoles. The page is noVNC's, as it comes; what leads to the display is in the part of the URL that
/// browsers keep to themselves.
enum ConsoleAddress {
    /// Below it are noVNC's files.
    static let page = "/console"
    private static let socket = page + "/websocket/"

    /// The token in the path of a WebSocket; nil for any other path.
    static func token(in uri: String) -> String? {
        guard uri.hasPrefix(socket) else { return nil }
        let token = uri.dropFirst(socket.count)
        return token.isEmpty || token.contains(where: { "/?#".contains($0) }) ? nil : String(token)
    }

    /// The page for a browser.
    ///
    /// - Parameters:
    ///   - base: The API's address.
    ///   - token: Opens the console once.
    /// - Returns: A whole URL.
    static func page(_ base: String, token: String) -> String {
        let root = base.hasSuffix("/") ? String(base.dropLast()) : base
        // noVNC writes the path's first slash itself.
        return "\(root)\(page)/vnc.html#autoconnect=true&resize=scale&path=\(socket.dropFirst())\(token)"
    }
}
