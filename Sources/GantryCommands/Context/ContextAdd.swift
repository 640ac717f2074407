// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

struct ContextAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Remember a cloud with your key, and use it from now on.",
        discussion: """
            The key is asked for, or read from standard input where that is no terminal. It is no argument, since others on \
            the machine can read those.
            """
    )

    @Argument(help: "What you call it. A context of that name is replaced.")
    var name: String

    @Option(help: "The conductor's address, such as https://conductor.example:8443.")
    var url: String

    @Option(
        help: "The PEM file of the cloud's own certificate authority, which is kept with the key.",
        completion: .file(extensions: ["pem", "crt"])
    )
    var authorities: String?

    func validate() throws {
        guard name.contains(where: { $0 != "." }), !name.contains(where: { $0 == "/" || $0 == ":" || $0.isWhitespace })
        else {
            throw ValidationError("“\(name)” is no name for a context; use letters, digits, dots and dashes.")
        }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host != nil else {
            throw ValidationError("“\(url)” is no address such as https://conductor.example:8443.")
        }
    }

    func run() throws {
        let authorities = try authorities.map { try Authorities.read($0, "--authorities") }
        let key = try Self.key()
        var content = try ContextFile.standard.read()
        content.contexts[name] = .init(url: url, apiKey: key, authorities: authorities)
        content.current = name
        try ContextFile.standard.write(content)
        print("Commands are for \(name) from now on.")
    }

    private static func key() throws -> String {
        let isTerminal = isatty(FileHandle.standardInput.fileDescriptor) == 1
        if isTerminal { FileHandle.standardError.write(Data("API key: ".utf8)) }
        let line = isTerminal ? withoutEcho { readLine() } : readLine()
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
        let key = line?.trimmingCharacters(in: .whitespaces) ?? ""
        guard !key.isEmpty else { throw ValidationError("A key is needed; your operator makes you one.") }
        return key
    }

    /// Keeps what is typed off the screen.
    private static func withoutEcho<Value>(_ body: () -> Value) -> Value {
        let input = FileHandle.standardInput.fileDescriptor
        var usual = termios()
        guard tcgetattr(input, &usual) == 0 else { return body() }
        var silent = usual
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(input, TCSAFLUSH, &silent)
        defer { tcsetattr(input, TCSAFLUSH, &usual) }
        return body()
    }
}
