# SPDX-License-Identifier: Apache-2.0
"""The operations that the vendor's SDK has, by introspection."""

import inspect
import re

import hyperstack

# Each class of the SDK that is about compute, and how the scripts call it.
CLASSES = {
    "machines": hyperstack.VirtualMachineApi,
    "events": hyperstack.VirtualMachineEventsApi,
    "environments": hyperstack.EnvironmentApi,
    "keys": hyperstack.KeypairApi,
    "flavors": hyperstack.FlavorApi,
    "images": hyperstack.ImageApi,
    "regions": hyperstack.RegionApi,
    "gpus": hyperstack.GpuApi,
    "stocks": hyperstack.StockApi,
    "floating_ips": hyperstack.FloatingIpApi,
    "firewalls": hyperstack.FirewallsApi,
    "firewall_attachments": hyperstack.FirewallAttachmentApi,
    "protocols": hyperstack.SecurityRulesApi,
    "volumes": hyperstack.VolumeApi,
    "volume_attachments": hyperstack.VolumeAttachmentApi,
    "snapshots": hyperstack.SnapshotsApi,
    "profiles": hyperstack.ProfileApi,
    "callbacks": hyperstack.CallbacksApi,
    "consoles": hyperstack.VncUrlApi,
    "api_keys": hyperstack.ApiKeyApi,
}

# The generator makes three methods of each operation.
DOUBLES = ("_with_http_info", "_without_preload_content")


def all_operations():
    """Every operation as `Class.method`, with its method and path: `GET /core/regions`."""
    found = {}
    for api in CLASSES.values():
        for name, _ in inspect.getmembers(api, inspect.isfunction):
            if not name.startswith("_") and not name.endswith(DOUBLES):
                found[f"{api.__name__}.{name}"] = _route(api, name)
    return found


def _route(api, name):
    source = inspect.getsource(getattr(api, f"_{name}_serialize"))
    method, path = re.search(r"method='(\w+)',\s*resource_path='([^']+)'", source).groups()
    return f"{method} {path}"
