"""Redis as several servers that replace each other, and as one behind TCP and the shipped ACL,
under load: sessions go on, but for what Redis itself lost after it had acknowledged it."""

import contextlib
import time
from collections import Counter
from pathlib import Path

import pytest

import failovers
import topologies
from client import Browser
from gather import stored
from ground import USERS, Ground, served, wait_while
from rules import lost_sessions
from until import until

REPOSITORY = Path(__file__).resolve().parents[2]
LEASE_S = 20  # as it comes: a rotation waits for so long for a Redis that takes it
# Longer than a failover: a token that waited for one is not yet over.
ACCESS_S = 4
LOSING = 5


@contextlib.contextmanager
def ground_on(redis, directory, django="stock", **overrides):
    with contextlib.ExitStack() as at_end:
        wishes = {"hosts": 2, "django": django, "redis": redis}
        wishes |= {"access_s": ACCESS_S, "lease_s": LEASE_S, "redis.command_timeout": "1s"}
        yield Ground(directory, at_end, **wishes, **overrides)


def go_through(ground, change, afterwards_s=0):
    """The Load; at its end everybody who still has a session is served."""
    with ground.load() as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        change(load)
        changed_at = time.time()

        def all_go_on():
            since = [s for s in load.seen if s.sent_at >= changed_at]
            return len({s.user for s in since if s.status in (200, 401)}) == USERS

        until(all_go_on, failovers.FAILOVER_SECONDS, "all go on")
        wait_while(afterwards_s)
    assert not load.broken and not load.repeated, load.broken[:5]
    return load


def report(capsys, what, load, ground):
    statuses = Counter(seen.status for seen in load.seen)
    with capsys.disabled():
        print(f"\n  {what}: {dict(statuses)}, {len(stored(ground.stacks))} refreshes")


@pytest.mark.parametrize("django", ["stock", "grace"])
def test_a_primary_behind_sentinels_is_killed(tmp_path, capsys, django):
    """It has acknowledged what its replicas have not got."""
    with ground_on(topologies.WithSentinels(tmp_path / "redis"), tmp_path, django) as ground:
        first = ground.redis.servers[0]
        load = go_through(ground, lambda _: failovers.lose_primary(ground, first, LOSING), ACCESS_S)
        facts = ground.judge(load)
        lost = lost_sessions(facts)
        told = {seen.user for seen in load.seen if seen.status == 401}
        report(capsys, f"sentinels, {django}: Redis lost {len(ground.forgotten)} of what it had "
               f"acknowledged, which cost {len(told)} sessions", load, ground)  # fmt: skip
        assert len(ground.forgotten) >= LOSING
        assert told <= lost.keys()
        assert bool(lost) == (django == "stock"), "with a grace Django says again what it said"


def test_a_cluster_moves_slots_hands_over_and_loses_a_primary(tmp_path, capsys):
    with ground_on(topologies.Cluster(tmp_path / "redis"), tmp_path) as ground:
        asks_before = failovers.errors(ground.redis, "ASK")

        def move_slots(load):
            for visitor in ground.visitors[:5]:
                failovers.move_slot(ground, visitor, lambda: go_on(load, visitor))

        load = go_through(ground, move_slots)
        redirections = {code: failovers.errors(ground.redis, code) for code in ("ASK", "MOVED")}
        report(capsys, f"cluster, slots moved: redirected {redirections}", load, ground)
        assert {seen.status for seen in load.seen} == {200}
        assert redirections["ASK"] - asks_before >= 5
        ground.judge(load)

        first, second = ground.redis.servers[:2]
        load = go_through(ground, lambda _: failovers.hand_over(ground, first))
        report(capsys, "cluster, a primary has handed over", load, ground)
        assert {seen.status for seen in load.seen} <= {200, 503}
        ground.judge(load)

        load = go_through(ground, lambda _: failovers.lose_primary(ground, second), ACCESS_S)
        facts = ground.judge(load)
        report(capsys, f"cluster, a primary was killed: Redis lost {len(ground.forgotten)} of what "
               f"it had acknowledged", load, ground)  # fmt: skip
        assert not lost_sessions(facts) or ground.forgotten


def go_on(load, visitor):
    """He calls some times more, by all hosts, and all is well."""
    since = time.time()
    until(
        lambda: sum(s.user == visitor.user and s.sent_at >= since for s in load.seen) >= 6,
        10,
        "he goes on",
    )


def test_tcp_with_the_shipped_acl_and_nothing_more(tmp_path, capsys):
    shipped = (REPOSITORY / "bff" / "redis.acl").read_text()
    _, user, _, password, _ = shipped.split(maxsplit=4)
    acl, password_file = tmp_path / "users.acl", tmp_path / "password"
    acl.write_text("user default on nopass ~* &* +@all\n" + shipped)  # who looks on
    password_file.write_text(password[1:] + "\n")
    password_file.chmod(0o600)
    redis = topologies.Server(tmp_path / "redis", {"aclfile": acl})
    wishes = {
        "redis.url": f"redis://127.0.0.1:{redis.port}",
        "redis.user": user,
        "redis.password_file": password_file,
    }
    with ground_on(redis, tmp_path, **wishes) as ground:
        load = go_through(ground, lambda _: wait_while(ACCESS_S))
        report(capsys, "TCP and the shipped ACL", load, ground)
        assert {seen.status for seen in load.seen} == {200}
        assert len(stored(ground.stacks)) >= USERS
        ground.judge(load)
        browser = Browser(ground.urls[0], ground.visitors[0].cookie)
        assert browser.sign_out().status == 204
        other = Browser(ground.urls[1], browser.cookie)
        until(lambda: other.get("/api/echo/").status == 401, 1, "the sign-out is seen elsewhere")
        assert ground.store.acl_log() == []
        names = {client["user"] for client in ground.store.client_list()}
        assert names == {user, "default"}
