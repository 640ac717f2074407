// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Testing

@Suite("The description of the API and its routes are one")
struct OpenAPITests {
    @Test("Every route is described, and everything described is a route")
    func routes() async throws {
        try await TestAPI.with { api in
            let routes = api.routes.map { "\($0.method) \($0.path)" }
            let inner = ["/v1/internal/", "/healthz", "/readyz", "/docs"]
            let described = Set(routes.filter { route in !inner.contains { route.contains($0) } })
            let operations = try OpenAPIContract.shared.get().operations
            #expect(operations == described)
        }
    }

    @Test("It is served as JSON, without a key")
    func served() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, "/openapi.json", key: nil)
            #expect(answer.status == .ok)
            let document = try answer.decoded(JSON.self)
            #expect(document["openapi"] == .text("3.0.3"))
            #expect(document["info"]?["version"] == .text("1"))
        }
    }

    @Test("Every operation names itself once, and says what each answer holds")
    func complete() throws {
        let document = try JSONDecoder().decode(JSON.self, from: try OpenAPIDocument.json())
        let schema = OpenAPISchema(document: document)
        var names: [String] = []
        for (path, item) in document["paths"]?.object ?? [:] {
            for (method, operation) in item.object ?? [:] {
                names.append(operation["operationId"]?.text ?? "\(method) \(path) has no operationId")
                #expect(operation["summary"] != nil, "\(method) \(path)")
                for (status, response) in operation["responses"]?.object ?? [:] {
                    let resolved = response["$ref"]?.text.map { schema.resolve($0) } ?? response
                    #expect(
                        resolved?["content"]?["application/json"]?["schema"] != nil,
                        "\(method) \(path) \(status)"
                    )
                }
            }
        }
        #expect(names.count == Set(names).count)
    }

    @Test(
        "A request's fields are the described ones",
        arguments: [
            ("CreateInstancesRequest", CreateInstancesRequest.fieldNames), ("LabelsRequest", LabelsRequest.fieldNames),
            ("SecurityRuleRequest", SecurityRuleRequest.fieldNames), ("RenameKeypairRequest", RenameRequest.fieldNames),
            ("RenameEnvironmentRequest", RenameRequest.fieldNames), ("RenameUserRequest", RenameRequest.fieldNames),
            ("CreateFirewallRequest", CreateFirewallRequest.fieldNames),
            ("FirewallMachinesRequest", FirewallMachinesRequest.fieldNames),
            ("MachineFirewallsRequest", MachineFirewallsRequest.fieldNames),
            ("CreateEnvironmentRequest", CreateEnvironmentRequest.fieldNames),
            ("ImportKeypairRequest", ImportKeypairRequest.fieldNames),
            ("CreateOrganizationRequest", CreateOrganizationRequest.fieldNames),
            ("CreateUserRequest", CreateUserRequest.fieldNames),
            ("CreateAPIKeyRequest", CreateAPIKeyRequest.fieldNames),
            ("CreateProfileRequest", CreateProfileRequest.fieldNames),
            ("QuotaLimits", QuotaLimits.fieldNames),
            ("GenerateAPIKeyRequest", GenerateAPIKeyRequest.fieldNames),
            ("UpdateAPIKeyRequest", UpdateAPIKeyRequest.fieldNames),
            ("CreateRegionRequest", CreateRegionRequest.fieldNames),
            ("UpdateRegionRequest", UpdateRegionRequest.fieldNames),
            ("CreateFlavorRequest", CreateFlavorRequest.fieldNames),
            ("CreateImageRequest", CreateImageRequest.fieldNames),
            ("CreateFloatingIPPoolRequest", CreateFloatingIPPoolRequest.fieldNames),
            ("CreateJoinTokenRequest", CreateJoinTokenRequest.fieldNames),
            ("CordonRequest", CordonRequest.fieldNames),
            ("RatiosRequest", RatiosBody.fieldNames),
            ("AttachCallbackRequest", AttachCallbackRequest.fieldNames),
        ]
    )
    func requests(_ name: String, _ fields: [String]) throws {
        let document = try JSONDecoder().decode(JSON.self, from: try OpenAPIDocument.json())
        let schema = try #require(document["components"]?["schemas"]?[name])
        #expect(schema["additionalProperties"] == .bool(false))
        #expect(schema["properties"]?.keys == Set(fields))
    }

    @Test("The reader's file is the one that is served")
    func link() throws {
        let path = Repository.path("docs/openapi.yaml")
        #expect(FileManager.default.contents(atPath: path) != nil)
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: path)
        #expect(target.hasSuffix("API/OpenAPI/openapi.yaml"))
    }
}
