"""Apache with mod_auth_openidc: apache/httpd.conf, and a provider to sign in at."""

import os
import secrets
import ssl
import threading
import urllib.parse
from pathlib import Path

import components
import site_files

from peers.peer import HERE, Client, Peer, Script, fill_in

MODULES = Path("/usr/lib/apache2/modules")
SOURCE = HERE / "apache"


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}"


class Apache(components.Component):
    name = "apache"

    def __init__(self, directory, words):
        super().__init__(directory)
        self._words = words
        self.port = components.free_port()

    def command(self):
        config = self.directory / "httpd.conf"
        return [components.find_program("apache2"), "-f", config, "-DFOREGROUND"]

    def launch(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        own = {"DIRECTORY": self.directory, "PORT": self.port, "MODULES": MODULES}
        # It does not serve as root. The group and the user are Debian's for web servers.
        own["USER"] = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        fill_in(SOURCE / "httpd.conf", self.directory / "httpd.conf", {**self._words, **own})
        super().launch()

    def is_ready(self):
        return components.status_of(self.port, "/api/item") is not None

    def log_tail(self, lines=30):
        errors = self.directory / "apache-error.log"
        told = errors.read_text().splitlines()[-lines:] if errors.exists() else []
        return "\n".join([super().log_tail(lines), *told])


class ModAuthOpenidc(Peer):
    name = "mod_auth_openidc"
    cookie = "mod_auth_openidc_session"

    @classmethod
    def missing(cls):
        installed = (MODULES / "mod_auth_openidc.so").exists()
        return None if installed else "libapache2-mod-auth-openidc"

    def redis_options(self):
        self._redis_port = components.free_port()
        return {"port": self._redis_port, "bind": "127.0.0.1"}  # it knows no unix sockets

    def server(self):
        own = self.directory / "provider"
        own.mkdir()
        certificate, key = site_files.make_certificate(own)
        self._threads = threading.local()
        self._trusted = ssl.create_default_context(cafile=certificate)
        options = ["--certificate", certificate, "--key", key]
        script = HERE / "provider.py"
        self._provider = self.run(Script(own, script, "--accounts", self.accounts.url, *options))
        words = {
            "PROVIDER": f"https://127.0.0.1:{self._provider.port}",
            "SECRET": secrets.token_hex(16),
            "PASSPHRASE": secrets.token_hex(32),
            "REDIS_PORT": self._redis_port,
            "UPSTREAM": self.upstream.address,
        }
        return Apache(self.directory / "apache", words)

    def sign_in(self, client, user):
        """The authorization code flow: to the provider, and back with the code."""
        _, there = client.ask("GET", "/login")
        who = urllib.parse.urlencode({"username": user, "password": user})
        _, back = self._provider_client().ask("GET", f"{path_of(there)}&{who}")
        return client.ask("GET", path_of(back))[0]

    def _provider_client(self):
        """One for each thread: TLS takes longer than the rest of a sign-in."""
        if not hasattr(self._threads, "client"):
            self._threads.client = Client(self._provider.port, self._trusted)
        return self._threads.client
