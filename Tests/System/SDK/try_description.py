# SPDX-License-Identifier: Apache-2.0
"""Tries what the API's description promises, with and without keys: every answer has a described status and body.

    try_description.py URL TENANTS_KEY OPERATORS_KEY
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import urllib.parse

PROMISES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "negative_data_rejection",
    "unsupported_method",
]
ADMIN, KEYS = "^/v1/admin/", "/api-key"


def try_operations(url, key, *chosen):
    """Calls operations with values at and beyond every bound of their description, then with random ones.

    Without a key all are answered alike, so that the random ones do.
    """
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [program, "run", f"{url}/openapi.json", "--url", url, "--checks", ",".join(PROMISES), *chosen]
    command += ["--phases", "coverage,fuzzing" if key else "fuzzing", "--max-examples", "4"]
    command += ["--generation-deterministic", "--no-shrink"]
    command += ["--continue-on-failure", "--request-timeout", "20", "--warnings", "off", "--no-color"]
    if key:
        command += ["--header", f"api_key: {key}"]
    # It keeps notes where it runs.
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if result.returncode != 0:
        sys.exit(result.stdout + result.stderr)


def expect_refusal(url, request):
    """What is no HTTP is refused at once, and its connection closed."""
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 "), f"{request} is answered with {answer}"


def main():
    url, tenants_key, operators_key = sys.argv[1:]
    expect_refusal(url, b"NO HTTP\r\n\r\n")
    expect_refusal(url, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n")
    try_operations(url, None)
    try_operations(url, operators_key, "--include-path-regex", ADMIN)
    try_operations(url, tenants_key, "--exclude-path-regex", f"{ADMIN}|{KEYS}")
    # Last, since they may change the key that they are tried with.
    try_operations(url, tenants_key, "--include-path-regex", KEYS)


if __name__ == "__main__":
    main()
