-- The first schema. Names are singular; every table says when a row was made and last changed.
-- Amounts: memory in MiB, disk in GiB. Secrets that come to us are kept only as SHA-256 digests; those that we sign with
-- are in callback_secret.

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

-- Who -------------------------------------------------------------------------------------------------------------

CREATE TABLE organization (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE user_account (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- An operator belongs to no organization.
    organization_id  bigint REFERENCES organization,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (organization_id, name)
);

CREATE TABLE api_key (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES user_account ON DELETE CASCADE,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    digest       bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    -- Set on the well-known key of the test data, which a conductor beyond loopback refuses.
    test_only    boolean NOT NULL DEFAULT false,
    expires_at   timestamptz,
    description  text NOT NULL DEFAULT '' CHECK (length(description) <= 250),
    role         text NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'member', 'read-only')),
    -- Null for all environments. One that is deleted stays in the list; ids are never given out again.
    environments bigint[],
    -- To the hour.
    last_used_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX api_key_user ON api_key (user_id, id);

-- Where -----------------------------------------------------------------------------------------------------------

CREATE TABLE region (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 50),
    description         text NOT NULL DEFAULT '',
    country             text NOT NULL DEFAULT '',
    -- Private networks of environments are cut from here, each this long.
    network             cidr NOT NULL DEFAULT '10.0.0.0/8',
    environment_prefix  integer NOT NULL DEFAULT 22,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CHECK (family(network) = 4),
    -- Every address is a row, so a network has at most 65,536.
    CHECK (environment_prefix BETWEEN greatest(masklen(network), 16) AND 29)
);

CREATE TABLE environment (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id  bigint NOT NULL REFERENCES organization,
    region_id        bigint NOT NULL REFERENCES region,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 50 AND name !~ '^[0-9]+$'),
    subnet           cidr NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT environment_name_unique UNIQUE (organization_id, name),
    CHECK (family(subnet) = 4),
    -- The region's number before the address makes one line of all regions' addresses.
    CONSTRAINT environment_subnets_disjoint EXCLUDE USING gist (
        int8range((region_id << 32) + (subnet - '0.0.0.0'::inet),
                  (region_id << 32) + (broadcast(subnet) - '0.0.0.0'::inet), '[]') WITH &&)
);
CREATE INDEX environment_region ON environment (region_id, subnet);

CREATE TABLE key (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id  bigint NOT NULL REFERENCES environment ON DELETE CASCADE,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    public_key      text NOT NULL,
    fingerprint     text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT key_name_unique UNIQUE (environment_id, name)
);

-- How much of each thing an organization, or one of its environments, may have; null for as much as there is.
CREATE TABLE quota (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id  bigint UNIQUE REFERENCES organization ON DELETE CASCADE,
    environment_id   bigint UNIQUE REFERENCES environment ON DELETE CASCADE,
    vms              integer CHECK (vms >= 0),
    vcpus            integer CHECK (vcpus >= 0),
    memory_gib       integer CHECK (memory_gib >= 0),
    gpus             integer CHECK (gpus >= 0),
    volumes          integer CHECK (volumes >= 0),
    volume_gib       integer CHECK (volume_gib >= 0),
    floating_ips     integer CHECK (floating_ips >= 0),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(organization_id, environment_id) = 1)
);

CREATE TABLE profile (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id  bigint NOT NULL REFERENCES organization ON DELETE CASCADE,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 150),
    -- An object of texts, as JSON.
    data             text NOT NULL CHECK (octet_length(data) <= 1048576),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT profile_name_unique UNIQUE (organization_id, name)
);

-- What can be had -------------------------------------------------------------------------------------------------

CREATE TABLE flavor (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_id   bigint NOT NULL REFERENCES region,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    vcpus       integer NOT NULL CHECK (vcpus BETWEEN 1 AND 1024),
    memory_mib  integer NOT NULL CHECK (memory_mib BETWEEN 64 AND 33554432),
    disk_gib    integer NOT NULL CHECK (disk_gib BETWEEN 1 AND 1048576),
    gpu_type    text NOT NULL DEFAULT '',
    gpu_count   integer NOT NULL DEFAULT 0 CHECK (gpu_count BETWEEN 0 AND 64),
    -- Whether machines that are off keep their vCPUs, memory and GPUs.
    stop_policy text NOT NULL DEFAULT 'keep' CHECK (stop_policy IN ('keep', 'release')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    -- A deleted flavor stays for the machines made from it.
    deleted_at  timestamptz,
    CHECK ((gpu_type = '') = (gpu_count = 0))
);
CREATE UNIQUE INDEX flavor_name_unique ON flavor (region_id, name) WHERE deleted_at IS NULL;

CREATE TABLE image (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_id    bigint NOT NULL REFERENCES region,
    -- Whose it is; null for those that everybody can use.
    organization_id  bigint REFERENCES organization,
    -- False for what a snapshot is as an image, from which machines are restored.
    listed       boolean NOT NULL DEFAULT true,
    -- The snapshot whose file it is.
    snapshot_id  bigint,
    labels       text[] NOT NULL DEFAULT '{}',
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    type         text NOT NULL DEFAULT '',
    version      text NOT NULL DEFAULT '',
    description  text NOT NULL DEFAULT '',
    url          text NOT NULL,
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    format       text NOT NULL CHECK (format IN ('qcow2', 'raw')),
    -- Bytes to download; 0 when not known.
    size         bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- A deleted image stays for the machines made from it.
    deleted_at   timestamptz
);
CREATE UNIQUE INDEX image_name_unique ON image (region_id, organization_id, name) NULLS NOT DISTINCT
    WHERE deleted_at IS NULL AND listed;
CREATE INDEX image_snapshot ON image (snapshot_id) WHERE snapshot_id IS NOT NULL;

CREATE TABLE floating_ip_pool (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_id   bigint NOT NULL REFERENCES region,
    name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 50),
    -- Every address is a row.
    network     cidr NOT NULL CHECK (family(network) = 4 AND masklen(network) >= 16),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT floating_ip_pool_disjoint EXCLUDE USING gist (network inet_ops WITH &&)
);

