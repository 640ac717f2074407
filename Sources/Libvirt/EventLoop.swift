// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation

/// libvirt's event loop, which must be registered before the first connection is opened (libvirt API, virEvent).
enum EventLoop {
    /// Starts the loop and silences libvirt's printing of errors, once a process.
    static let started: Void = {
        unsafe virSetErrorFunc(nil) { _, _ in }
        guard virInitialize() == 0, virEventRegisterDefaultImpl() == 0 else { return }
        let thread = Thread {
            while virEventRunDefaultImpl() == 0 {}
        }
        thread.name = "libvirt-events"
        thread.start()
    }()
}
