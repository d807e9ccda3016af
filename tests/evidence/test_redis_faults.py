"""Redis in every kind of trouble, under many users who would see each other's data: what they see,
what Django was asked, and what Redis holds afterwards is judged by the checker."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import redis as redis_client

import gather
from checker import violations
from components import Redis
from crowd import Load, Visitor, sign_in_all
from fullsite import FakeBackend
from gather import evidence, wait_for_quiet
from redis_relay import RedisRelay
from stack import Stack
from until import until

USERS = 40
ACCESS_S = 2  # so that refreshes go on all the time
COMMAND_TIMEOUT_S = 0.3
TROUBLE_S = 2.5  # and a little more, so that every session comes to need Redis meanwhile
BACK_WITHIN_S = 1
# Where the answer to a BEGIN may be lost after Redis has carried it out, its lease stands until it
# runs out: see test_a_lease_whose_answer_was_lost_does_not_hold_the_session_up.
LEASE_S = 3
WITH_LEASE_S = LEASE_S + BACK_WITHIN_S


class Ground:
    """A site whose Redis can be spoilt, and its visitors."""

    def __init__(self, base, at_end, **overrides):
        self.backend = FakeBackend(str(base / "backend"), users=USERS, access_seconds=ACCESS_S)
        self.backend.start()
        at_end.callback(self.backend.stop)
        # Every write is on disk before it is acknowledged: a restart loses none.
        self.redis = Redis(base / "redis", {"appendonly": "yes", "appendfsync": "always"})
        self.redis.directory.mkdir()
        self.redis.start()
        at_end.callback(self.redis.stop)
        self.relay = at_end.enter_context(RedisRelay(base / "relay.sock", self.redis.socket))
        overrides = {
            "redis.url": self.relay.url,
            "redis.command_timeout": f"{COMMAND_TIMEOUT_S * 1000:.0f}ms",
            "session.refresh_ahead": "0s",
            "refresh.lease": f"{LEASE_S}s",
            "backend.timeout": "2s",
            "backend.connect_timeout": "1s",
            **overrides,
        }
        self.stack = Stack(
            str(base / "site"),
            backend_url=self.backend.url,
            redis=self.redis,
            login_rate=1000,
            overrides=overrides,
        )
        at_end.enter_context(self.stack)
        self.store = redis_client.Redis(unix_socket_path=str(self.redis.socket))
        self.seen, self.told = [], set()
        self.emptied_at = None
        self.visitors = [Visitor(f"user{i}") for i in range(1, USERS + 1)]
        asyncio.run(sign_in_all(self.visitors, [self.stack.url]))

    def load(self):
        return Load(self.visitors, [self.stack.url])

    def judge(self, load):
        """Once all is quiet; violations that an earlier test has shown are not shown again."""
        self.seen += load.seen
        wait_for_quiet(self.store, self.visitors)
        facts = evidence(
            [self.stack],
            Path(self.backend.ledger).parent,
            self.store,
            self.stack.key_file,
            self.visitors,
            self.seen,
            time.time(),
            emptied_at=self.emptied_at,
            lease_s=LEASE_S,
        )
        found = [v for v in violations(facts) if (v.rule, v.what) not in self.told]
        self.told |= {(v.rule, v.what) for v in found}
        assert not found, f"{len(found)} violations\n" + "\n".join(map(str, found[:3]))


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        yield Ground(tmp_path_factory.mktemp("faults"), at_end)


@pytest.fixture(scope="module")
def asking_ground(tmp_path_factory):
    """One that asks Redis at every call."""
    with contextlib.ExitStack() as at_end:
        base = tmp_path_factory.mktemp("asking")
        yield Ground(base, at_end, **{"session.cache_ttl": "0s"})


def wait_while(seconds):
    """Trouble lasts for a time: that is what it is."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, seconds + 5, "the trouble is over")


def trouble(ground, capsys, name, spoil, mend, *, seconds=TROUBLE_S, within_s=BACK_WITHIN_S):
    """The visitors before, in and after it; every claim that holds for all kinds of trouble."""
    with ground.load() as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        began_at = time.time()
        spoil()
        try:
            wait_while(seconds)
        finally:
            mend()
        returned_at = time.time()
        # Meanwhile every session is refreshed once more.
        wait_while(max(within_s, BACK_WITHIN_S + ACCESS_S))
    statuses = Counter(seen.status for seen in load.seen)
    refreshes = [s for s in gather.stored([ground.stack]) if s.at > began_at]
    refused_until = max((s.at for s in load.seen if s.status != 200), default=0)
    slowest = max(seen.at - max(seen.sent_at, returned_at) for seen in load.seen)
    with capsys.disabled():
        print(f"\n  {name}: {dict(statuses)}, {len(refreshes)} refreshes; after its end refused")
        print(f"  until {max(refused_until - returned_at, 0):.2f} s, slowest {slowest:.2f} s")
    assert statuses.keys() == {200, 503}, statuses
    assert not load.broken, load.broken[:5]
    assert len(refreshes) >= USERS
    ground.judge(load)
    assert refused_until <= returned_at + within_s
    assert slowest <= within_s
    assert served(load, returned_at) == USERS


def served(load, since=0):
    return len({seen.user for seen in load.seen if seen.status == 200 and seen.sent_at >= since})


