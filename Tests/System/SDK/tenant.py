# SPDX-License-Identifier: Apache-2.0
"""The vendor's SDK in a tenant's hands."""

import json

import hyperstack

from fields import missing
from operations import CLASSES
from surroundings import eventually


class Tenant:
    """One attribute for each class of the SDK, as `CLASSES` names it, with a key of its own."""

    def __init__(self, url, key, called):
        self.url, self.called = url, called
        client = hyperstack.ApiClient(hyperstack.Configuration(host=f"{url}/v1", api_key={"apiKey": key}))
        for name, api in CLASSES.items():
            setattr(self, name, Noted(api(client), called))

    def with_key(self, key):
        return Tenant(self.url, key, self.called)

    def machine(self, number):
        return self.machines.get_vm(number).instance

    def wait_for(self, number, status):
        """Waits until a machine has a status, and returns it."""

        def reached():
            machine = self.machine(number)
            if machine.status == "ERROR":
                raise AssertionError(f"machine {number} failed: {self.events.list_vm_events(number)}")
            return machine if machine.status == status else None

        return eventually(f"machine {number} becomes {status}", reached)


class Noted:
    """A class of the SDK that notes which of its operations were answered, with all that its models have."""

    def __init__(self, api, called):
        self._api, self._called = api, called

    def __getattr__(self, name):
        # The generator's double of the operation that returns the JSON too.
        operation = getattr(self._api, f"{name}_with_http_info")

        def call(*values, **named):
            answer = operation(*values, **named)
            absent = sorted(set(missing(answer.data, json.loads(answer.raw_data))))
            assert not absent, f"the answer of {name} lacks {', '.join(absent)}"
            self._called.add(f"{type(self._api).__name__}.{name}")
            return answer.data

        return call

    def raw(self, name, *values, **named):
        """The JSON of an operation whose answer the SDK's own model cannot hold."""
        answer = getattr(self._api, f"{name}_without_preload_content")(*values, **named)
        assert answer.status == 200, f"{name} was answered with {answer.status}: {answer.data}"
        self._called.add(f"{type(self._api).__name__}.{name}")
        return json.loads(answer.data)


def refused(status, operation, *values):
    """Expects an operation to be refused with an HTTP status."""
    try:
        answer = operation(*values)
    except hyperstack.exceptions.ApiException as error:
        assert error.status == status, f"refused with {error.status} rather than {status}: {error.body}"
    else:
        raise AssertionError(f"not refused with {status}, but answered: {answer}")
