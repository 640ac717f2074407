// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import Testing

@Suite("A domain's mark says what it was defined for")
struct MachineMarkTests {
    @Test("It is read back")
    func readBack() throws {
        let mark = MachineMark(try Example.task(generation: 12, boot: 3))
        #expect(MachineMark(element: mark.xml.text) == mark)
        #expect((mark.machineID, mark.generation, mark.bootCounter) == (VirtualMachineID(7), Generation(12), 3))
    }

    @Test("It goes through libvirt")
    func libvirt() async throws {
        let mark = MachineMark(try Example.task())
        let domain = """
            <domain type='test'><name>m</name><metadata>\(mark.xml.text)</metadata>
            <memory>65536</memory><os><type>hvm</type></os></domain>
            """
        let said = try await AgentTests.libvirt("define FILE; metadata m \(MachineMark.namespace)", domain)
        let elements = said.split(separator: "\n").filter { $0.contains("machine") }.map(String.init)
        #expect(elements.compactMap { MachineMark(element: $0) } == [mark])
    }

    @Test("The digest changes with each part of the specification that can change, and with nothing else")
    func digest() throws {
        let base = try Example.spec()
        let others = [
            try Example.spec(name: "other"), try Example.spec(keys: []), try Example.spec(floatingIP: "192.0.2.7"),
            try Example.spec(rules: [Example.rule("tcp")]), try Example.spec(index: 8),
        ]
        #expect(MachineMark.digest(of: base) == MachineMark.digest(of: try Example.spec()))
        #expect(Set((others + [base]).map(MachineMark.digest(of:))).count == others.count + 1)
    }

    @Test(
        "What is not ours or is cut short is no mark",
        arguments: [
            "", "<machine/>", "<machine id='7' generation='1' boot='1'",
            "<machine id='x' generation='1' boot='1' spec='a'/>",
        ]
    )
    func foreign(_ element: String) {
        #expect(MachineMark(element: element) == nil)
    }
}
