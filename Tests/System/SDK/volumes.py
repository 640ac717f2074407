# SPDX-License-Identifier: Apache-2.0
"""Volumes: disks that are plugged into a running guest and outlive what is done to it."""

from hyperstack import (
    AttachCallbackPayload,
    AttachVolumesPayload,
    CreateVolumePayload,
    DetachVolumesPayload,
    UpdateVolumeAttachmentPayload,
    UpdateVolumePayload,
)

from surroundings import Receiver, eventually
from tenant import refused


def use_volume(tenant, machine, around):
    """Makes a volume, writes to it in the guest, takes it out and in again, and deletes it."""
    volume = make(tenant)
    receiver = tell_of(tenant, volume)
    device = attach(tenant, machine, volume, around)
    around.login_as_root(machine.floating_ip, f"echo kept | dd of={device} conv=fsync")
    protect(tenant, machine, volume)
    detach(tenant, machine, volume)
    eventually("the guest has no such disk", lambda: size_in_guest(machine, around, device) is None)
    told = ["IN-USE", "AVAILABLE"]
    eventually(f"{told} is told", lambda: receiver.statuses("/volume") == told)

    tenant.callbacks.delete_volume_callback(volume.id)
    device = attach(tenant, machine, volume, around)
    assert around.login_as_root(machine.floating_ip, f"head -n 1 {device}") == "kept"
    detach(tenant, machine, volume)
    delete(tenant, volume)
    assert receiver.posts.keys() == {"/volume"} and receiver.statuses("/volume") == told, receiver.posts


def make(tenant):
    assert tenant.volumes.fetch_volume_name_availability("data").available
    kind = eventually("a node has a pool", lambda: tenant.volumes.list_volume_types().volume_types or None)[0]
    payload = CreateVolumePayload(name="data", environment_name="sdk", size=1, volume_type=kind, description="kept")
    volume = tenant.volumes.create_volume(payload).volume
    assert not tenant.volumes.fetch_volume_name_availability("data").available
    assert [found.id for found in tenant.volumes.list_volumes(search="data").volumes] == [volume.id]
    found = tenant.volumes.get_volume(volume.id).volume
    assert (found.name, found.size, found.volume_type, found.status) == ("data", 1, kind, "available")
    tenant.volumes.update_volume(volume.id, UpdateVolumePayload(environment_name="sdk"))
    return volume


def tell_of(tenant, volume):
    """Has its changes told to a web server, which moves once."""
    receiver = Receiver()
    tenant.callbacks.attach_callback_to_volume(volume.id, AttachCallbackPayload(url=receiver.url("/nowhere")))
    url = receiver.url("/volume")
    assert tenant.callbacks.update_volume_callback(volume.id, AttachCallbackPayload(url=url)).url == url
    assert tenant.volumes.get_volume(volume.id).volume.callback_url == url
    return receiver


def attach(tenant, machine, volume, around):
    """Plugs it in, and returns its device in the guest."""
    before = disks(machine, around)
    payload = AttachVolumesPayload(volume_ids=[volume.id])
    made = tenant.volume_attachments.attach_volumes_to_vm(machine.id, payload).volume_attachments[0]
    assert (made.instance_id, made.volume_id) == (machine.id, volume.id)
    new = eventually("the guest has the disk", lambda: disks(machine, around) - before or None)
    device = f"/dev/{new.pop()}"
    assert size_in_guest(machine, around, device) == 1 << 30
    eventually("the volume is in use", lambda: tenant.volumes.get_volume(volume.id).volume.status == "in-use")
    return device


def protect(tenant, machine, volume):
    """While an attachment is protected it stays."""
    attachment = tenant.machine(machine.id).volume_attachments[0]
    assert attachment.volume.id == volume.id
    change = tenant.volume_attachments.update_volume_attachment
    change(attachment.id, UpdateVolumeAttachmentPayload(protected=True))
    payload = DetachVolumesPayload(volume_ids=[volume.id])
    refused(400, tenant.volume_attachments.detach_volumes_from_vm, machine.id, payload)
    change(attachment.id, UpdateVolumeAttachmentPayload(protected=False))


def detach(tenant, machine, volume):
    refused(400, tenant.volumes.delete_volume, volume.id)
    payload = DetachVolumesPayload(volume_ids=[volume.id])
    tenant.volume_attachments.detach_volumes_from_vm(machine.id, payload)
    eventually("the volume is free", lambda: tenant.volumes.get_volume(volume.id).volume.status == "available")
    assert tenant.machine(machine.id).volume_attachments == []


def delete(tenant, volume):
    tenant.volumes.delete_volume(volume.id)
    eventually("the volume is gone", lambda: not tenant.volumes.list_volumes(search="data").volumes)
    refused(404, tenant.volumes.get_volume, volume.id)


def disks(machine, around):
    return set(around.login(machine.floating_ip, "ls /sys/block").split())


def size_in_guest(machine, around, device):
    sectors = around.ssh(machine.floating_ip, f"cat /sys/block/{device.removeprefix('/dev/')}/size")
    return int(sectors) * 512 if sectors else None
