// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Testing

@Suite("What conductor and agents say to each other keeps its form, so that they may be of different age")
struct NodeMessagesTests {
    private static let task = #"""
        {"boot_counter":2,"generation":5,"jobs":[],"machine_id":7,"node":"n1","power":"running","protocol_version":1,\#
        "request_id":"deploy-42","spec":{"authorized_keys":["ssh-ed25519 AAAA it's \"one\""],"gpus":[{"address":"10001:65:00.0","claim":3,\#
        "functions":[{"address":"10001:65:00.0","class":"0302","pci_id":"10de:2330","subsystem_id":"10de:16c1"}]}],\#
        "hostname":"web","image":{"format":"qcow2","name":"debian","sha256":"\#
        \#(String(repeating: "ab", count: 32))","url":"https://images.example/debian"},"name":"it's <web>","network":{\#
        "address":"10.3.0.7","environment_id":3,"floating_ip":"192.0.2.7","mac":"02:00:00:00:03:07",\#
        "subnet":"10.3.0.0/24"},"resources":{"disk_gib":10,"memory_mib":2048,"vcpus":2},"security_rules":[{\#
        "direction":"ingress","ethertype":"IPv4","ports":[22,23],"protocol":"tcp","remote":"0.0.0.0/0"}],\#
        "user_data":"H4sA/wo=","volumes":[{"is_new":true,"is_root":false,"pool":"local","size_gib":10,\#
        "uuid":"00000000-0000-4000-8000-000000000009"}]},"task_id":"00000000-0000-4000-8000-000000000001",\#
        "uuid":"00000000-0000-4000-8000-000000000007"}
        """#

    private static let report = #"""
        {"boot_id":"b","collected_at":"2026-01-02T03:04:05Z","complete":false,"epoch":3,"hypervisor_reachable":true,\#
        "inventory":{"agent_version":"1","fabric_partitions":[],\#
        "gpus":[{"address":"0000:65:00.0","claim":3,"cleaning":"flr","condition":"faulty",\#
        "functions":[{"address":"0000:65:00.0","class":"0302","pci_id":"10de:2330","subsystem_id":"10de:16c1"}],\#
        "gpu_type":"H100","iommu_group":12,"model":"GH100","numa_node":1,"reason":"it does not reset"}],\#
        "hypervisor_version":"9.0.0",\#
        "reserved":{"disk_gib":5,"memory_mib":512,"vcpus":0},\#
        "storage_pools":[{"kind":"shared","name":"fast"}],"total":{"disk_gib":100,"memory_mib":24105,"vcpus":2},\#
        "virt_type":"qemu"},"machines":[{"activity":{"percent":40,"step":"image"},"applied_generation":4,\#
        "boot_counter":1,"fault":{"code":"image_unreachable","message":"No."},"floating_ip_wired":true,\#
        "guest_shut_down":false,"orphan":false,"power":"running","uuid":"00000000-0000-4000-8000-000000000007"}],\#
        "problems":["no disk"],"protocol_version":1,"removed_volumes":["00000000-0000-4000-8000-000000000009"],\#
        "sequence":9}
        """#

    @discardableResult
    private func roundTrip<Value: Codable & Hashable>(_ json: String, _ type: Value.Type) throws -> Value {
        let value = try NodeJSON.decoder.decode(Value.self, from: Data(json.utf8))
        let data = try NodeJSON.encoder.encode(value)
        #expect(String(decoding: data, as: UTF8.self) == json)
        return value
    }

    private func task(_ json: String) throws -> MachineTask {
        try NodeJSON.decoder.decode(MachineTask.self, from: Data(json.utf8))
    }

    private func report(_ json: String) throws -> NodeReport {
        try NodeJSON.decoder.decode(NodeReport.self, from: Data(json.utf8))
    }

    /// The message with an unknown field in it and in all objects below.
    private func extended(_ json: String) -> String {
        json.replacing("{\"", with: "{\"of_tomorrow\":{\"a\":[1,null]},\"")
    }

    @Test("Metrics, to the byte, without what is not known")
    func metrics() throws {
        let json = #"""
            {"machines":[{"cpu_time":1041433070000000,"disk_read":1,"disk_written":2,"memory":134217728,"network_in":3,\#
            "network_out":4,"uuid":"00000000-0000-4000-8000-000000000007"},\#
            {"uuid":"00000000-0000-4000-8000-000000000008"}],"protocol_version":1}
            """#
        #expect(try roundTrip(json, NodeMetrics.self).machines.map(\.cpuTime) == [1_041_433_070_000_000, nil])
        #expect(try NodeJSON.decoder.decode(NodeMetrics.self, from: Data(extended(json).utf8)).machines.count == 2)
    }

    @Test("A task, to the byte")
    func task() throws {
        let task = try roundTrip(Self.task, MachineTask.self)
        #expect(task.spec?.userData == Data([0x1F, 0x8B, 0, 255, 10]))
        #expect(task.spec?.securityRules.first?.ports == 22...23)
        #expect(task.spec?.gpus.first?.address.domain == 0x10001)
    }

    @Test("A report, to the byte")
    func report() throws {
        let report = try roundTrip(Self.report, NodeReport.self)
        #expect(report.machines.first?.fault?.code == .imageUnreachable)
        #expect(report.collectedAt == Date(timeIntervalSince1970: 1_767_323_045))
    }

    @Test("Fields of tomorrow are ignored, at every depth")
    func unknownFields() throws {
        #expect(try task(extended(Self.task)) == task(Self.task))
        #expect(try report(extended(Self.report)) == report(Self.report))
    }

    @Test("A version of tomorrow is read, so that it can be refused by its number")
    func version() throws {
        let newer = Self.task.replacing("\"protocol_version\":1", with: "\"protocol_version\":2")
        #expect(try task(newer).protocolVersion == 2)
        #expect(ProtocolVersion.current == 1)
    }

    @Test("A task for absence needs no specification; what is optional may be left out")
    func least() throws {
        let json = #"""
            {"boot_counter":0,"generation":6,"jobs":[],"machine_id":7,"node":"n1","power":"absent","protocol_version":1,\#
            "task_id":"00000000-0000-4000-8000-000000000001","uuid":"00000000-0000-4000-8000-000000000007"}
            """#
        #expect(try roundTrip(json, MachineTask.self).spec == nil)
        let machine = #"""
            {"applied_generation":6,"boot_counter":0,"floating_ip_wired":false,"guest_shut_down":false,"orphan":false,\#
            "power":"absent","uuid":"00000000-0000-4000-8000-000000000007"}
            """#
        #expect(try roundTrip(machine, MachineReport.self).activity == nil)
    }

    @Test(
        "What is no task is refused, not guessed at",
        arguments: [
            ("\"power\":\"running\"", "\"power\":\"flying\""), ("\"node\":\"n1\"", "\"node\":\"N 1\""),
            ("\"generation\":5", "\"generation\":\"5\""), ("10.3.0.0/24", "10.3.0.1/24"), ("\"tcp\"", "6"),
            ("\"H4sA/wo=\"", "\"not Base64!\""), ("[22,23]", "[23,22]"), ("\"boot_counter\":2,", ""),
        ]
    )
    func wrong(_ part: String, _ other: String) {
        let json = Self.task.replacing(part, with: other)
        #expect(json != Self.task)
        #expect(throws: DecodingError.self) { try task(json) }
    }

    @Test("A session, its answer, what is wanted and a receipt, to the byte")
    func session() throws {
        let inventory = #"""
            {"agent_version":"1","fabric_partitions":[{"active":true,"gpus":["0000:65:00.0"],"id":7}],"gpus":[],\#
            "hypervisor_version":"9.0.0","memory_page_mib":1024,\#
            "reserved":{"disk_gib":0,"memory_mib":0,"vcpus":0},\#
            "storage_pools":[],"total":{"disk_gib":1,"memory_mib":2,"vcpus":3},"virt_type":"kvm"}
            """#
        let request = #"""
            {"boot_id":"b","hostname":"h","inventory":\#(inventory),"last_epoch":3,"machines":[{"gpus":["0000:65:00.0"],\#
            "name":"web","resources":{"disk_gib":1,"memory_mib":2,"vcpus":3},"running":true,\#
            "uuid":"00000000-0000-4000-8000-000000000007","volumes":[]},\#
            {"gpus":[],"running":false,"uuid":"00000000-0000-4000-8000-000000000008","volumes":[]}],\#
            "protocol_version":1,"removed_machines":["00000000-0000-4000-8000-000000000009"]}
            """#
        try roundTrip(request, NodeSessionRequest.self)
        let answer = #"""
            {"abandoned":[\#(Self.task)],"desired_interval":60,"epoch":4,"floating_ip_pools":["192.0.2.0/24"],\#
            "node_id":2,"queue":"gantry.node.n1","report_interval":10}
            """#
        try roundTrip(answer, NodeSession.self)
        try roundTrip(#"{"floating_ip_pools":[],"machines":[\#(Self.task)],"revision":8}"#, DesiredState.self)
        let volume = #"{"pool":"fast","uuid":"00000000-0000-4000-8000-000000000009"}"#
        try roundTrip(
            #"""
            {"absent_orphans":["00000000-0000-4000-8000-000000000007"],"absent_volumes":[\#(volume)],"revision":8,\#
            "unclean_gpus":[{"address":"0000:65:00.0","claim":4,"returned":false}]}
            """#,
            ReportReceipt.self
        )
    }
}
