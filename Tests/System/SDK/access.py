# SPDX-License-Identifier: Apache-2.0
"""Environments, key pairs, profiles and API keys: what is there before any machine."""

from hyperstack import (
    CreateEnvironment,
    CreateProfilePayload,
    GenerateUpdateApiKeyPayload,
    ImportKeypairPayload,
    UpdateEnvironment,
    UpdateKeypairName,
)

from tenant import refused


def make_environment(tenant, names):
    """Makes an environment and gives it another name."""
    environments = tenant.environments
    assert environments.fetch_environment_name_availability("sdk-first").available
    made = environments.create_environment(CreateEnvironment(name="sdk-first", region=names["region"])).environment
    assert not environments.fetch_environment_name_availability("sdk-first").available
    environments.update_environment(made.id, UpdateEnvironment(name="sdk"))
    assert environments.get_environment(made.id).environment.name == "sdk"
    assert [found.id for found in environments.list_environments(search="sdk").environments] == [made.id]
    assert environments.get_environment_vm_quota(made.id).current_vms == 0
    return made


def remove_environment(tenant, environment):
    tenant.environments.delete_environment(environment.id)
    refused(404, tenant.environments.get_environment, environment.id)


def import_key(tenant, environment, public_key):
    """Imports a key pair and gives it another name."""
    payload = ImportKeypairPayload(name="first", environment_name=environment, public_key=public_key)
    key = tenant.keys.import_key_pair(payload).keypair
    assert key.public_key == public_key
    assert tenant.keys.update_key_pair_name(key.id, UpdateKeypairName(name="laptop")).keypair.name == "laptop"
    assert key.id in [found.id for found in tenant.keys.list_key_pairs(search="laptop").keypairs]
    return key


def remove_key(tenant, key):
    tenant.keys.delete_key_pair(key.id)
    assert key.id not in [found.id for found in tenant.keys.list_key_pairs().keypairs]


def keep_profile(tenant, names):
    """Keeps a profile, finds it and removes it."""
    data = {"environment_name": "sdk", "image_name": names["image"], "flavor_name": names["flavor"]}
    payload = CreateProfilePayload(name="kept", description="for later", data=data)
    made = tenant.profiles.create_profile(payload).profile
    assert made.id in [found.id for found in tenant.profiles.list_profiles().profiles]
    found = tenant.profiles.get_profile(made.id).profile
    assert (found.name, found.description) == ("kept", "for later")
    tenant.profiles.delete_profile(made.id)
    refused(404, tenant.profiles.get_profile, made.id)


def use_other_key(tenant):
    """Makes an API key, works with it, and takes it back."""
    keys = tenant.api_keys
    made = keys.generate_api_key(GenerateUpdateApiKeyPayload(name="second", description="of the SDK")).api_key
    other = tenant.with_key(made.key)
    assert other.regions.list_regions().status
    keys.update_api_key(made.id, GenerateUpdateApiKeyPayload(name="renamed"))
    assert [key.name for key in keys.get_api_key().api_keys if key.id == made.id] == ["renamed"]
    keys.delete_api_key(made.id)
    refused(401, other.regions.list_regions)
