// SPDX-License-Identifier: Apache-2.0

/// The version of what conductor and agents say to each other.
///
/// New optional fields do not change it, since unknown fields are ignored; a change of meaning does.
public enum ProtocolVersion {
    public static let current = 1
}
