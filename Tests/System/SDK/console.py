# SPDX-License-Identifier: Apache-2.0
"""A machine's display, as a browser opens it."""

import base64
import os
import socket
import urllib.parse


def open_display(tenant, machine):
    """Asks for the display's URL by a job, and sees VNC behind it."""
    path = tenant.consoles.request_vm_console(machine.id).url
    job = int(path.rsplit("/", 1)[1])
    url = tenant.consoles.get_vncurl(machine.id, job).vnc_url.vnc_url
    greeting = first_bytes(url, 12)
    assert greeting.startswith(b"RFB 003.00"), greeting


def first_bytes(url, count):
    """The first bytes behind a console's URL, whose fragment has the path of a web socket (RFC 6455)."""
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.parse_qs(parts.fragment)["path"][0]
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        stream = connection.makefile("rb")
        connection.sendall(upgrade(parts.netloc, path))
        status = stream.readline()
        assert b" 101 " in status, status
        while stream.readline().strip():
            pass
        data = b""
        while len(data) < count:
            data += frame(stream)
        return data[:count]


def upgrade(host, path):
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET /{path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
    return "\r\n".join(lines).encode()


def frame(stream):
    """The data of one frame, which a server does not mask."""
    length = stream.read(2)[1]
    if length >= 126:
        length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
    return stream.read(length)
