// SPDX-License-Identifier: Apache-2.0

/// Strings laid out one after the other, each with its NUL, for C functions that take an array of pointers.
struct CStrings {
    private var bytes: [CChar] = []
    /// Where each begins; nil is a null pointer.
    private var offsets: [Int?] = []

    init(_ strings: [String?]) {
        offsets.reserveCapacity(strings.count)
        for string in strings {
            guard let string else {
                offsets.append(nil)
                continue
            }
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.utf8.lazy.map { CChar(bitPattern: $0) })
            bytes.append(0)
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
