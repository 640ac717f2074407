# SPDX-License-Identifier: Apache-2.0
"""Holds the SDK's operations against the API's description and the documentation.

    check_lists.py OPENAPI_JSON COMPATIBILITY_MD

Prints what does not agree, a line each; nothing when all does.
"""

import json
import pathlib
import re
import sys

from operations import all_operations


def without_names(route):
    """A route whose parameters have no names: `GET /core/volumes/{}`."""
    return re.sub(r"\{\w+\}", "{}", route)


def described(document):
    """The routes of an API's description, as the SDK writes them."""
    return {
        without_names(f"{method.upper()} {path.removeprefix('/v1')}")
        for path, item in document["paths"].items()
        for method in item
    }


def documented(text):
    """The routes of the section "Served"."""
    served = text.split("## Served")[1].split("\n## ")[0]
    return {without_names(route) for route in re.findall(r"^\| `([A-Z]+ /\S+)`", served, re.MULTILINE)}


def disagreements(document, text):
    in_api, in_documentation = described(document), documented(text)
    for name, route in sorted(all_operations().items()):
        route = without_names(route)
        if route not in in_api:
            yield f"{name} ({route}) is not served"
        if route not in in_documentation:
            yield f"docs/compatibility.md lacks {route}"
    for route in sorted(in_documentation - in_api):
        yield f"docs/compatibility.md has {route}, and it is not served"


if __name__ == "__main__":
    description, compatibility = (pathlib.Path(path).read_text() for path in sys.argv[1:])
    for line in disagreements(json.loads(description), compatibility):
        print(line)
