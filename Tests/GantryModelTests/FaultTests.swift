// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("A fault says what may mend it")
struct FaultTests {
    @Test("An unknown code is read as it is, and is nobody's to mend")
    func unknown() throws {
        let json = Data(#"{"code":"of_tomorrow","message":"M","more":1}"#.utf8)
        let fault = try JSONDecoder().decode(Fault.self, from: json)
        #expect(fault == Fault(Fault.Code(rawValue: "of_tomorrow"), "M"))
        #expect(fault.code.remedy == .abort)
    }

    @Test("Every code that has a name is known")
    func known() throws {
        let path = Repository.path("Sources/GantryModel/Fault.swift")
        let named = try String(contentsOfFile: path, encoding: .utf8).matches(of: /= Code\(rawValue: "([a-z_]+)"\)/)
        #expect(named.map { String($0.output.1) } == Fault.Code.known.map(\.rawValue))
    }

    @Test(
        "A host's own trouble is another's chance, what may pass is tried again, an image stays as it is",
        arguments: [
            (Fault.Code.hostDiskFull, Fault.Remedy.elsewhere), (.hostGPUUnavailable, .elsewhere),
            (.hypervisorRefused, .elsewhere), (.hypervisorUnreachable, .retry), (.imageUnreachable, .retry),
            (.hostCommandFailed, .retry), (.imageDigestMismatch, .abort), (.imageUnsafe, .abort),
            (.imageTooLarge, .abort),
            (.specUnsupported, .abort), (.guestCrashed, .abort),
        ]
    )
    func remedies(_ code: Fault.Code, _ remedy: Fault.Remedy) {
        #expect(code.remedy == remedy)
    }
}
