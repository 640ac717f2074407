# SPDX-License-Identifier: Apache-2.0
"""What a machine's changes are told to."""

from hyperstack import AttachCallbackPayload

from surroundings import Receiver, eventually


class Told:
    """A machine whose changes are told to a web server of the tenant's."""

    def __init__(self, tenant, machine):
        self.tenant, self.machine, self.receiver = tenant, machine, Receiver()

    def attach(self):
        """Tells the first path from now on."""
        url = self.receiver.url("/first?token=A%2fb")
        answer = self.tenant.callbacks.attach_callback_to_vm(self.machine.id, AttachCallbackPayload(url=url))
        assert answer.url == url and self.tenant.machine(self.machine.id).callback_url == url

    def expect_stop_and_start(self):
        expected = ["STOPPING", "SHUTOFF", "STARTING", "ACTIVE"]
        path = "/first?token=A%2fb"
        eventually(f"{expected} is told", lambda: self.receiver.statuses(path)[-1:] == ["ACTIVE"])
        assert self.receiver.statuses(path) == expected, self.receiver.statuses(path)

    def move(self):
        """Tells the second path from now on."""
        url = self.receiver.url("/second")
        assert self.tenant.callbacks.update_vm_callback(self.machine.id, AttachCallbackPayload(url=url)).url == url

    def expect_reboot(self):
        eventually("the reboot is told", lambda: self.receiver.statuses("/second") == ["REBOOTING", "ACTIVE"])

    def remove(self):
        self.tenant.callbacks.delete_vm_callback(self.machine.id)
        assert not self.tenant.machine(self.machine.id).callback_url

    def expect_no_more(self):
        """Nothing was told after the reboot, however the machine went on."""
        assert sum(len(posts) for posts in self.receiver.posts.values()) == 6, self.receiver.posts
