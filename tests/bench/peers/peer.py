"""What all peers have in common: a Redis, accounts to sign in to, and a server before both."""

import contextlib
import http.client
import json
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path

import components
from contender import Contender, Unfit

HERE = Path(__file__).resolve().parent
PROCESSES = 2
TOKEN_SECONDS = 24 * 60 * 60
SIGN_INS_AT_ONCE = 8


def fill_in(template, file, words):
    """Write a configuration file: its words between @ replaced, and none of them left."""
    text = template.read_text()
    for name, value in words.items():
        text = text.replace(f"@{name}@", str(value))
    left = re.findall(r"@[A-Z_]+@", text)
    if left:
        raise components.ComponentFailed(f"{template} has words without a value: {left}")
    file.write_text(text)


class Script(components.Component):
    """A Python server that takes a port of its own and prints `ready PORT`."""

    def __init__(self, directory, script, *options):
        self.name = script.stem
        super().__init__(directory)
        self._command = [components.PYTHON, "-u", script, "--port", 0, *options]

    def command(self):
        return self._command

    @property
    def port(self):
        ready = re.search(r"^ready (\d+)$", self.log_text(), re.MULTILINE)
        return ready and int(ready[1])

    def is_ready(self):
        return bool(self.port)


class Accounts(Script):
    """Where people sign in: user1, user2, ... whose passwords are their names."""

    def __init__(self, directory):
        script = components.REPOSITORY / "tests" / "django" / "fake_backend.py"
        super().__init__(directory, script, "--dir", directory)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def have(self, users):
        settings = {"users": users, "access_seconds": TOKEN_SECONDS}
        body = json.dumps({"settings": settings}).encode()
        urllib.request.urlopen(self.url + "/control", body, timeout=30).close()


class Client:
    """A browser without a page, for one sign-in. It follows no redirect by itself."""

    def __init__(self, port, tls=None):
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        self._line = kind("127.0.0.1", port, timeout=30, **({"context": tls} if tls else {}))
        self.close = self._line.close
        self.cookies = {}

    def ask(self, method, path, body=None):
        """(status, Location)"""
        headers = {"Accept": "*/*"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={v}" for name, v in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._line.request(method, path, body and json.dumps(body), headers)
        answer = self._line.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, cookie in SimpleCookie(line).items():
                self.cookies[name] = cookie.coded_value
        return answer.status, answer.headers["Location"]


class Peer(Contender):
    cookie = None  # its name

    def __init__(self, directory, upstream):
        super().__init__(directory, upstream)
        self.redis = components.Redis(self.directory / "redis", self.redis_options())
        self.accounts = Accounts(self.directory / "accounts")
        self._running = contextlib.ExitStack()

    def redis_options(self):
        return {}

    def server(self):
        """The Component that answers, made when all that it needs runs."""
        raise NotImplementedError

    def sign_in(self, client, user):
        """As the browser does it; returns the last status. The client has the cookie then."""
        return client.ask("POST", "/login", {"username": user, "password": user})[0]

    def start(self):
        self.run(self.redis)
        self.run(self.accounts)
        self._server = self.run(self.server())

    def run(self, component):
        self._running.callback(component.stop)
        component.start()
        return component

    def stop(self):
        self._running.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.port}"

    def pids(self):
        parts = {self._server.name: self._server, "redis": self.redis}
        return {name: [part.pid, *part.children()] for name, part in parts.items()}

    def cookies(self, count):
        self.accounts.have(count)
        users = [f"user{number}" for number in range(1, count + 1)]
        with ThreadPoolExecutor(SIGN_INS_AT_ONCE) as pool:
            return list(pool.map(self._cookie_of, users))

    def _cookie_of(self, user):
        with contextlib.closing(Client(self._server.port)) as client:
            status = self.sign_in(client, user)
            if self.cookie not in client.cookies:
                raise Unfit(f"{self.name}: the sign-in of {user} is answered {status}")
            return f"{self.cookie}={client.cookies[self.cookie]}"
