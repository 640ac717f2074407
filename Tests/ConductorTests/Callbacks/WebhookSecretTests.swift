// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import Testing

@Suite("Signatures as Standard Webhooks has them")
struct WebhookSecretTests {
    @Test("The known signature of the known message")
    func vector() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let signature = secret.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: Data(#"{"test": 2432232314}"#.utf8)
        )
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("A new secret is another each time, and reads as what it is written")
    func make() throws {
        let (one, other) = (WebhookSecret.make(), WebhookSecret.make())
        #expect(one != other)
        #expect(try WebhookSecret(one.text) == one)
    }

    @Test(
        "What is no secret is refused without being quoted",
        arguments: ["", "whsec_", "whsec_short", "whsec_****", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )
    func refused(_ text: String) {
        let error = #expect(throws: InvalidValue.self) { try WebhookSecret(text) }
        #expect(text.isEmpty || text == "whsec_" || error?.description.contains(text) == false)
    }
}
