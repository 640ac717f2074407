// SPDX-License-Identifier: Apache-2.0

/// What the three programs are, as they and their packages say it.
public enum GantryVersion {
    /// The newest entry of `Packaging/debian/changelog`.
    public static let current = "0.1.0"
}
