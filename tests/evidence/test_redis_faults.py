"""Redis in every kind of trouble, under many users who would see each other's data: what they see,
what Django was asked, and what Redis holds afterwards is judged by the checker."""

import contextlib
import time

import pytest

import record
import redis_troubles
from client import Browser
from crowd import Load
from endure import BACK_WITHIN_S, endure
from gather import answered, stored
from ground import ACCESS_S, COMMAND_TIMEOUT_S, LEASE_S, USERS, Ground, served
from until import until
from vault import session_key

# Where BEGIN's answer may be lost, its lease may stand: see
# test_a_lease_whose_answer_was_lost_does_not_hold_the_session_up.
WITH_LEASE_S = LEASE_S + BACK_WITHIN_S
WATCH_PING_S = 1  # PING_MS in bff/store/watch.c


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        yield Ground(tmp_path_factory.mktemp("faults"), at_end, hosts=2)


@pytest.fixture(scope="module")
def asking_ground(tmp_path_factory):
    """One that asks Redis at every call."""
    with contextlib.ExitStack() as at_end:
        base = tmp_path_factory.mktemp("asking")
        yield Ground(base, at_end, hosts=2, **{"session.cache_ttl": "0s"})


def test_late_answers_are_nobody_elses(asking_ground, capsys):
    endure(asking_ground, capsys, redis_troubles.late_answers, seconds=3, within_s=WITH_LEASE_S)
    for relay in asking_ground.relays:
        late = [delay_s for delay_s in relay.delays_s if delay_s > COMMAND_TIMEOUT_S]
        assert len(late) > 10 and len(relay.delays_s) > 2 * len(late)


def test_answers_that_are_slow_and_in_time_cost_nothing_but_time(asking_ground, capsys):
    load = endure(asking_ground, capsys, redis_troubles.slow_answers)
    assert {seen.status for seen in load.seen} == {200}


def test_answers_cut_in_their_middle(asking_ground, capsys):
    endure(asking_ground, capsys, redis_troubles.cut_answers, within_s=WITH_LEASE_S)
    assert all(relay.cuts > 10 for relay in asking_ground.relays)


def test_a_lease_whose_answer_was_lost_does_not_hold_the_session_up(asking_ground):
    ground, visitor = asking_ground, asking_ground.visitors[0]
    key = session_key(visitor.cookie)
    before = record.of(ground.store, key).generation
    until(lambda: record.of(ground.store, key).state == "idle", LEASE_S + 5, "no lease is held")
    until(
        lambda: record.of(ground.store, key).access_end / 1000 + 1 < time.time(),
        ACCESS_S + 5,
        "the access token expires",
    )
    ground.relays[0].cut_next("$2\r\nGO\r\n")
    with Load([visitor], ground.urls[:1]) as load:
        until(lambda: ground.relays[0].lost, 5, "the answer to BEGIN is lost")
        lost_at = time.time()
        until(lambda: served(load) == 1, LEASE_S + 15, "the visitor is served")
    ground.judge(load)
    assert record.of(ground.store, key).generation == before + 1
    first = min(seen.at for seen in load.seen if seen.status == 200)
    assert first - lost_at <= BACK_WITHIN_S


@pytest.mark.parametrize(
    "trouble",
    [
        redis_troubles.paused,
        redis_troubles.killed,
        redis_troubles.stopped,
        redis_troubles.loading,
    ],
    ids=lambda trouble: trouble.__name__,
)
def test_a_redis_that_does_not_answer(ground, capsys, trouble):
    endure(ground, capsys, trouble, within_s=WITH_LEASE_S)


def test_connections_that_stay_silent_are_given_up(ground, capsys):
    # What was asked before the end of it takes its time-out; all other connections are known by then
    # to be no better.
    endure(ground, capsys, redis_troubles.half_open, within_s=BACK_WITHIN_S + COMMAND_TIMEOUT_S)
    silent = [pair for relay in ground.relays for pair in relay.open_pairs() if pair.is_silent]
    assert silent, "they were not only opened anew: the old ones stay"


def test_a_host_without_redis_is_no_trouble_for_the_others(ground, capsys):
    before = [set(answered(stack)) for stack in ground.stacks]
    endure(ground, capsys, redis_troubles.one_host_cut_off, within_s=WITH_LEASE_S)
    cut_off, other = (
        {status for request_id, status in answered(stack).items() if request_id not in earlier}
        for stack, earlier in zip(ground.stacks, before)
    )
    assert cut_off == {200, 503}
    assert other == {200}


def test_a_sign_out_is_not_missed_where_its_news_do_not_arrive(tmp_path):
    """What was read may be believed for a minute, and the connection that tells of changes is
    silent. A ping on it a second is to be answered before the next, or nothing is believed."""
    with contextlib.ExitStack() as at_end:
        ground = Ground(tmp_path, at_end, hosts=2, users=1, **{"session.cache_ttl": "60s"})
        ground.backend.control(settings={"access_seconds": 600})
        ground.sign_in_all()
        here, there = (Browser(url, ground.visitors[0].cookie) for url in ground.urls)
        for _ in range(20):  # by both of its workers
            assert there.get("/api/echo/").status == 200
        assert ground.relays[1].silence_subscribers() == 2
        silent_at = time.monotonic()
        assert here.sign_out().status == 204
        assert there.get("/api/echo/").status == 200, "there was no news to miss"
        until(lambda: there.get("/api/echo/").status == 401, 10, "the sign-out is seen")
        until(lambda: len(ground.stacks[1].bffd.events("store_lost")) == 2, 3, "by both workers")
        assert time.monotonic() - silent_at < 2 * WATCH_PING_S + 0.5
        for _ in range(20):
            assert there.get("/api/echo/").status == 401


@pytest.mark.parametrize(
    "trouble",
    [redis_troubles.out_of_memory, redis_troubles.read_only],
    ids=lambda trouble: trouble.__name__,
)
def test_a_redis_that_takes_no_writes(ground, capsys, trouble):
    endure(ground, capsys, trouble)


def test_scripts_that_redis_forgets_all_the_time_are_no_trouble(asking_ground):
    ground = asking_ground
    before_all = len(stored(ground.stacks))
    with ground.load() as load:

        def flush_until_seen():
            for _ in range(50):
                ground.store.script_flush()
            return len(load.seen) > 30 * USERS

        until(flush_until_seen, 20, "the visitors go on")
    reasons = [event["reason"] for event in ground.events("store_failed")[-5:]]
    assert {seen.status for seen in load.seen} == {200}, reasons
    assert len(stored(ground.stacks)) > before_all
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
    ground.sign_in_all()
    with ground.load() as load:
        until(lambda: served(load) == USERS, 2, "all are served")
    assert {seen.status for seen in load.seen} == {200}
    ground.judge(load)