-- Hosts -----------------------------------------------------------------------------------------------------------

-- What of a node's memory may be given out. Huge pages are there or they are not: no ratio makes more of them.
CREATE FUNCTION memory_limit(available_mib integer, ratio numeric, page_mib integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(floor(available_mib * CASE WHEN page_mib IS NULL THEN ratio ELSE least(ratio, 1) END), 0)::integer
$$;

CREATE TABLE compute_node (
    id                    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_id             bigint NOT NULL REFERENCES region,
    name                  text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    -- NULL when an operator revoked it: the host has to join again.
    api_key_digest        bytea UNIQUE CHECK (octet_length(api_key_digest) = 32),
    -- Rises with each rotation of its secrets that an operator asks for.
    rotation              bigint NOT NULL DEFAULT 0,
    -- The last one that was done.
    rotated               bigint NOT NULL DEFAULT 0 CHECK (rotated <= rotation),
    -- The key that its agent made for `next_rotation`. It becomes the key at its first use, which ends the one before.
    next_api_key_digest   bytea UNIQUE CHECK (octet_length(next_api_key_digest) = 32),
    next_rotation         bigint CHECK (next_rotation > rotated AND next_rotation <= rotation),
    CHECK ((next_rotation IS NULL) = (next_api_key_digest IS NULL)),
    CHECK (api_key_digest IS NOT NULL OR next_api_key_digest IS NULL),
    hostname              text,
    -- `new` until its agent first came; `silent` when reports stopped; `dead` when an operator said so of a silent one.
    state                 text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'up', 'silent', 'dead')),
    -- By an operator.
    cordoned              boolean NOT NULL DEFAULT false,
    cordon_reason         text,
    -- What becomes of the machines that it has while it is cordoned; null for nothing.
    drain_policy          text CHECK (drain_policy IN ('stop', 'move', 'wait')),
    drain_since           timestamptz,
    -- How many machines were still to go or to stop when a reconciler last looked, and how many are left where they are.
    drain_left            integer,
    drain_staying         integer,
    -- What holds it up, other than the machines themselves.
    drain_obstacle        text,
    -- Since when there is nothing left to do.
    drained_at            timestamptz,
    -- Set from an operator's word that the host is off, until a host came back and has nothing left of what went elsewhere.
    declared_dead_at      timestamptz,
    -- How it was made sure that the host runs nothing.
    fenced_by             text,
    -- By its own agent, whose reasons are in node_report.problems.
    healthy               boolean NOT NULL DEFAULT true,
    -- Set when the host lost capacity that was already given out; nothing is placed until it fits again.
    shrunk                boolean NOT NULL DEFAULT false,
    -- Set when the database was restored, until its agent has said what its host holds.
    unsurveyed            boolean NOT NULL DEFAULT false,
    -- Whether what the whole region shares is not given out before that.
    awaited               boolean NOT NULL DEFAULT false CHECK (unsurveyed OR NOT awaited),
    schedulable           boolean NOT NULL GENERATED ALWAYS AS
                              (state = 'up' AND NOT cordoned AND healthy AND NOT shrunk AND NOT unsurveyed
                               AND declared_dead_at IS NULL) STORED,
    -- A fixed random place, from which a search for capacity starts.
    ring                  integer NOT NULL DEFAULT (random() * 2147483647)::integer,
    has_gpu               boolean NOT NULL DEFAULT false,
    virt_type             text,
    hypervisor_version    text,
    agent_version         text,

    vcpus                 integer NOT NULL DEFAULT 0,
    memory_mib            integer NOT NULL DEFAULT 0,
    disk_gib              integer NOT NULL DEFAULT 0,
    reserved_vcpus        integer NOT NULL DEFAULT 0,
    reserved_memory_mib   integer NOT NULL DEFAULT 0,
    reserved_disk_gib     integer NOT NULL DEFAULT 0,
    vcpu_ratio            numeric(6, 2) NOT NULL DEFAULT 1 CHECK (vcpu_ratio BETWEEN 0.1 AND 64),
    memory_ratio          numeric(6, 2) NOT NULL DEFAULT 1 CHECK (memory_ratio BETWEEN 0.1 AND 8),
    disk_ratio            numeric(6, 2) NOT NULL DEFAULT 1 CHECK (disk_ratio BETWEEN 0.1 AND 64),
    limit_vcpus           integer NOT NULL GENERATED ALWAYS AS
                              (greatest(floor((vcpus - reserved_vcpus) * vcpu_ratio), 0)::integer) STORED,
    -- The size of the huge pages that machines' memory is made of, whole pages each; NULL for ordinary ones.
    memory_page_mib       integer CHECK (memory_page_mib > 0),
    limit_memory_mib      integer NOT NULL GENERATED ALWAYS AS
                              (memory_limit(memory_mib - reserved_memory_mib, memory_ratio, memory_page_mib)) STORED,
    limit_disk_gib        integer NOT NULL GENERATED ALWAYS AS
                              (greatest(floor((disk_gib - reserved_disk_gib) * disk_ratio), 0)::integer) STORED,
    allocated_vcpus       integer NOT NULL DEFAULT 0 CHECK (allocated_vcpus >= 0),
    allocated_memory_mib  integer NOT NULL DEFAULT 0 CHECK (allocated_memory_mib >= 0),
    allocated_disk_gib    integer NOT NULL DEFAULT 0 CHECK (allocated_disk_gib >= 0),

    -- Rises with each session of its agent.
    epoch                 bigint NOT NULL DEFAULT 0,
    -- Rises, under the row's lock, with each change of what is wanted of the node.
    revision              bigint NOT NULL DEFAULT 0,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT compute_node_not_overcommitted CHECK (
        shrunk OR (allocated_vcpus <= limit_vcpus
                   AND allocated_memory_mib <= limit_memory_mib
                   AND allocated_disk_gib <= limit_disk_gib)
    ),
    CHECK ((drain_policy IS NULL) = (drain_since IS NULL)),
    CHECK (drain_policy IS NULL OR cordoned),
    CHECK (drained_at IS NULL OR drain_policy IS NOT NULL),
    CHECK ((declared_dead_at IS NULL) = (fenced_by IS NULL)),
    CHECK (state <> 'dead' OR declared_dead_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX compute_node_draining ON compute_node (id) WHERE drain_policy IS NOT NULL;
CREATE INDEX compute_node_awaited ON compute_node (region_id) WHERE awaited;
CREATE INDEX compute_node_search ON compute_node (region_id, has_gpu, ring) WHERE schedulable;

-- Lets one host become a node. Kept as a digest; a repeated join is told from another host's by the node's key.
CREATE TABLE join_token (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    region_id   bigint NOT NULL REFERENCES region ON DELETE CASCADE,
    -- The only host that may use it; null for any.
    hostname    text CHECK (length(hostname) BETWEEN 1 AND 253),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    used_at     timestamptz,
    -- What the host became; null again when that node was removed.
    node_id     bigint REFERENCES compute_node ON DELETE SET NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX join_token_node ON join_token (node_id);

-- The last report of each node, apart from its row, which placement reads and claims lock. No index but the key's: what
-- changes with each report would have to be indexed anew each time.
CREATE TABLE node_report (
    node_id               bigint PRIMARY KEY REFERENCES compute_node ON DELETE CASCADE,
    epoch                 bigint NOT NULL,
    boot_id               text NOT NULL,
    sequence              bigint NOT NULL,
    -- Seconds between reports, as the session's agent was told.
    interval_seconds      integer NOT NULL,
    collected_at          timestamptz NOT NULL,
    received_at           timestamptz NOT NULL DEFAULT now(),
    complete              boolean NOT NULL,
    hypervisor_reachable  boolean NOT NULL,
    problems              text[] NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Where volumes' files can be, by the name that agents tell. A local one is on each node's own disk; a shared one is one
-- directory that all nodes that name it mount.
CREATE TABLE storage_pool (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region_id   bigint NOT NULL REFERENCES region ON DELETE CASCADE,
    name        text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$'),
    kind        text NOT NULL CHECK (kind IN ('local', 'shared')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT storage_pool_name_unique UNIQUE (region_id, name)
);

CREATE TABLE node_storage_pool (
    node_id     bigint NOT NULL REFERENCES compute_node ON DELETE CASCADE,
    pool_id     bigint NOT NULL REFERENCES storage_pool ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node_id, pool_id)
);
CREATE INDEX node_storage_pool_pool ON node_storage_pool (pool_id);

-- Machines --------------------------------------------------------------------------------------------------------

CREATE TABLE virtual_machine (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid                uuid NOT NULL UNIQUE,
    organization_id     bigint NOT NULL REFERENCES organization,
    -- Null only when the environment was deleted after the machine.
    environment_id      bigint REFERENCES environment ON DELETE SET NULL,
    created_by          bigint REFERENCES user_account ON DELETE SET NULL,
    name                text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    hostname            text NOT NULL CHECK (hostname ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    image_id            bigint NOT NULL REFERENCES image,
    flavor_id           bigint NOT NULL REFERENCES flavor,
    -- What was claimed of the node; the flavor may change afterwards.
    vcpus               integer NOT NULL,
    memory_mib          integer NOT NULL,
    disk_gib            integer NOT NULL,
    gpu_type            text NOT NULL DEFAULT '',
    gpu_count           integer NOT NULL DEFAULT 0,
    user_data           bytea CHECK (octet_length(user_data) <= 65536),
    -- Byte for byte as its owner wrote it.
    callback_url        text CHECK (length(callback_url) <= 250),
    -- The status that was last written down to be told there.
    callback_status     text,
    assign_floating_ip  boolean NOT NULL DEFAULT false,
    -- Whether samples of each minute are kept as long as those of five.
    enhanced_metrics    boolean NOT NULL DEFAULT false,
    mac                 text NOT NULL CHECK (mac ~ '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$'),

    -- Intent.
    desired             text NOT NULL CHECK (desired IN ('running', 'stopped', 'hibernated', 'absent')),
    generation          bigint NOT NULL DEFAULT 1,
    boot_counter        integer NOT NULL DEFAULT 1,

    -- Where it is. The node holds the claims as long as this is set.
    node_id             bigint REFERENCES compute_node,
    -- Whether vCPUs, memory and GPUs are among the claims; the disk always is.
    holds_compute       boolean NOT NULL DEFAULT true,
    -- Set while the node must first confirm that nothing is left there, before the machine is placed elsewhere.
    evicting            boolean NOT NULL DEFAULT false,
    tried_nodes         bigint[] NOT NULL DEFAULT '{}',
    -- Set while it is off only because it is moved, or lost its node: it is started where it is placed.
    starts_elsewhere    boolean NOT NULL DEFAULT false,

    -- What was seen.
    applied_generation  bigint NOT NULL DEFAULT 0,
    observed_power      text NOT NULL DEFAULT 'absent' CHECK (
                            observed_power IN ('running', 'stopped', 'crashed', 'paused', 'absent', 'unknown')),
    floating_ip_wired   boolean NOT NULL DEFAULT false,
    -- Set while the node may not have yet the floating IP that the machine was given.
    floating_ip_attaching boolean NOT NULL DEFAULT false,
    -- Set while the node may still have the floating IP that was taken away; only then is the address free.
    floating_ip_detaching boolean NOT NULL DEFAULT false,
    -- Set while it is hibernated without the floating IP that it had: it gets another when it is restored.
    floating_ip_on_restore boolean NOT NULL DEFAULT false,
    -- Set while the node may not have plugged in and out yet what was attached and detached.
    volumes_changing    boolean NOT NULL DEFAULT false,
    -- Set while the node may not have taken yet what security_rule_change tells of.
    rules_changing      boolean NOT NULL DEFAULT false,
    activity_step       text,
    activity_percent    integer,
    fault_code          text,
    fault_message       text,

    -- The stored state; its edges are in MachinePhase.
    phase               text NOT NULL CHECK (
                            phase IN ('creating', 'building', 'active', 'stopping', 'shutoff', 'starting', 'rebooting',
                                      'hibernating', 'hibernated', 'restoring', 'deleting', 'deleted', 'error')),
    phase_since         timestamptz NOT NULL DEFAULT now(),
    -- When the phase has lasted too long; null for phases without a limit.
    deadline_at         timestamptz,
    -- When its node was last told again of a generation that it had not applied.
    resent_at           timestamptz,

    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    deleted_at          timestamptz,
    CHECK ((deleted_at IS NOT NULL) = (phase = 'deleted')),
    CHECK (deleted_at IS NULL OR node_id IS NULL),
    CHECK (deleted_at IS NOT NULL OR environment_id IS NOT NULL),
    CHECK (NOT evicting OR node_id IS NOT NULL),
    CHECK (NOT starts_elsewhere OR desired = 'stopped'),
    CHECK (NOT (assign_floating_ip AND floating_ip_detaching)),
    CHECK (assign_floating_ip OR NOT floating_ip_attaching)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX virtual_machine_name_unique ON virtual_machine (environment_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX virtual_machine_mac_unique ON virtual_machine (mac) WHERE deleted_at IS NULL;
CREATE INDEX virtual_machine_organization ON virtual_machine (organization_id, id) WHERE deleted_at IS NULL;
CREATE INDEX virtual_machine_node ON virtual_machine (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX virtual_machine_image ON virtual_machine (image_id);
CREATE INDEX virtual_machine_deadline ON virtual_machine (deadline_at) WHERE deadline_at IS NOT NULL;
-- Those that have left one node and wait for another.
CREATE INDEX virtual_machine_unplaced ON virtual_machine (id)
    WHERE node_id IS NULL AND phase IN ('creating', 'shutoff', 'hibernated');
CREATE INDEX virtual_machine_starting_elsewhere ON virtual_machine (id) WHERE starts_elsewhere;
CREATE INDEX virtual_machine_deleted ON virtual_machine (deleted_at) WHERE deleted_at IS NOT NULL;

-- What a node that was declared dead may still have of machines that live elsewhere or nowhere since. Its agent is told of
-- these before anything else, and a row goes when it has said that nothing of the machine is there.
CREATE TABLE abandoned_machine (
    node_id     bigint NOT NULL REFERENCES compute_node ON DELETE CASCADE,
    uuid        uuid NOT NULL,
    -- No foreign key: it outlives the machine.
    vm_id       bigint NOT NULL,
    -- The one at which the node has nothing of it; newer than all that the node can have heard of.
    generation  bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node_id, uuid)
);

CREATE TABLE vm_key_binding (
    vm_id       bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    position    integer NOT NULL,
    -- The key as it was bound: deleting or renaming the key pair changes no machine.
    key_id      bigint REFERENCES key ON DELETE SET NULL,
    name        text NOT NULL,
    public_key  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vm_id, position)
);

CREATE TABLE vm_label (
    vm_id       bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    label       text NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vm_id, label)
);
CREATE INDEX vm_label_label ON vm_label (label);

CREATE TABLE security_rule (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id       bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    direction   text NOT NULL CHECK (direction IN ('ingress', 'egress')),
    ethertype   text NOT NULL CHECK (ethertype IN ('IPv4', 'IPv6')),
    protocol    text NOT NULL CHECK (protocol ~ '^[a-z0-9-]+$'),
    remote      cidr NOT NULL,
    port_min    integer CHECK (port_min BETWEEN 0 AND 65535),
    port_max    integer CHECK (port_max BETWEEN 0 AND 65535),
    -- The machine's generation that brought it; the node has it once it applied that one.
    generation  bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((port_min IS NULL) = (port_max IS NULL) AND (port_min IS NULL OR port_min <= port_max))
);
CREATE INDEX security_rule_vm ON security_rule (vm_id);

-- Rules that were added to machines and taken away, until the machine's node has taken that.
CREATE TABLE security_rule_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id       bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    rule_id     bigint NOT NULL,
    removed     boolean NOT NULL,
    -- Whether it was told that the node could not; it still tries.
    failed      boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX security_rule_change_vm ON security_rule_change (vm_id);

CREATE TABLE vm_event (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id            bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    organization_id  bigint NOT NULL REFERENCES organization,
    user_id          bigint REFERENCES user_account ON DELETE SET NULL,
    type             text NOT NULL CHECK (type IN ('normal', 'warning')),
    reason           text NOT NULL,
    message          text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vm_event_vm ON vm_event (vm_id, id);
CREATE INDEX vm_event_age ON vm_event (created_at);

CREATE TABLE firewall (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id  bigint NOT NULL REFERENCES environment ON DELETE CASCADE,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    description     text NOT NULL DEFAULT '' CHECK (length(description) <= 250),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT firewall_name_unique UNIQUE (environment_id, name)
);

CREATE TABLE firewall_rule (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    firewall_id  bigint NOT NULL REFERENCES firewall ON DELETE CASCADE,
    direction    text NOT NULL CHECK (direction IN ('ingress', 'egress')),
    ethertype    text NOT NULL CHECK (ethertype IN ('IPv4', 'IPv6')),
    protocol     text NOT NULL CHECK (protocol ~ '^[a-z0-9-]+$'),
    remote       cidr NOT NULL,
    port_min     integer CHECK (port_min BETWEEN 0 AND 65535),
    port_max     integer CHECK (port_max BETWEEN 0 AND 65535),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((port_min IS NULL) = (port_max IS NULL) AND (port_min IS NULL OR port_min <= port_max))
);
CREATE INDEX firewall_rule_firewall ON firewall_rule (firewall_id);

CREATE TABLE firewall_attachment (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    firewall_id  bigint NOT NULL REFERENCES firewall ON DELETE CASCADE,
    vm_id        bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    -- The machine's generation that has the firewall as it is now.
    generation   bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (vm_id, firewall_id)
);
CREATE INDEX firewall_attachment_firewall ON firewall_attachment (firewall_id);

-- What a node has to do once for a machine, beside its wanted state.
CREATE TABLE machine_job (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id          bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    user_id        bigint REFERENCES user_account ON DELETE SET NULL,
    -- As the node reads it.
    work           jsonb NOT NULL,
    kind           text NOT NULL GENERATED ALWAYS AS (work ->> 'kind') STORED,
    state          text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    -- What it brought, such as a log.
    result         text,
    fault_code     text,
    fault_message  text,
    -- Nobody waits for it any longer than this.
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'failed') = (fault_code IS NOT NULL))
);
CREATE INDEX machine_job_pending ON machine_job (vm_id, id) WHERE state = 'pending';
CREATE INDEX machine_job_vm ON machine_job (vm_id, id);
CREATE INDEX machine_job_expiry ON machine_job (expires_at) WHERE state = 'pending';
CREATE INDEX machine_job_age ON machine_job (created_at) WHERE state <> 'pending';

-- Consoles that tenants asked for. Each is opened once, by the token made last.
CREATE TABLE console (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vm_id         bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    user_id       bigint REFERENCES user_account ON DELETE SET NULL,
    token_digest  bytea UNIQUE CHECK (octet_length(token_digest) = 32),
    opened_at     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX console_age ON console (created_at);
CREATE INDEX console_vm ON console (vm_id);

CREATE TABLE volume (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Names its file.
    uuid             uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    organization_id  bigint NOT NULL REFERENCES organization,
    -- Null only when the environment was deleted after the volume.
    environment_id   bigint REFERENCES environment ON DELETE SET NULL,
    created_by       bigint REFERENCES user_account ON DELETE SET NULL,
    pool_id          bigint NOT NULL REFERENCES storage_pool,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 250),
    size_gib         integer NOT NULL CHECK (size_gib BETWEEN 1 AND 1048576),
    -- What it began as; machines can boot from it then.
    image_id         bigint REFERENCES image,
    callback_url     text CHECK (length(callback_url) <= 250),
    -- `empty` before any node was told to make its file, `placed` until one said that it did, then `made`.
    state            text NOT NULL DEFAULT 'empty' CHECK (state IN ('empty', 'placed', 'made', 'deleting', 'deleted')),
    -- The node on whose own disk it is, which then holds its claim; null for those of shared pools.
    node_id          bigint REFERENCES compute_node,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    CHECK ((deleted_at IS NOT NULL) = (state = 'deleted')),
    CHECK (deleted_at IS NULL OR node_id IS NULL),
    CHECK (deleted_at IS NOT NULL OR environment_id IS NOT NULL)
);
CREATE UNIQUE INDEX volume_name_unique ON volume (environment_id, name) WHERE deleted_at IS NULL;
CREATE INDEX volume_organization ON volume (organization_id, id) WHERE deleted_at IS NULL;
CREATE INDEX volume_node ON volume (node_id) WHERE node_id IS NOT NULL;
CREATE INDEX volume_image ON volume (image_id) WHERE image_id IS NOT NULL;
CREATE INDEX volume_deleting ON volume (id) WHERE state = 'deleting';

-- One row a volume at most, which is what keeps two machines from having one.
CREATE TABLE volume_attachment (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    volume_id   bigint NOT NULL UNIQUE REFERENCES volume,
    vm_id       bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    -- Whether the machine boots from it.
    boot        boolean NOT NULL DEFAULT false,
    protected   boolean NOT NULL DEFAULT false,
    -- It is free for others only when the row is gone, which the node's word on the newest generation makes it.
    state       text NOT NULL DEFAULT 'attaching' CHECK (state IN ('attaching', 'attached', 'detaching')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX volume_attachment_vm ON volume_attachment (vm_id);

-- A machine's root disk as it was at one moment: one file in the image store, named by the UUID.
CREATE TABLE snapshot (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid             uuid NOT NULL UNIQUE,
    organization_id  bigint NOT NULL REFERENCES organization,
    environment_id   bigint REFERENCES environment ON DELETE SET NULL,
    region_id        bigint NOT NULL REFERENCES region,
    created_by       bigint REFERENCES user_account ON DELETE SET NULL,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 250),
    labels           text[] NOT NULL DEFAULT '{}',
    -- The machine, which may be gone since, and what one like it is made of.
    vm_id            bigint NOT NULL,
    vm_name          text NOT NULL,
    -- The volume that it booted from; null for a disk of its own.
    volume_id        bigint,
    volume_name      text,
    flavor_id        bigint NOT NULL REFERENCES flavor,
    base_image_id    bigint NOT NULL REFERENCES image,
    key_ids          bigint[] NOT NULL,
    has_floating_ip  boolean NOT NULL,
    job_id           bigint NOT NULL,
    state            text NOT NULL DEFAULT 'creating' CHECK (state IN ('creating', 'available', 'error', 'deleted')),
    -- Of the file, once the whole of it came; null before, and again when it was removed.
    sha256           text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes            bigint NOT NULL DEFAULT 0,
    size_gib         integer NOT NULL,
    -- Whether file systems on it are whole; null while that is not known.
    consistent       boolean,
    fault_code       text,
    fault_message    text,
    finished_at      timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    CHECK ((deleted_at IS NOT NULL) = (state = 'deleted')),
    CHECK (state <> 'available' OR sha256 IS NOT NULL),
    CHECK ((volume_id IS NULL) = (volume_name IS NULL))
);
CREATE UNIQUE INDEX snapshot_name_unique ON snapshot (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX snapshot_creating ON snapshot (vm_id) WHERE state = 'creating';
CREATE INDEX snapshot_image ON snapshot (base_image_id);
CREATE INDEX snapshot_file ON snapshot (id) WHERE state IN ('error', 'deleted') AND bytes > 0;
ALTER TABLE image ADD FOREIGN KEY (snapshot_id) REFERENCES snapshot;

-- What machines used. Series are not rolled up but thinned: what belongs to a coarser one is kept longer. No foreign key,
-- whose check would lock the machine's row every minute: they go with the machine, and by age.
CREATE TABLE vm_metric (
    vm_id         bigint NOT NULL,
    -- Its begin; of several samples in it, this is the last.
    minute        timestamptz NOT NULL,
    -- Seconds of the coarsest series that it belongs to.
    granularity   integer NOT NULL CHECK (granularity IN (60, 300, 3600)),
    -- Nanoseconds, then bytes. Null for what the node could not tell.
    cpu_time      bigint,
    memory        bigint,
    network_in    bigint,
    network_out   bigint,
    disk_read     bigint,
    disk_written  bigint,
    PRIMARY KEY (vm_id, minute)
) WITH (fillfactor = 90);
CREATE INDEX vm_metric_age ON vm_metric (granularity, minute);

-- Machines of ours that a host has and this database knows nothing of on that node, with what they hold: nobody else gets
-- it until an operator has them removed and the node says that they are gone.
CREATE TABLE orphan (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id         bigint NOT NULL REFERENCES compute_node,
    uuid            uuid NOT NULL,
    -- All that follows is as the node told; null for what its agent no longer knows.
    name            text,
    running         boolean NOT NULL,
    vcpus           integer,
    memory_mib      integer,
    -- With volumes on the node's own disk that are not known either.
    disk_gib        integer,
    gpus            text[] NOT NULL,
    -- A number that may be nobody's here.
    environment_id  bigint,
    subnet          cidr,
    address         inet,
    mac             text,
    floating_ip     inet,
    volumes         uuid[] NOT NULL,
    -- By an operator.
    removing        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orphan_unique UNIQUE (node_id, uuid)
);
CREATE INDEX orphan_uuid ON orphan (uuid);

-- Claims: one row a thing that one machine at a time can own --------------------------------------------------------

CREATE TABLE private_address (
    environment_id  bigint NOT NULL REFERENCES environment ON DELETE CASCADE,
    address         inet NOT NULL,
    vm_id           bigint UNIQUE REFERENCES virtual_machine,
    orphan_id       bigint REFERENCES orphan ON DELETE SET NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment_id, address)
);
CREATE INDEX private_address_free ON private_address (environment_id, updated_at)
    WHERE vm_id IS NULL AND orphan_id IS NULL;
CREATE INDEX private_address_orphan ON private_address (orphan_id) WHERE orphan_id IS NOT NULL;

CREATE TABLE floating_ip (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- No cascade: a pool goes only after its last address, and none goes that a machine has.
    pool_id      bigint NOT NULL REFERENCES floating_ip_pool,
    address      inet NOT NULL UNIQUE,
    vm_id        bigint UNIQUE REFERENCES virtual_machine,
    -- The machine that it moves to, once the node of the one that has it has given it up.
    next_vm_id   bigint UNIQUE REFERENCES virtual_machine,
    orphan_id    bigint REFERENCES orphan ON DELETE SET NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (next_vm_id <> vm_id)
);
-- The one released longest ago goes out first.
CREATE INDEX floating_ip_free ON floating_ip (pool_id, updated_at)
    WHERE vm_id IS NULL AND next_vm_id IS NULL AND orphan_id IS NULL;
CREATE INDEX floating_ip_orphan ON floating_ip (orphan_id) WHERE orphan_id IS NOT NULL;

-- One unit a row: all functions of an IOMMU group. Its edges are in StoredGPU.
CREATE TABLE gpu_device (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id        bigint NOT NULL REFERENCES compute_node ON DELETE CASCADE,
    -- Of its first GPU.
    address        text NOT NULL CHECK (address ~ '^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$'),
    model          text NOT NULL,
    gpu_type       text NOT NULL,
    numa_node      integer,
    iommu_group    integer,
    -- All endpoints of its IOMMU group, by address, in the words of the protocol.
    functions      jsonb NOT NULL,
    state          text NOT NULL CHECK (state IN ('free', 'allocated', 'sanitizing', 'faulty')),
    -- Rises when a machine gets it, and when it has to be cleaned anew.
    claim          bigint NOT NULL DEFAULT 1,
    -- How it was cleaned last.
    cleaning       text,
    vm_id          bigint REFERENCES virtual_machine,
    orphan_id      bigint REFERENCES orphan ON DELETE SET NULL,
    -- Why it is faulty, what holds up its cleaning, or what its machine may suffer from.
    reason         text,
    -- Whether the node's last inventory named it.
    present        boolean NOT NULL DEFAULT true,
    -- By an operator.
    cordoned       boolean NOT NULL DEFAULT false,
    cordon_reason  text,
    -- To the host's own drivers, by an operator.
    returned       boolean NOT NULL DEFAULT false,
    schedulable    boolean NOT NULL GENERATED ALWAYS AS
                       (state = 'free' AND NOT cordoned AND orphan_id IS NULL) STORED,
    -- As people are told: what an orphan has is not free, whatever else a backup says.
    told_state     text NOT NULL GENERATED ALWAYS AS
                       (CASE WHEN orphan_id IS NULL THEN state ELSE 'allocated' END) STORED,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gpu_device_address_unique UNIQUE (node_id, address),
    CHECK ((state = 'allocated') = (vm_id IS NOT NULL)),
    CHECK (present OR state <> 'free'),
    CHECK (NOT returned OR state = 'faulty' AND cordoned)
);
CREATE INDEX gpu_device_schedulable ON gpu_device (gpu_type, node_id) WHERE schedulable;
CREATE INDEX gpu_device_vm ON gpu_device (vm_id) WHERE vm_id IS NOT NULL;
CREATE INDEX gpu_device_orphan ON gpu_device (orphan_id) WHERE orphan_id IS NOT NULL;

-- Units that a node's Fabric Manager can connect to each other and cut off from all others. Those of a node overlap.
CREATE TABLE fabric_partition (
    node_id    bigint NOT NULL REFERENCES compute_node ON DELETE CASCADE,
    -- Fabric Manager's.
    number     integer NOT NULL,
    -- Of its units, by address.
    addresses  text[] NOT NULL CHECK (cardinality(addresses) > 0),
    active     boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node_id, number)
);

-- Whether a node can give a machine so many of some units. Where there is a fabric they have to be one of its partitions.
CREATE FUNCTION gives_gpus(node bigint, units text[], wanted integer) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT wanted <= coalesce(cardinality(units), 0) AND (
        wanted = 0 OR NOT EXISTS (SELECT FROM fabric_partition WHERE node_id = node)
        OR EXISTS (SELECT FROM fabric_partition
            WHERE node_id = node AND cardinality(addresses) = wanted AND addresses <@ units))
$$;

-- What became of a unit under each of its claims. No foreign key to the machine and its organization: it outlives them.
CREATE TABLE gpu_use (
    gpu_id           bigint NOT NULL REFERENCES gpu_device ON DELETE CASCADE,
    claim            bigint NOT NULL,
    -- Null where it was only cleaned anew.
    vm_id            bigint,
    vm_name          text,
    organization_id  bigint,
    released_at      timestamptz,
    cleaned_at       timestamptz,
    cleaning         text,
    faulty_at        timestamptz,
    fault            text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (gpu_id, claim)
);
CREATE INDEX gpu_use_vm ON gpu_use (vm_id) WHERE vm_id IS NOT NULL;
CREATE INDEX gpu_use_age ON gpu_use (created_at);

-- A trigger, so that nothing that changes a unit can forget its history.
CREATE FUNCTION note_gpu_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.claim IS DISTINCT FROM NEW.claim THEN
        -- Also of a machine that keeps it: a node was ahead of a database that was restored.
        UPDATE gpu_use SET released_at = now()
        WHERE gpu_id = NEW.id AND claim = OLD.claim AND vm_id IS NOT NULL AND released_at IS NULL;
        INSERT INTO gpu_use (gpu_id, claim, vm_id, vm_name, organization_id)
        SELECT NEW.id, NEW.claim, vm.id, vm.name, vm.organization_id
        FROM (VALUES (NEW.vm_id)) AS holder (id) LEFT JOIN virtual_machine vm ON vm.id = holder.id;
    END IF;
    UPDATE gpu_use
    SET released_at = CASE WHEN OLD.vm_id IS NOT NULL AND NEW.vm_id IS NULL THEN now() ELSE released_at END,
        cleaned_at = CASE NEW.state WHEN 'free' THEN now() ELSE cleaned_at END,
        cleaning = CASE NEW.state WHEN 'free' THEN NEW.cleaning ELSE cleaning END,
        faulty_at = CASE NEW.state WHEN 'faulty' THEN now() ELSE faulty_at END,
        fault = CASE NEW.state WHEN 'faulty' THEN NEW.reason ELSE fault END
    WHERE gpu_id = NEW.id AND claim = NEW.claim AND (OLD.state, OLD.claim) IS DISTINCT FROM (NEW.state, NEW.claim);
    RETURN NULL;
END $$;
CREATE TRIGGER note_use AFTER INSERT OR UPDATE OF state, claim ON gpu_device
    FOR EACH ROW EXECUTE FUNCTION note_gpu_use();

-- Messages --------------------------------------------------------------------------------------------------------

-- That a node has to be told of a machine. The task is made when it is sent, of what is wanted then.
CREATE TABLE task_outbox (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id          bigint NOT NULL REFERENCES compute_node ON DELETE CASCADE,
    vm_id            bigint NOT NULL REFERENCES virtual_machine ON DELETE CASCADE,
    -- The request that caused it, for logs; null for none.
    request_id       text CHECK (length(request_id) BETWEEN 1 AND 128),
    -- How often the broker had no queue for it.
    returns          integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX task_outbox_due ON task_outbox (next_attempt_at, id);
CREATE INDEX task_outbox_vm ON task_outbox (vm_id);

CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The broker's message, so that a redelivered one is not stored twice.
    message_id  text UNIQUE,
    queue       text NOT NULL,
    reason      text NOT NULL,
    body        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency_key (
    organization_id  bigint NOT NULL REFERENCES organization ON DELETE CASCADE,
    key              text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_digest   bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    -- The machines that the first request made, in order.
    vm_ids           bigint[] NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

-- What callbacks are signed with. Not hashed: an HMAC needs the secret itself. It leaves only in the answer that makes it.
CREATE TABLE callback_secret (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id  bigint NOT NULL REFERENCES organization ON DELETE CASCADE,
    secret           text NOT NULL CHECK (secret LIKE 'whsec\_%'),
    -- Null for the newest one; the ones before it sign beside it until then.
    expires_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX callback_secret_newest ON callback_secret (organization_id) WHERE expires_at IS NULL;
CREATE INDEX callback_secret_organization ON callback_secret (organization_id, id);

-- That the callback of a machine or volume has to be told of a status. Written where the status changes, under the lock of
-- the resource's row, so that ids are in the order of the changes.
CREATE TABLE callback_delivery (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The receiver's name for it, the same at each attempt, also after the database was restored.
    message_id       uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    organization_id  bigint NOT NULL REFERENCES organization ON DELETE CASCADE,
    vm_id            bigint REFERENCES virtual_machine ON DELETE CASCADE,
    volume_id        bigint REFERENCES volume ON DELETE CASCADE,
    -- What is told in order.
    resource         text NOT NULL GENERATED ALWAYS AS (
                         CASE WHEN vm_id IS NULL THEN 'volume ' || volume_id::text ELSE 'vm ' || vm_id::text END) STORED,
    resource_name    text NOT NULL,
    operation        text NOT NULL,
    -- What became of the operation.
    status           text NOT NULL,
    -- The resource's own status; null where it is that of the operation.
    resource_status  text,
    floating_ip      inet,
    url              text NOT NULL,
    -- Scheme, host and port: attempts to one receiver are limited, so that it holds up no other.
    receiver         text GENERATED ALWAYS AS (lower(substring(url FROM '^[^:]+://[^/?]+'))) STORED,
    state            text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'cancelled')),
    -- Counted when an attempt begins, so that one that was cut off counts.
    attempts         integer NOT NULL DEFAULT 0,
    last_error       text,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    -- An attempt is under way, and is taken for lost at this time.
    leased_until     timestamptz,
    -- Nothing is tried after this, but for a first attempt.
    expires_at       timestamptz NOT NULL DEFAULT now() + interval '1 day',
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CHECK ((vm_id IS NULL) <> (volume_id IS NULL))
);
CREATE INDEX callback_delivery_due ON callback_delivery (next_attempt_at, id) WHERE state = 'waiting';
CREATE INDEX callback_delivery_order ON callback_delivery (resource, id) WHERE state = 'waiting';
CREATE INDEX callback_delivery_leased ON callback_delivery (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX callback_delivery_organization ON callback_delivery (organization_id, id);
CREATE INDEX callback_delivery_vm ON callback_delivery (vm_id, id);
CREATE INDEX callback_delivery_age ON callback_delivery (updated_at) WHERE state <> 'waiting';

-- Where these tables are, as the conductors that served them last found them. In another place they came from a backup.
CREATE TABLE database_place (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    place       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Every table's updated_at --------------------------------------------------------------------------------------------

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.table_name FROM information_schema.columns c
        WHERE c.table_schema = current_schema() AND c.column_name = 'updated_at'
    LOOP
        EXECUTE format('CREATE TRIGGER touch BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION touch_updated_at()', name);
    END LOOP;
END $$;
