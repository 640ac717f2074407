// SPDX-License-Identifier: Apache-2.0

/// Strings laid out one after the other, each with its NUL, for C functions that take an array of pointers.
struct CStrings {
    private var bytes: [CChar] = []
    /// Where each begins; nil is a null pointer.
    private var offsets: [Int?] = []

    init(_ strings: [String?]) {
        offsets.reserveCapacity(strings.count)
        bytes.reserveCapacity(strings.reduce(0) { $0 + ($1?.utf8.count ?? 0) + 1 })
        for string in strings {
            guard let string else {
                offsets.append(nil)
                continue
            }
            offsets.append(bytes.count)
            // Copied whole, with its NUL; byte by byte it would be a good part of a statement's cost.
            bytes += string.utf8CString
        }
    }

    /// Lends an array of pointers with a null after the last, valid inside `body` only.
    func withPointers<Value, Failure: Error>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(Failure) in
            var pointers = unsafe offsets.map { offset in
                unsafe offset.flatMap { unsafe buffer.baseAddress?.advanced(by: $0) }
            }
            unsafe pointers.append(nil)
            return try unsafe pointers.withUnsafeBufferPointer { list throws(Failure) in
                guard let base = list.baseAddress else { preconditionFailure("the list holds its end mark") }
                return try unsafe body(base)
            }
        }
    }
}
