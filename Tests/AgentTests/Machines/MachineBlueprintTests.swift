// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Testing

@testable import Agent

@Suite("What a machine is built from")
struct MachineBlueprintTests {
    let machine = Example.blueprint()

    @Test("Its digests do not change from one process to the next")
    func stable() {
        #expect(machine.domainDigest.count == 32)
        #expect(machine.domainDigest == Example.blueprint().domainDigest)
        #expect(Example.blueprint(generation: 7).domainDigest == machine.domainDigest)
    }

    @Test("A floating IP or a rule changes the network alone")
    func network() throws {
        var spec = machine.spec
        spec.network.floatingIP = try IPv4Address("192.0.2.77")
        let changed = Example.blueprint(spec: spec)
        #expect(changed.networkDigest != machine.networkDigest)
        #expect(changed.domainDigest == machine.domainDigest)
        #expect(changed.seedDigest == machine.seedDigest)
    }

    @Test("Another size changes the domain alone")
    func size() {
        var spec = machine.spec
        spec.resources.memoryMiB += 1
        let changed = Example.blueprint(spec: spec)
        #expect(changed.domainDigest != machine.domainDigest)
        #expect(changed.networkDigest == machine.networkDigest)
        #expect(changed.seedDigest == machine.seedDigest)
    }
}
