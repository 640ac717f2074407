# SPDX-License-Identifier: Apache-2.0
"""Snapshots: a machine's disk, from which others and images are made."""

from hyperstack import CreateImagePayload, CreateSnapshotPayload, SnapshotRestoreRequest

from machines import rule
from surroundings import eventually
from tenant import refused


def use_snapshot(tenant, machine, around):
    """Takes a snapshot of the running machine, makes a machine and an image of it, and deletes all three."""
    around.login(machine.floating_ip, "echo then > ~/moment && sync")
    snapshot = take(tenant, machine)
    around.login(machine.floating_ip, "echo later > ~/moment && sync")
    restore(tenant, machine, snapshot, around)
    make_image(tenant, snapshot)
    tenant.snapshots.delete_snapshot(snapshot.id)
    eventually("the snapshot is gone", lambda: not tenant.snapshots.list_snapshots(search="moment").snapshots)
    refused(404, tenant.snapshots.get_snapshot, snapshot.id)


def take(tenant, machine):
    assert tenant.snapshots.fetch_snapshot_name_availability("moment").available
    payload = CreateSnapshotPayload(name="moment", description="of then", labels=["kept"])
    snapshot = tenant.machines.create_snapshot_for_vm(machine.id, payload).snapshot
    assert not tenant.snapshots.fetch_snapshot_name_availability("moment").available
    assert [found.id for found in tenant.snapshots.list_snapshots(search="moment").snapshots] == [snapshot.id]

    def taken():
        found = tenant.snapshots.get_snapshot(snapshot.id).snapshot
        assert found.status != "ERROR", found
        return found if found.status == "AVAILABLE" else None

    found = eventually("the snapshot is taken", taken)
    assert (found.vm_id, found.name, found.description) == (machine.id, "moment", "of then")
    assert (found.vm_status, found.volume_id) == ("ACTIVE", None)
    return found


def restore(tenant, machine, snapshot, around):
    """A machine of the snapshot has what the other had then."""
    made = tenant.snapshots.restore_snapshot(snapshot.id, SnapshotRestoreRequest(new_vm_name="sdk-again")).instance
    again = tenant.wait_for(made.id, "ACTIVE")
    assert again.id != machine.id and again.name == "sdk-again"
    # It has no rules but the default ones, and none lets anybody in.
    tenant.machines.create_firewall_rule_for_vm(again.id, rule("tcp", 22))
    if not again.floating_ip:
        tenant.floating_ips.attach_public_ipto_vm(again.id)
        again = eventually("it has an address", lambda: reachable(tenant, again.id))
    assert around.login(again.floating_ip, "cat ~/moment") == "then"
    tenant.machines.delete_vm(again.id)
    eventually("the other machine is gone", lambda: len(tenant.machines.list_vms(environment="sdk").instances) == 1)


def reachable(tenant, number):
    machine = tenant.machine(number)
    return machine if machine.floating_ip_status == "ATTACHED" else None


def make_image(tenant, snapshot):
    images = tenant.images
    assert images.fetch_image_name_availability("sdk-image").available
    payload = CreateImagePayload(name="sdk-image", labels=["kept"])
    made = tenant.snapshots.create_custom_image(snapshot.id, payload).id
    assert not images.fetch_image_name_availability("sdk-image").available
    assert images.get_image(made).image.name == "sdk-image"
    images.delete_image(made)
    refused(404, images.get_image, made)
