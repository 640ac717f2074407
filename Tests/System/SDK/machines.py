# SPDX-License-Identifier: Apache-2.0
"""A machine's life: made, labelled, stopped, started, rebooted, looked into and deleted."""

from hyperstack import (
    CreateInstancesPayload,
    CreateSecurityRulePayload,
    EditLabelOfAnExistingVMPayload,
    InstanceResizePayload,
    ProfileObjectFields,
    RequestInstanceLogsPayload,
    UserEnhancedMetricsPayload,
)

from surroundings import eventually
from tenant import refused

NAME = "sdk-machine"
WHAT_HAPPENED = ("Creation", "Stop", "Start", "Reboot")


def rule(protocol, port=None, payload=CreateSecurityRulePayload):
    """Lets a protocol in, from everywhere."""
    return payload(
        direction="ingress",
        ethertype="IPv4",
        protocol=protocol,
        remote_ip_prefix="0.0.0.0/0",
        port_range_min=port,
        port_range_max=port,
    )


def create(tenant, names, around):
    """Makes a machine with all that a request has, and logs in to it."""
    assert tenant.machines.check_vm_name_availability(NAME).available
    answer = tenant.machines.create_vms(
        CreateInstancesPayload(
            name=NAME,
            environment_name="sdk",
            image_name=names["image"],
            flavor_name=names["flavor"],
            key_name="laptop",
            count=1,
            assign_floating_ip=True,
            labels=["first"],
            security_rules=[rule("tcp", 22)],
            user_data="#!/bin/sh\necho told > /var/lib/told\n",
            profile=ProfileObjectFields(name="of-the-machine", description="made with it"),
        )
    )
    made = answer.instances[0]
    assert made.floating_ip, "the address is not in the answer"
    machine = tenant.wait_for(made.id, "ACTIVE")
    assert machine.floating_ip == made.floating_ip
    assert around.login(machine.floating_ip, "hostname") == NAME
    assert around.login(machine.floating_ip, "cat /var/lib/told") == "told"
    assert len(around.running_guests()) == 1
    assert not tenant.machines.check_vm_name_availability(NAME).available
    profile = next(found for found in tenant.profiles.list_profiles().profiles if found.name == "of-the-machine")
    tenant.profiles.delete_profile(profile.id)
    return machine


def find(tenant, machine):
    """Finds it by what lists are asked for."""
    lists = tenant.machines.list_vms

    def has(**asked):
        return [found.id for found in lists(**asked).instances] == [machine.id]

    assert has(environment="sdk") and has(search=NAME) and not has(search="no-such-machine")
    tenant.machines.add_vm_label(machine.id, EditLabelOfAnExistingVMPayload(labels=["first", "second"]))
    assert sorted(tenant.machine(machine.id).labels) == ["first", "second"]
    assert tenant.environments.get_environment_vm_quota(machine.environment.id).current_vms == 1
    assert tenant.machines.get_contract_vms(1).instances == []


def boot_number(machine, around):
    return around.login(machine.floating_ip, "cat /proc/sys/kernel/random/boot_id")


def stop_and_start(tenant, machine, around):
    """Stops it, by the host's word, and starts it again with its disk."""
    around.login(machine.floating_ip, "echo kept > ~/kept && sync")
    tenant.machines.stop_vm(machine.id)
    tenant.wait_for(machine.id, "SHUTOFF")
    assert around.running_guests() == []
    refused(400, tenant.machines.stop_vm, machine.id)
    tenant.machines.start_vm(machine.id)
    tenant.wait_for(machine.id, "ACTIVE")
    assert around.login(machine.floating_ip, "cat ~/kept") == "kept"


def reboot(tenant, machine, around):
    before = boot_number(machine, around)
    tenant.machines.hard_reboot_vm(machine.id)
    eventually("the guest boots again", lambda: boot_number(machine, around) != before)
    tenant.wait_for(machine.id, "ACTIVE")


def hibernate_and_grow(tenant, machine, names, around):
    """Hibernates it, gives it a larger flavor and restores it, at its address and with its disk."""
    assert around.login(machine.floating_ip, "nproc") == "1"
    tenant.machines.hibernate_vm(machine.id, retain_ip="true")
    tenant.wait_for(machine.id, "HIBERNATED")
    assert around.running_guests() == []
    refused(400, tenant.machines.start_vm, machine.id)
    tenant.machines.resize_vm(machine.id, InstanceResizePayload(flavor_name=names["larger_flavor"]))
    assert tenant.machine(machine.id).flavor.name == names["larger_flavor"]
    tenant.machines.restore_vm_from_hibernation(machine.id)
    tenant.wait_for(machine.id, "ACTIVE")
    assert around.login(machine.floating_ip, "nproc && cat ~/kept").split() == ["2", "kept"]


def read_logs(tenant, machine):
    """Reads what the guest wrote to its console, by a job."""
    job = tenant.machines.request_vm_logs(machine.id, RequestInstanceLogsPayload(length=1000)).request_id
    log = eventually("the log is there", lambda: tenant.machines.get_vm_logs(machine.id, job).logs or None)
    assert "gantry-micro: ready" in log


def read_metrics(tenant, machine):
    """Reads what it used. The SDK's model takes the numbers of a point for objects, and so can hold no points."""

    def measured():
        series = tenant.machines.raw("get_vm_metrics", machine.id, duration="1h")
        return series if series["cpu"]["data"] else None

    cpu = eventually("the guest was measured", measured)["cpu"]
    assert (cpu["unit"], cpu["columns"]) == ("ns", ["time", "granularity", "value"])
    assert cpu["data"][-1][2] > 0


def enhance_metrics(tenant, machine):
    """Has each minute's metrics kept for a week, which makes a week's points a minute apart."""

    def week():
        return tenant.machines.raw("get_vm_metrics", machine.id, duration="7d")["cpu"]["data"]

    assert {point[1] for point in week()} == {300}
    for enabled, seconds in ((True, 60), (False, 300)):
        payload = UserEnhancedMetricsPayload(enabled=enabled)
        answer = tenant.machines.toggle_enhanced_metrics_for_avm(machine.id, payload)
        assert answer.metrics.enabled == tenant.machine(machine.id).enhanced_metrics.enabled == enabled
        assert {point[1] for point in week()} == {seconds}


def read_events(tenant, machine):
    """Reads what happened to it, in the vendor's words."""
    events = tenant.events.list_vm_events(machine.id).instance_events
    assert all(event.instance_id == machine.id and event.time for event in events)
    expected = {f"Instance{what}{end}" for what in WHAT_HAPPENED for end in ("Request", "Success")}
    assert not expected - {event.reason for event in events}, events


def delete(tenant, machine, around):
    """Deletes it; then neither the API nor the host has it."""
    tenant.machines.delete_vm(machine.id)

    def is_gone():
        return machine.id not in [found.id for found in tenant.machines.list_vms().instances]

    eventually("the machine is gone", is_gone)
    refused(404, tenant.machines.get_vm, machine.id)
    assert around.running_guests() == []
    assert tenant.machines.check_vm_name_availability(NAME).available
