# SPDX-License-Identifier: Apache-2.0
"""Holds the list of what is not served against the SDK, the API's description and the documentation.

    check_lists.py OPENAPI_JSON COMPATIBILITY_MD

Prints what does not agree, a line each; nothing when all does.
"""

import json
import pathlib
import re
import sys

from operations import all_operations, not_served


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
    """The routes of the sections "Served" and "Not yet"."""
    served, rest = text.split("## Served")[1].split("## Not yet")
    routes = re.compile(r"^(?:\| |- )`([A-Z]+ /\S+)`", re.MULTILINE)
    return tuple(
        {without_names(route) for route in routes.findall(part)} for part in (served, rest.split("\n## ")[0])
    )


def disagreements(document, text):
    operations, missing = all_operations(), not_served()
    in_api, (in_served, in_not_yet) = described(document), documented(text)
    for name in sorted(missing - operations.keys()):
        yield f"not_served.txt names {name}, which the SDK does not have"
    for name, route in sorted(operations.items()):
        route = without_names(route)
        if name in missing and route in in_api:
            yield f"{name} ({route}) is served: take it from not_served.txt and call it"
        if name not in missing and route not in in_api:
            yield f"{name} ({route}) is not served: serve it, or name it in not_served.txt"
        if name in missing and route not in in_not_yet:
            yield f"docs/compatibility.md lacks {route} below \"Not yet\""
        if name not in missing and route not in in_served:
            yield f"docs/compatibility.md lacks {route} below \"Served\""
    for route in sorted(in_not_yet & in_api):
        yield f"docs/compatibility.md has {route} below \"Not yet\", and it is served"
    for route in sorted(in_served - in_api):
        yield f"docs/compatibility.md has {route} below \"Served\", and it is not"


if __name__ == "__main__":
    description, compatibility = (pathlib.Path(path).read_text() for path in sys.argv[1:])
    for line in disagreements(json.loads(description), compatibility):
        print(line)
