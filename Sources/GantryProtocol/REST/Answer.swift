// SPDX-License-Identifier: Apache-2.0

/// What answers show one or a list of, under a key of its own.
public protocol AnswerContent: Codable, Sendable {
    /// The key of one, such as `environment`.
    static var singular: String { get }
    /// The key of a list, such as `environments`.
    static var plural: String { get }
}

/// An answer with one thing: `{"status": true, "message": "…", "environment": {…}}`.
public struct Answer<Content: AnswerContent>: Codable, Sendable {
    public var status = true
    public var message: String
    public var content: Content

    public init(_ content: Content, message: String) {
        (self.content, self.message) = (content, message)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EnvelopeKey.self)
        status = try container.decode(Bool.self, forKey: .status)
        message = try container.decode(String.self, forKey: .message)
        content = try container.decode(Content.self, forKey: EnvelopeKey(Content.singular))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EnvelopeKey.self)
        try container.encode(status, forKey: .status)
        try container.encode(message, forKey: .message)
        try container.encode(content, forKey: EnvelopeKey(Content.singular))
    }
}

/// An answer with a page of things.
public struct PageAnswer<Content: AnswerContent>: Codable, Sendable {
    public var status = true
    public var message: String
    /// Null when the client named none, and the list is whole.
    public var page: Int?
    public var pageSize: Int?
    /// How many all pages have together.
    public var count: Int
    public var contents: [Content]

    public init(_ contents: [Content], count: Int, page: Int?, pageSize: Int?, message: String) {
        (self.contents, self.count, self.page, self.pageSize) = (contents, count, page, pageSize)
        self.message = message
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EnvelopeKey.self)
        status = try container.decode(Bool.self, forKey: .status)
        message = try container.decode(String.self, forKey: .message)
        page = try container.decode(Int?.self, forKey: .page)
        pageSize = try container.decode(Int?.self, forKey: .pageSize)
        count = try container.decode(Int.self, forKey: .count)
        contents = try container.decode([Content].self, forKey: EnvelopeKey(Content.plural))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EnvelopeKey.self)
        try container.encode(status, forKey: .status)
        try container.encode(message, forKey: .message)
        try container.encode(page, forKey: .page)
        try container.encode(pageSize, forKey: .pageSize)
        try container.encode(count, forKey: .count)
        try container.encode(contents, forKey: EnvelopeKey(Content.plural))
    }
}

/// A key of the envelope; that of the content depends on what it is.
private struct EnvelopeKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    static let status = EnvelopeKey("status")
    static let message = EnvelopeKey("message")
    static let page = EnvelopeKey("page")
    static let pageSize = EnvelopeKey("page_size")
    static let count = EnvelopeKey("count")

    init(_ text: String) {
        stringValue = text
    }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
}
