# SPDX-License-Identifier: Apache-2.0
"""What is around the API: guests over SSH, the host that they run on, and the tenant's own machine."""

import http.server
import json
import subprocess
import threading
import time


class Surroundings:
    """Where commands run.

    `outside` goes before commands that reach guests as any client does, `host` before those on the host of the guests.
    """

    def __init__(self, outside, host, user, folder):
        self.outside, self.host, self.user, self.folder = outside, host, user, folder
        self.key_file = f"{folder}/sdk_key"

    def make_key(self):
        """Makes a key pair and returns its public half."""
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sdk", "-f", self.key_file])
        with open(f"{self.key_file}.pub", encoding="utf-8") as file:
            return file.read().strip()

    def ssh(self, address, command, user=None):
        """What a command in a guest says; None while nobody answers, and when it fails."""
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=3"]
        options += ["ServerAliveInterval=2", "ServerAliveCountMax=3"]
        program = ["ssh", "-q", "-i", self.key_file, *(word for option in options for word in ("-o", option))]
        return self._from_outside([*program, f"{user or self.user}@{address}", command])

    def login(self, address, command="true"):
        """The same, as soon as it succeeds."""
        return eventually(f"“{command}” at {address}", lambda: self.ssh(address, command))

    def login_as_root(self, address, command):
        return eventually(f"“{command}” by root at {address}", lambda: self.ssh(address, command, "root"))

    def fetches(self, address, port):
        """What a guest's web server answers; None when it cannot be reached."""
        return self._from_outside(["curl", "-sf", "--max-time", "2", f"http://{address}:{port}/"])

    def pings(self, address):
        return self._from_outside(["ping", "-q", "-c", "1", "-W", "1", address]) is not None

    def on_host(self, *command):
        """What a command on the host of the guests says."""
        return run([*self.host, *command]).strip()

    def running_guests(self):
        """The names of the domains that run on the host."""
        return self.on_host("virsh", "-q", "list", "--name").split()

    def _from_outside(self, command):
        result = subprocess.run([*self.outside, *command], capture_output=True, text=True, timeout=60, check=False)
        return result.stdout.strip() if result.returncode == 0 else None


class Receiver:
    """A web server that keeps what is posted to it, by path."""

    def __init__(self):
        self.posts = {}
        posts = self.posts

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                posts.setdefault(self.path, []).append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def statuses(self, path):
        """The statuses that a path was told, in order."""
        return [post["data"]["status"] for post in self.posts.get(path, [])]


def run(command):
    """What a command says that has to succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def eventually(what, condition, seconds=180):
    """Waits until a condition is neither false nor None, and returns it. An empty text is an answer."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.3)
