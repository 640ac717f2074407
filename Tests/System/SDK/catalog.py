# SPDX-License-Identifier: Apache-2.0
"""What the cloud offers."""

from surroundings import eventually
from tenant import refused


def look_around(tenant, names):
    assert names["region"] in [region.name for region in tenant.regions.list_regions().regions]

    def flavor():
        groups = tenant.flavors.list_flavors(region=names["region"]).data
        return next(flavor for group in groups for flavor in group.flavors if flavor.name == names["flavor"])

    assert flavor().cpu == 1 and flavor().gpu_count == 0
    eventually("a node has room for the flavor", lambda: flavor().stock_available)
    refused(404, tenant.flavors.list_flavors, "nowhere")
    images = [image for group in tenant.images.list_images().images for image in group.images]
    image = next(image for image in images if image.name == names["image"])
    assert tenant.images.get_image(image.id).image.name == names["image"]
    # The host has no GPU, and nothing is made up.
    assert tenant.gpus.list_gpus().gpu_list == []
    assert tenant.stocks.get_gpu_stock().stocks == []
    assert "ssh-ed25519" in tenant.keys.list_supported_key_pair_types().supported_key_types
    assert {"any", "icmp", "tcp", "udp"} <= set(tenant.protocols.list_firewall_rule_protocols().protocols)
