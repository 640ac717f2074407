// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Testing

@Suite("What an inventory makes of a stored GPU")
struct StoredGPUTests {
    private let unit = Result { try GPUInventory.example(1) }

    /// The unit in a state, under claim 5.
    private func stored(
        _ state: GPURecord.State,
        isPresent: Bool = true,
        isReturned: Bool = false
    ) throws -> StoredGPU {
        let seen = try unit.get()
        return StoredGPU(
            address: seen.address,
            holder: state == .allocated ? Self.holder : nil,
            model: seen.model,
            type: seen.gpuType,
            numaNode: seen.numaNode,
            iommuGroup: seen.iommuGroup,
            functions: seen.functions,
            state: state,
            isPresent: isPresent,
            isReturned: isReturned,
            claim: 5,
            cleaning: nil,
            reason: nil
        )
    }

    private static let holder = StoredGPU.Holder(
        machine: VirtualMachineID(7),
        name: "web",
        organization: OrganizationID(1)
    )

    @Test(
        "State and claim follow from what the node says of its own claim",
        arguments: [
            (.free, .ready, 5, .free, 5), (.free, .ready, 4, .sanitizing, 6), (.free, .busy, 5, .sanitizing, 6),
            (.free, .busy, 0, .sanitizing, 6), (.free, .faulty, 5, .faulty, 5), (.free, .faulty, 0, .faulty, 5),
            (.free, .ready, 9, .free, 9),
            (.sanitizing, .ready, 4, .sanitizing, 5), (.sanitizing, .ready, 5, .free, 5),
            (.sanitizing, .ready, 9, .free, 9), (.sanitizing, .busy, 5, .sanitizing, 5),
            (.sanitizing, .busy, 9, .sanitizing, 9), (.sanitizing, .faulty, 4, .sanitizing, 5),
            (.sanitizing, .faulty, 5, .faulty, 5),
            (.faulty, .faulty, 5, .faulty, 5), (.faulty, .ready, 5, .sanitizing, 6),
            (.faulty, .busy, 0, .sanitizing, 6),
            (.allocated, .ready, 4, .allocated, 5), (.allocated, .busy, 5, .allocated, 5),
            (.allocated, .busy, 9, .allocated, 9), (.allocated, .ready, 9, .allocated, 10),
            (.allocated, .faulty, 9, .allocated, 10),
        ] as [(GPURecord.State, GPUInventory.Condition, Int64, GPURecord.State, Int64)]
    )
    func edges(
        former: GPURecord.State,
        condition: GPUInventory.Condition,
        claim: Int64,
        state: GPURecord.State,
        newClaim: Int64
    ) throws {
        let after = try stored(former).after(.example(1, condition, claim: claim))
        #expect((after.state, after.claim) == (state, newClaim))
        // Twice changes nothing more: the node has yet to act on the claim.
        let again = try after.after(.example(1, condition, claim: claim))
        #expect((again.state, again.claim) == (state, newClaim))
    }

    @Test("A unit that vanishes is no longer free, and one that is back has to be cleaned, whatever its node says")
    func vanished() throws {
        for state in [GPURecord.State.free, .sanitizing, .faulty] {
            let gone = try stored(state).vanished
            #expect((gone.state, gone.isPresent, gone.claim) == (.sanitizing, false, 5))
            #expect(gone.vanished == gone)
            let back = try gone.after(.example(1, claim: 5))
            #expect((back.state, back.isPresent, back.claim) == (.sanitizing, true, 6))
        }
        let gone = try stored(.allocated).vanished
        #expect((gone.state, gone.isPresent, gone.claim) == (.allocated, false, 5))
        #expect(gone.event(after: try stored(.allocated))?.reason == .gpuDegraded)
        let back = try gone.after(.example(1, .busy, claim: 5))
        #expect(back == (try stored(.allocated)))
        #expect(back.event(after: gone)?.reason == .gpuRecovered)
    }

