// SPDX-License-Identifier: Apache-2.0

/// The body of `POST …/attach-floatingip`, which is sent where another machine's address is wanted.
public struct AttachFloatingIPRequest: RequestFields {
    /// The address of another machine; nil for a free one.
    public var floatingIP: String?
    /// Whether that machine may lose it.
    public var allowReassociation: Bool?

    public init(floatingIP: String? = nil, allowReassociation: Bool? = nil) {
        (self.floatingIP, self.allowReassociation) = (floatingIP, allowReassociation)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case floatingIP = "floating_ip"
        case allowReassociation = "allow_reassociation"
    }
}
