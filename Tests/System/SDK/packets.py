# SPDX-License-Identifier: Apache-2.0
"""What reaches a machine: its floating IP, its own rules and its firewalls, proved with packets."""

from hyperstack import (
    AttachFirewallsToVMPayload,
    AttachFirewallWithVM,
    CreateFirewallPayload,
    CreateFirewallRulePayload,
)

from machines import rule
from surroundings import eventually
from tenant import refused


def open_and_close_port(tenant, machine, around):
    """A rule of the machine's own lets a port in until it is deleted."""
    address = machine.floating_ip
    around.login(address, "mkdir -p www && echo hello > www/index.html && httpd -p 8080 -h www")
    assert around.fetches(address, 8080) is None, "the port is open without a rule"
    made = tenant.machines.create_firewall_rule_for_vm(machine.id, rule("tcp", 8080)).security_rule
    assert made.id in [found.id for found in tenant.machine(machine.id).security_rules]
    eventually("the rule lets the port in", lambda: around.fetches(address, 8080) == "hello")
    tenant.machines.delete_firewall_rule_for_vm(machine.id, made.id)
    eventually("the port is closed again", lambda: around.fetches(address, 8080) is None)
    assert made.id not in [found.id for found in tenant.machine(machine.id).security_rules]


def share_firewall(tenant, machine, around):
    """A firewall works on the machines that have it, attached from either side."""
    firewalls, address = tenant.firewalls, machine.floating_ip
    payload = CreateFirewallPayload(name="pings", description="lets them in", environment_id=machine.environment.id)
    made = firewalls.create_firewall(payload).firewall
    ping = firewalls.add_rule_to_firewall(made.id, rule("icmp", payload=CreateFirewallRulePayload)).firewall_rule
    assert not around.pings(address), "pings arrive without the firewall"

    tenant.machines.attach_firewalls_to_vm(machine.id, AttachFirewallsToVMPayload(firewalls=[made.id]))
    eventually("pings arrive", lambda: around.pings(address))
    found = firewalls.get_firewall(made.id).firewall
    assert [attachment.vm.id for attachment in found.attachments] == [machine.id]
    assert [found.id for found in found.rules] == [ping.id]
    refused(409, firewalls.delete_existing_firewall, made.id)

    tenant.firewall_attachments.attach_firewall_to_vms(made.id, AttachFirewallWithVM(vms=[]))
    eventually("pings end with the attachment", lambda: not around.pings(address))
    tenant.firewall_attachments.attach_firewall_to_vms(made.id, AttachFirewallWithVM(vms=[machine.id]))
    eventually("pings arrive again", lambda: around.pings(address))
    firewalls.delete_rule_from_firewall(made.id, ping.id)
    eventually("pings end with the rule", lambda: not around.pings(address))

    tenant.machines.attach_firewalls_to_vm(machine.id, AttachFirewallsToVMPayload(firewalls=[]))
    assert [found.id for found in firewalls.list_existing_firewalls(search="pings").firewalls] == [made.id]
    firewalls.delete_existing_firewall(made.id)
    refused(404, firewalls.get_firewall, made.id)


def give_and_take_address(tenant, machine, around):
    """Without its floating IP nobody reaches the machine; with another one everybody does."""
    tenant.floating_ips.detach_public_ip_from_vm(machine.id)
    eventually("the address leads nowhere", lambda: around.ssh(machine.floating_ip, "true") is None)
    eventually("the machine has no address", lambda: not tenant.machine(machine.id).floating_ip)
    tenant.floating_ips.attach_public_ipto_vm(machine.id)
    eventually("the address works", lambda: tenant.machine(machine.id).floating_ip_status == "ATTACHED")
    machine = tenant.machine(machine.id)
    assert around.login(machine.floating_ip, "hostname") == machine.name
    return machine
