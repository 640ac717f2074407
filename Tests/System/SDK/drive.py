# SPDX-License-Identifier: Apache-2.0
"""Drives a cloud by every operation of the vendor's SDK, and looks at what each comes to.

    drive.py SETTINGS

The settings are a JSON file: `url` and `key` of the API; the names of a `region`, an `image`, a `flavor` with one
processor and a `larger_flavor` with two; the `user` who may log in to guests; a `folder` for files; the words that go
before commands `outside` and on the `host`.
"""

import json
import sys

import access
import callbacks
import catalog
import console
import machines
import packets
import snapshots
import volumes
from operations import all_operations
from surroundings import Surroundings
from tenant import Tenant


def before_machines(tenant, settings, around):
    """What is there without a machine; returns the environment and the key pair of the machine."""
    catalog.look_around(tenant, settings)
    access.use_other_key(tenant)
    environment = access.make_environment(tenant, settings)
    key = access.import_key(tenant, "sdk", around.make_key())
    access.keep_profile(tenant, settings)
    return environment, key


def live(tenant, settings, around):
    """A machine's whole life."""
    machine = machines.create(tenant, settings, around)
    machines.find(tenant, machine)
    packets.open_and_close_port(tenant, machine, around)
    packets.share_firewall(tenant, machine, around)
    volumes.use_volume(tenant, machine, around)
    snapshots.use_snapshot(tenant, machine, around)
    console.open_display(tenant, machine)
    told = callbacks.Told(tenant, machine)
    told.attach()
    machines.stop_and_start(tenant, machine, around)
    told.expect_stop_and_start()
    told.move()
    machines.reboot(tenant, machine, around)
    told.expect_reboot()
    told.remove()
    machines.hibernate_and_grow(tenant, machine, settings, around)
    machine = packets.give_and_take_address(tenant, machine, around)
    machines.read_logs(tenant, machine)
    machines.read_metrics(tenant, machine)
    machines.enhance_metrics(tenant, machine)
    machines.read_events(tenant, machine)
    machines.delete(tenant, machine, around)
    told.expect_no_more()


def drive(settings):
    called = set()
    tenant = Tenant(settings["url"], settings["key"], called)
    around = Surroundings(settings["outside"], settings["host"], settings["user"], settings["folder"])
    environment, key = before_machines(tenant, settings, around)
    live(tenant, settings, around)
    access.remove_key(tenant, key)
    access.remove_environment(tenant, environment)
    return called


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        called = drive(json.load(file))
    forgotten = sorted(all_operations().keys() - called)
    if forgotten:
        sys.exit(f"not called: {', '.join(forgotten)}")
    print(f"{len(called)} operations of the SDK did what they say")


if __name__ == "__main__":
    main()
