// SPDX-License-Identifier: Apache-2.0

package import GantryProtocol

extension LinuxHost {
    package func clean(_ gpu: UncleanGPU) async -> Bool { await gpus.clean(gpu) }
}
