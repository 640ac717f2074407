// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ

extension amqp_table_t {
    /// The table's entries that hold text; others, such as the list of all deaths, are left out.
    var texts: [String: String] {
        var texts: [String: String] = [:]
        for index in unsafe 0..<Int(num_entries) {
            let entry = unsafe entries[index]
            guard unsafe entry.value.kind == UInt8(AMQP_FIELD_KIND_UTF8.rawValue) else { continue }
            unsafe texts[entry.key.string] = unsafe entry.value.value.bytes.string
        }
        return texts
    }
}
