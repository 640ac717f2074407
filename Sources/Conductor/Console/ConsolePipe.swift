// SPDX-License-Identifier: Apache-2.0

import AsyncAlgorithms
import NIOCore

/// What goes between a tenant's browser and a machine's display. Each side waits until the other has taken what it sent.
struct ConsolePipe: Sendable {
    private let toDisplay = AsyncChannel<ByteBuffer>()
    private let toBrowser = AsyncChannel<ByteBuffer>()

    /// One end of the pipe.
    struct End: Sendable {
        let incoming: AsyncChannel<ByteBuffer>
        private let outgoing: AsyncChannel<ByteBuffer>

        init(incoming: AsyncChannel<ByteBuffer>, outgoing: AsyncChannel<ByteBuffer>) {
            (self.incoming, self.outgoing) = (incoming, outgoing)
        }

        func send(_ bytes: ByteBuffer) async { await outgoing.send(bytes) }

        /// Nothing goes either way any more.
        func finish() {
            incoming.finish()
            outgoing.finish()
        }
    }

    var browser: End { End(incoming: toBrowser, outgoing: toDisplay) }
    var display: End { End(incoming: toDisplay, outgoing: toBrowser) }
}
