"""Bare nginx, and bffd as it ships in front of the same upstream."""

import asyncio
import re
from contextlib import ExitStack

import redis

import accounting
import components
import site_files
from contender import Contender
from crowd import COOKIE, Visitor, sign_in_all
from fullsite import FakeBackend
from stack import Stack

# Of one nginx process. Each takes memory, used or not.
CONNECTIONS, MANY_CONNECTIONS = 4096, 16384
SESSION_S = 7200

BARE = """\
upstream django {{
    server {upstream};
    keepalive 64;
}}
server {{
    listen 127.0.0.1:{port};
    server_name localhost;
    location /api/ {{
        proxy_pass http://django;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""


def for_measuring(nginx_conf, connections=CONNECTIONS):
    """The same nginx.conf for all."""
    text = re.sub(r"access_log .*;", "access_log off;", nginx_conf)
    return re.sub(r"worker_connections \d+;", f"worker_connections {connections};", text)


class Bare(Contender):
    """What a user would have without any authentication: proxy_pass, with kept connections."""

    name = "bare nginx"
    signs_in = False

    def __init__(self, directory, upstream):
        super().__init__(directory, upstream)
        self._nginx = components.Nginx(self.directory, self._write_config)
        self.stop = self._nginx.stop

    def _write_config(self, port):
        site = BARE.format(upstream=self.upstream.address, port=port)
        (self.directory / "site.conf").write_text(site)
        main = site_files.nginx_main(self.directory, ["site.conf"])
        self._nginx.config.write_text(for_measuring(main))

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self._nginx.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._nginx.port}"

    def pids(self):
        return {"nginx": accounting.family(self._nginx.pid)}

    def cookies(self, count):
        return [f"__Host-session={number:043d}" for number in range(count)]


class MeasuredStack(Stack):
    connections = CONNECTIONS

    def _write_nginx(self, port):
        super()._write_nginx(port)
        config = self.nginx.config
        config.write_text(for_measuring(config.read_text(), self.connections))


class CrowdedStack(MeasuredStack):
    connections = MANY_CONNECTIONS


class SignIn:
    """A backend that signs users in and refreshes their tokens: tests/django/fake_backend.py. What
    it answers is simplejwt's; it is no part of what is measured."""

    def __init__(self, directory, users):
        self._backend = FakeBackend(str(directory), users=users, access_seconds=SESSION_S)
        self._users = users
        self.start, self.stop = self._backend.start, self._backend.stop
        self.control = self._backend.control

    @property
    def url(self):
        return self._backend.url

    def visitors(self, count, url):
        """So many users, each signed in at the site."""
        assert count <= self._users, f"there are {self._users} users"
        visitors = [Visitor(f"user{number}") for number in range(1, count + 1)]
        asyncio.run(sign_in_all(visitors, [url]))
        return visitors

    @property
    def pid(self):
        return self._backend.pid

    def refreshes(self):
        return [call for call in self._backend.begun() if call["kind"] == "refresh"]


class Bffd(Contender):
    """
    bff.conf and the nginx files as they ship, with as many workers as nginx has.

    sign_in     a SignIn
    beside      another Bffd whose Redis, key and sessions this one shares
    overrides   {"session.cache_ttl": "0s"}
    kind        of Stack
    microcache  nginx keeps bffd's yes
    """

    name = "bffd, cache hit"

    def __init__(
        self, directory, upstream, sign_in, beside=None, overrides=None, name=None,
        kind=MeasuredStack, microcache=False,
    ):  # fmt: skip
        super().__init__(directory, upstream)
        self.name = name or self.name
        self._sign_in, self._beside, self._overrides = sign_in, beside, dict(overrides or {})
        self._kind, self._cookies = kind, []
        self.microcache = microcache
        self.remembers = self._overrides.get("session.cache_ttl") != "0s"
        self._at_end = ExitStack()
        self.stack = None

    def start(self):
        """API calls go to the upstream, logins and refreshes to where users are."""
        shared = self._beside and self._beside.stack
        wishes = {"redis": shared.redis, "key_file": shared.key_file} if shared else {}
        self.stack = self._kind(
            self.directory,
            backend_url=self.upstream.url,
            overrides={"backend.url": self._sign_in.url, **self._overrides},
            login_rate=100_000,
            microcache=self.microcache,
            **wishes,
        )
        self._at_end.enter_context(self.stack)

    def stop(self):
        self._at_end.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.stack.nginx.port}"

    def pids(self):
        return {
            "nginx": accounting.family(self.stack.nginx.pid),
            "bffd": accounting.family(self.stack.bffd.pid),
            "redis": [self.stack.redis.pid],
        }

    def counts(self):
        """How often Redis was asked: with the cache, the share of requests that missed it."""
        commands = redis.Redis(unix_socket_path=str(self.stack.redis_socket)).info("commandstats")
        reads = ("cmdstat_get", "cmdstat_evalsha", "cmdstat_eval")
        return {"store_calls": sum(commands.get(name, {"calls": 0})["calls"] for name in reads)}

    def cookies(self, count):
        if self._beside:
            return self._beside.cookies(count)
        if len(self._cookies) < count:
            signed_in = self._sign_in.visitors(count, self.stack.url)
            self._cookies = [COOKIE.decode() + one.cookie for one in signed_in]
        return self._cookies[:count]
