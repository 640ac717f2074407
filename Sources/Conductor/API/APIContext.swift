// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import Hummingbird

/// What is known of a request to the conductor.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Whose key came with the request; nil for none or an unknown one.
    package var caller: Caller?
    /// The IP address from which the request came: a proxy's, where one is in front.
    package let address: String

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        address = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }
}

/// What is known of a tenant's request.
package struct TenantContext: ChildRequestContext {
    package var coreContext: CoreRequestContextStorage
    package let tenant: Tenant

    package init(context: APIContext) throws {
        coreContext = context.coreContext
        switch context.caller {
        case .tenant(let tenant): self.tenant = tenant
        case .operator:
            throw APIError(.forbidden, "This is an operator's key; use the key of a user of an organization.")
        case nil: throw APIError.unauthorized
        }
    }
}

/// What is known of an operator's request.
package struct OperatorContext: ChildRequestContext {
    package var coreContext: CoreRequestContextStorage
    package let caller: Operator

    package init(context: APIContext) throws {
        coreContext = context.coreContext
        switch context.caller {
        case .operator(let caller): self.caller = caller
        case .tenant: throw APIError(.forbidden, "Only an operator's key may do this.")
        case nil: throw APIError.unauthorized
        }
    }
}
