// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import Testing

@Suite("An environment's network is written as XML that libvirt takes")
struct EnvironmentNetworkTests {
    @Test("One bridge, DHCP for the listed hosts alone, no rules of libvirt's")
    func golden() async throws {
        let xml = EnvironmentNetwork.xml(try Example.spec().network).text
        try await expectGolden(xml, "network.xml")
        _ = try await libvirt("net-define --validate FILE; net-start gantry-env-3", xml)
    }

    @Test("Our networks are told from others by their names")
    func names() {
        let environment = EnvironmentID(42)
        #expect(EnvironmentNetwork.environment(ofNetwork: EnvironmentNetwork.name(of: environment)) == environment)
        for other in ["default", "gantry-env-", "gantry-env-x", "my-gantry-env-42"] {
            #expect(EnvironmentNetwork.environment(ofNetwork: other) == nil)
        }
    }

    @Test("A bridge's name fits into a device name for environments up to 999 billion")
    func bridge() {
        #expect(EnvironmentNetwork.bridge(of: EnvironmentID(999_999_999_999)).utf8.count == 15)
    }
}