    @Test("What an operator returned to its host stays there, whatever its node says, gone and back or another card")
    func returned() throws {
        let unit = try stored(.faulty, isReturned: true)
        for condition in [GPUInventory.Condition.ready, .busy, .faulty] {
            let after = unit.after(try .example(1, condition, claim: 9))
            #expect((after.state, after.claim) == (.faulty, 5))
            #expect(after.reason == "An operator returned it to its host.")
        }
        var other = try GPUInventory.example(1)
        other.functions[0].subsystemID = "10de:ffff"
        let back = unit.vanished.after(other)
        #expect((unit.vanished.state, back.state, back.isPresent) == (.faulty, .faulty, true))
        #expect(back.functions == other.functions)
    }

    @Test("What its node cleaned under a machine's own claim, which the database forgot, is given to it anew")
    func forgotten() throws {
        let held = try stored(.allocated).after(GPUInventory.example(1, claim: 5))
        #expect((held.state, held.claim) == (.allocated, 6))
        var used = try GPUInventory.example(1, claim: 5)
        used.condition = .busy
        #expect(try stored(.allocated).after(used).claim == 5)
    }

    @Test("Another number of its IOMMU group changes nothing; other functions make it another unit")
    func identity() throws {
        var renumbered = try GPUInventory.example(1, claim: 5)
        renumbered.iommuGroup = 40
        let same = try stored(.free).after(renumbered)
        #expect((same.state, same.claim, same.iommuGroup) == (.free, 5, 40))
        var grown = renumbered
        grown.functions.append(
            PCIFunction(
                address: try PCIAddress("0000:01:00.1"),
                pciID: "10de:22bc",
                subsystemID: "10de:16c1",
                classCode: "0403"
            )
        )
        for state in [GPURecord.State.free, .sanitizing, .faulty] {
            let other = try stored(state).after(grown)
            #expect((other.state, other.claim, other.functions.count) == (.sanitizing, 6, 2))
        }
        let held = try stored(.allocated).after(grown)
        #expect((held.state, held.claim, held.functions.count, held.iommuGroup) == (.allocated, 5, 1, 1))
        #expect(held.reason == "It is not the device any more that the machine was given.")
        var shuffled = grown
        shuffled.functions.reverse()
        #expect(try stored(.free).after(grown) == stored(.free).after(shuffled))
    }

    @Test("A function that a machine still has makes no other unit free; one that is free again is cleaned first")
    func groupsSplit() throws {
        var pair = try GPUInventory.example(1, .busy, claim: 5)
        pair.functions += try GPUInventory.example(2).functions
        let held = try stored(.allocated).with(pair.functions)
        let split = try [GPUInventory.example(1, .busy, claim: 5), .example(2, claim: 3)]
        let look = GPULook(split, known: [held])
        let other = try #require(look.new.first)
        #expect((look.new.count, other.state, other.claim) == (1, .faulty, 4))
        #expect(other.reason == "Its function 0000:02:00.0 is also of unit 0000:01:00.0, which VM 7 has.")
        #expect(look.changed.map(\.functions) == [pair.functions])
        let released = try stored(.sanitizing).with(pair.functions)
        let after = GPULook(split, known: [released, other])
        #expect(after.changed.map(\.state) == [.sanitizing, .sanitizing])
        #expect(after.changed.map(\.claim) == [6, 5])
    }

    @Test("Of two units that name one function the first has it")
    func sharedFunction() throws {
        var first = try GPUInventory.example(1)
        first.functions += try GPUInventory.example(2).functions
        let look = GPULook(try [.example(2), first], known: [])
        #expect(look.new.map(\.state) == [.sanitizing, .faulty])
    }

    @Test("A unit that its node calls faulty from the first is faulty with the reason, and cleaned once it is fit")
    func unfitFromTheFirst() throws {
        let unit = StoredGPU(try .example(1, .faulty, reason: "The IOMMU is off."))
        #expect((unit.state, unit.claim, unit.reason) == (.faulty, 1, "The IOMMU is off."))
        let held = try stored(.allocated).after(.example(1, .faulty))
        #expect(held.reason == "Its node calls it faulty and does not say why.")
        let fit = unit.after(try .example(1, .busy))
        #expect((fit.state, fit.claim, fit.reason) == (.sanitizing, 2, nil))
    }
}

extension StoredGPU {
    fileprivate func with(_ functions: [PCIFunction]) -> StoredGPU {
        var unit = self
        unit.functions = functions
        return unit
    }
}
