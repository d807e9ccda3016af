"""Hosts that share a Redis and a Django, either of which can be spoilt, and visitors who call all
the time. What they see, what Django was asked and what Redis holds is judged by the checker."""

import asyncio
import os
import time
from pathlib import Path

import redis as redis_client

from checker import violations
from components import Redis
from crowd import Load, Visitor, sign_in_all
from door import Door
from fullsite import SANDBOX, FakeBackend
from gather import evidence, wait_for_quiet
from held_socket import HeldBffd
from redis_relay import RedisRelay
from stack import Stack
from until import until

USERS = 40
ACCESS_S = 2  # so that refreshes go on all the time
COMMAND_TIMEOUT_S = 0.3
BACKEND_TIMEOUT_S = 2
# Where the answer to a BEGIN may be lost after Redis has carried it out, its lease stands until it
# runs out.
LEASE_S = 3
GRACE_S = 600  # of a Django that repeats its answers: longer than any run between two calls

STOCK = {"blacklist": True, "grace_seconds": 0}
DJANGO = {
    "no-blacklist": {"blacklist": False},
    "grace": {"grace_seconds": GRACE_S},
    "stock": {},
}


class Ground:
    """
    directory      everything is below it
    at_end         an ExitStack that takes it all down again
    hosts          bffd and nginx, each with a relay of its own to the Redis of all, and a door of
                   its own to Django's token endpoints. (nginx goes to Django straight.)
    users          each signed in once, in a browser of his own; visitors[i] comes to all hosts
    django         what Django does with a rotated refresh token: see facts.DJANGO
    dialect        settings of tests/django/fake_backend.py besides
    timeout_s      so long bffd waits for Django
    redis          one (or several, see topologies.py) without relays, to be started here; default:
                   one of our own
    holds_sockets  bffd's listening sockets are held for it, as systemd does
    overrides      of bff.conf
    """

    def __init__(
        self,
        directory,
        at_end,
        *,
        hosts=1,
        users=USERS,
        django="stock",
        dialect={},
        timeout_s=BACKEND_TIMEOUT_S,
        redis=None,
        access_s=ACCESS_S,
        lease_s=LEASE_S,
        holds_sockets=False,
        **overrides,
    ):
        self.directory, self.django = directory, django
        self._holds_sockets, self._lease_s = holds_sockets, lease_s
        self.timeout_s = timeout_s
        settings = {"access_seconds": access_s, **DJANGO[django], **dialect}
        self.backend = FakeBackend(str(directory / "backend"), users=users, **settings)
        self.backend.start()
        at_end.callback(self.backend.stop)
        self._has_relays = redis is None
        self.redis = redis or self._redis_of_our_own()
        self.redis.start()
        at_end.callback(self.redis.stop)
        self.relays, self.doors, self.stacks = [], [], []
        for number in range(1, hosts + 1):
            self._add_host(number, at_end, overrides)
        self.key_file = self.stacks[0].key_file
        self.store = (
            redis.client()
            if redis
            else redis_client.Redis(unix_socket_path=str(self.redis.socket))
        )
        self._arrive(users)

    def _arrive(self, users):
        self.seen, self.told = [], set()
        self.emptied_at = None
        # Request ids: see facts.Evidence.
        self.interrupted, self.gave_up, self.forgotten = set(), set(), set()
        self.failovers = []
        self.visitors = [Visitor(f"user{i}") for i in range(1, users + 1)]
        self.sign_in_all()

    def begin_anew(self, django):
        """With new sessions, nothing known of the old ones, and another kind of Django."""
        self.django = django
        self.backend.forget({**STOCK, **DJANGO[django]})
        for stack in self.stacks:
            os.truncate(stack.bffd.log, 0)
            os.truncate(stack.nginx.access_log, 0)
        self._arrive(len(self.visitors))

    def _redis_of_our_own(self):
        # Every write is on disk before it is acknowledged: a restart loses none.
        options = {"appendonly": "yes", "appendfsync": "always"}
        redis = Redis(self.directory / "redis", options)
        redis.directory.mkdir()
        return redis

    def _redis_url(self, number, at_end):
        if not self._has_relays:
            return self.redis.url
        relay = RedisRelay(self.directory / f"relay{number}.sock", self.redis.socket)
        self.relays.append(at_end.enter_context(relay))
        return relay.url

    def _add_host(self, number, at_end, overrides):
        self.doors.append(at_end.enter_context(Door(self.backend.port)))
        wishes = {
            "redis.url": self._redis_url(number, at_end),
            "redis.command_timeout": f"{COMMAND_TIMEOUT_S * 1000:.0f}ms",
            "session.refresh_ahead": "0s",
            "refresh.lease": f"{self._lease_s}s",
            "backend.url": self.doors[-1].url,
            "backend.timeout": f"{self.timeout_s}s",
            "backend.connect_timeout": "1s",
            **SANDBOX,
            **overrides,
        }
        stack = Stack(
            str(self.directory / f"host{number}"),
            backend_url=self.backend.url,
            redis=self.redis,
            key_file=self.stacks[0].key_file if self.stacks else None,
            login_rate=1000,
            overrides=wishes,
        )
        if self._holds_sockets:
            stack.bffd = HeldBffd(stack)
            at_end.callback(stack.bffd.let_go)
        self.stacks.append(at_end.enter_context(stack))

    @property
    def urls(self):
        return [stack.url for stack in self.stacks]

    def sign_in_all(self, visitors=None):
        asyncio.run(sign_in_all(visitors or self.visitors, self.urls))

    def load(self):
        return Load(self.visitors, self.urls)

    def events(self, name):
        """Of all hosts' logs."""
        return [event for stack in self.stacks for event in stack.bffd.events(name)]

    def evidence(self, load):
        """What is known, once all is quiet."""
        self.seen += load.seen
        wait_for_quiet(self.store, self.visitors)
        # Stored, and the answer lost; when it was tried again, another had come after it.
        superseded = {event["request_id"] for event in self.events("refresh_superseded")}
        return evidence(
            self.stacks,
            Path(self.backend.ledger).parent,
            self.store,
            self.key_file,
            self.visitors,
            self.seen,
            time.time(),
            emptied_at=self.emptied_at,
            lease_s=self._lease_s,
            failovers=tuple(self.failovers),
            forgotten=frozenset(self.forgotten),
            django=self.django,
            timeout_s=self.timeout_s,
            interrupted=frozenset(self.interrupted | superseded),
            gave_up=frozenset(self.gave_up),
        )

    def judge(self, load):
        """Violations that an earlier test has shown are not shown again."""
        facts = self.evidence(load)
        found = [v for v in violations(facts) if (v.rule, v.what) not in self.told]
        self.told |= {(v.rule, v.what) for v in found}
        assert not found, f"{len(found)} violations\n" + "\n".join(map(str, found[:3]))
        return facts


def served(load, since=0):
    """How many of the visitors, by answers to what they asked since then."""
    return len({seen.user for seen in load.seen if seen.status == 200 and seen.sent_at >= since})


def wait_while(seconds):
    """Trouble lasts for a time: that is what it is."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, seconds + 5, "the trouble is over")