def test_late_answers_are_nobody_elses(asking_ground, capsys):
    relay = asking_ground.relay

    def spoil():
        """Some are in time, others arrive when the next command could have been asked."""
        relay.delay_answers(0.1 * COMMAND_TIMEOUT_S, 1.5 * COMMAND_TIMEOUT_S)

    trouble(
        asking_ground, capsys, "late answers", spoil, relay.behave, seconds=3, within_s=WITH_LEASE_S
    )
    late = [delay_s for delay_s in relay.delays_s if delay_s > COMMAND_TIMEOUT_S]
    assert len(late) > 10 and len(relay.delays_s) > 2 * len(late)


def test_answers_cut_in_their_middle(asking_ground, capsys):
    relay = asking_ground.relay

    def spoil():
        relay.cut_answers(every=5)

    trouble(asking_ground, capsys, "cut", spoil, relay.behave, within_s=WITH_LEASE_S)
    assert relay.cuts > 20


def test_a_lease_whose_answer_was_lost_does_not_hold_the_session_up(asking_ground):
    ground, visitor = asking_ground, asking_ground.visitors[0]
    key = gather.session_key(visitor.cookie)
    before = int(ground.store.hget(key, "gen"))
    until(lambda: ground.store.hget(key, "state") == b"idle", LEASE_S + 5, "no lease is held")
    until(
        lambda: int(ground.store.hget(key, "access_exp")) / 1000 + 1 < time.time(),
        ACCESS_S + 5,
        "the access token expires",
    )
    ground.relay.cut_next("$2\r\nGO\r\n")
    with Load([visitor], [ground.stack.url]) as load:
        until(lambda: ground.relay.lost, 5, "the answer to BEGIN is lost")
        lost_at = time.time()
        until(lambda: served(load) == 1, LEASE_S + 15, "the visitor is served")
    ground.judge(load)
    assert int(ground.store.hget(key, "gen")) == before + 1
    first = min(seen.at for seen in load.seen if seen.status == 200)
    assert first - lost_at <= BACK_WITHIN_S


def test_a_redis_that_stands_still(ground, capsys):
    def signal_redis(number):
        return lambda: os.kill(ground.redis.pid, number)

    stop, go_on = signal_redis(signal.SIGSTOP), signal_redis(signal.SIGCONT)
    trouble(ground, capsys, "paused", stop, go_on, within_s=WITH_LEASE_S)


def test_a_restart_with_its_data(ground, capsys):
    kill, start = ground.redis.kill, ground.redis.start
    trouble(ground, capsys, "restart", kill, start, within_s=WITH_LEASE_S)


def test_a_redis_that_is_still_loading(ground, capsys):
    """It answers -LOADING while it reads its file, which is slowed down for this."""
    slow = {"key-load-delay": "500", "loading-process-events-interval-bytes": "1024"}

    def restart_slowly():
        ground.redis.kill()
        ground.redis.options.update(slow)
        ground.redis.launch()
        until(lambda: loading_errors(ground) > 0, 5, "Redis says that it is loading")

    def mend():
        ground.redis.wait_ready()
        for name in slow:
            del ground.redis.options[name]
        ground.store.config_set("key-load-delay", 0)

    trouble(ground, capsys, "loading", restart_slowly, mend, within_s=WITH_LEASE_S)


def loading_errors(ground):
    try:
        ground.store.exists("x")
    except redis_client.exceptions.BusyLoadingError:
        return 1
    except redis_client.exceptions.ConnectionError:
        pass
    return 0


def test_a_redis_out_of_memory(ground, capsys):
    def maxmemory(size):
        return lambda: ground.store.config_set("maxmemory", size)

    trouble(ground, capsys, "out of memory", maxmemory(1), maxmemory(0))


def test_a_redis_that_became_a_replica(ground, capsys):
    # Of a primary that nobody can reach: its data stays, writes are refused.
    def follow(*primary):
        return lambda: ground.store.replicaof(*primary)

    trouble(ground, capsys, "read-only", follow("127.0.0.1", "1"), follow("NO", "ONE"))


def test_scripts_that_redis_forgot_are_loaded_again_and_nobody_notices(ground, capsys):
    stored = len(gather.stored([ground.stack]))
    with ground.load() as load:
        for _ in range(10):
            before = len(load.seen)
            ground.store.script_flush()
            until(lambda: len(load.seen) > before + 3 * USERS, 10, "the visitors go on")
    reasons = [event["reason"] for event in ground.stack.bffd.events("store_failed")[-5:]]
    assert {seen.status for seen in load.seen} == {200}, reasons
    assert len(gather.stored([ground.stack])) > stored
    ground.judge(load)


def test_a_restart_without_its_data_signs_out_and_nothing_worse(ground, capsys):
    ground.emptied_at = time.time()
    with ground.load() as load:
        ground.redis.kill()
        for file in (ground.redis.directory / "appendonlydir").iterdir():
            file.unlink()
        ground.redis.start()
        returned_at = time.time()
        until(
            lambda: {s.user for s in load.seen if s.status == 401 and s.at > returned_at}
            == {v.user for v in ground.visitors},
            10,
            "everybody is told to sign in",
        )
    ground.judge(load)
    asyncio.run(sign_in_all(ground.visitors, [ground.stack.url]))
    with ground.load() as load:
        until(lambda: served(load) == USERS, 2, "all are served")
    assert {seen.status for seen in load.seen} == {200}
    ground.judge(load)
