// SPDX-License-Identifier: Apache-2.0

/// The answer to a create.
public struct CreateInstancesAnswer: Codable, Sendable {
    public var status = true
    public var message = "VM is scheduled for creation."
    public var instances: [InstanceBody]

    public init(instances: [InstanceBody]) {
        self.instances = instances
    }
}

/// One machine.
public struct InstanceAnswer: Codable, Sendable {
    public var status = true
    public var message = "Getting VM detail successful"
    public var instance: InstanceBody

    public init(instance: InstanceBody) {
        self.instance = instance
    }
}

/// A page of machines.
public struct InstancesAnswer: Codable, Sendable {
    public var status = true
    public var message = "Getting VMs successful"
    @Nullable public var page: Int?
    @Nullable public var pageSize: Int?
    /// How many all pages have together.
    public var count: Int
    public var instances: [InstanceBody]

    public init(page: Int?, pageSize: Int?, count: Int, instances: [InstanceBody]) {
        _page = Nullable(wrappedValue: page)
        _pageSize = Nullable(wrappedValue: pageSize)
        (self.count, self.instances) = (count, instances)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case page
        case pageSize = "page_size"
        case count
        case instances
    }
}

/// A machine's history, oldest first.
public struct InstanceEventsAnswer: Codable, Sendable {
    public var status = true
    public var message = "Getting VM events success"
    public var instanceEvents: [InstanceEventBody]

    public init(instanceEvents: [InstanceEventBody]) {
        self.instanceEvents = instanceEvents
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case instanceEvents = "instance_events"
    }
}

/// One line of a machine's history.
public struct InstanceEventBody: Codable, Sendable, Hashable {
    public var instanceID: Int64
    /// Who asked; null when it happened by itself.
    @Nullable public var userID: Int64?
    public var orgID: Int64
    public var time: Timestamp
    /// `normal` or `warning`.
    public var type: String
    /// The vendor's name of the event, such as `InstanceCreationSuccess`.
    public var reason: String
    /// The machine's name.
    public var object: String
    public var message: String

    public init(
        instanceID: Int64,
        userID: Int64?,
        orgID: Int64,
        time: Timestamp,
        type: String,
        reason: String,
        object: String,
        message: String
    ) {
        self.instanceID = instanceID
        _userID = Nullable(wrappedValue: userID)
        (self.orgID, self.time, self.type) = (orgID, time, type)
        (self.reason, self.object, self.message) = (reason, object, message)
    }

    private enum CodingKeys: String, CodingKey {
        case instanceID = "instance_id"
        case userID = "user_id"
        case orgID = "org_id"
        case time
        case type
        case reason
        case object
        case message
    }
}

/// `PUT …/label`: the set of labels that a machine is to have.
public struct LabelsRequest: RequestFields {
    public var labels: [String]

    public init(labels: [String]) {
        self.labels = labels
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case labels
    }
}
