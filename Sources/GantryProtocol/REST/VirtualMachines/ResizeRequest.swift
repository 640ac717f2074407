// SPDX-License-Identifier: Apache-2.0

/// The body of `POST …/resize`.
public struct ResizeRequest: RequestFields {
    public var flavorName: String

    public init(flavorName: String) {
        self.flavorName = flavorName
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case flavorName = "flavor_name"
    }
}
