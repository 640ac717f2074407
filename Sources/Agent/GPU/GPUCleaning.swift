// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// What is done to a unit between two guests. Its calls block.
package struct GPUCleaning: Sendable {
    let binding: PCIBinding
    let hook: CleaningHook?

    /// Resets every function that can be, and looks whether each answers as what it is.
    ///
    /// - Returns: how the GPUs were reset, such as `flr`.
    func reset(_ unit: GPUUnit) throws(Fault) -> String {
        var ways: [String] = []
        for gpu in unit.gpus {
            guard let way = binding.resetMethods(of: gpu.address).first else {
                throw Fault(.hostGPUUnavailable, "\(gpu.address) offers no way to reset it, so it cannot be cleaned.")
            }
            if !ways.contains(way) { ways.append(way) }
        }
        for function in unit.functions where !binding.resetMethods(of: function.address).isEmpty {
            try binding.reset(function.address)
        }
        try verify(unit)
        return ways.joined(separator: ", ")
    }

    /// - Throws: when a function does not answer, or as another device.
    func verify(_ unit: GPUUnit) throws(Fault) {
        for function in unit.functions {
            let answer = binding.answer(of: function.address)
            guard answer == function.answer else {
                let text = answer.map { "answers as \($0), not \(function.answer)" } ?? "does not answer"
                throw Fault(.hostGPUUnavailable, "\(function.address) \(text).")
            }
        }
    }
}

/// The operator's own part of cleaning, such as a vendor's tool that overwrites memory: a program that gets the unit's PCI
/// addresses, and whose exit status says whether it is clean. It may bind the functions to another driver meanwhile.
package struct CleaningHook: Sendable {
    let program: String
    let deadline: Duration

    /// - Parameters:
    ///   - program: Its whole path.
    ///   - deadline: After which it is ended, and the unit is not clean.
    package init(program: String, deadline: Duration) {
        (self.program, self.deadline) = (program, deadline)
    }

    func run(_ addresses: [PCIAddress]) async throws(Fault) {
        do {
            try await Command(program, addresses.map { "\($0)" }, deadline: deadline).run()
        } catch {
            throw Fault(.hostGPUUnavailable, "The cleaning hook: \(error)")
        }
    }
}
