"""The connection is reset at every byte offset of Django's answer, head included: to a refresh,
with each kind of Django, and to a login. One session for each offset, all of them at once."""

import asyncio
import contextlib
import json
import time
from collections import Counter

import pytest

from crowd import Load, lines_to
from facts import DJANGO
from ground import Ground, served
from rules import lost_sessions
from until import until

# Tokens that say nothing make a short answer; when it ends is configured.
ANSWER_MAX = 256
OPAQUE = {
    "login.access_expiry": "after 1s",
    "refresh.access_expiry": "after 10m",
    # All of them at once, for afterwards bffd is careful; a worker may get all of its host, and a
    # quarter of the threads is for Redis.
    "server.io_threads": "192",
    "refresh.lease": "60s",
    # On a busy machine, too: who is late would make bffd careful.
    "backend.connect_timeout": "20s",
    "redis.command_timeout": "2s",
}
TIMEOUT_S = 30  # until all have come
LASTING_S = 600


@pytest.fixture
def ground_of(tmp_path_factory):
    with contextlib.ExitStack() as at_end:

        def make(django):
            base = tmp_path_factory.mktemp(django)
            dialect = {"opaque": True, "access_seconds": LASTING_S}
            how = {"django": django, "dialect": dialect, "timeout_s": TIMEOUT_S, **OPAQUE}
            return Ground(base, at_end, hosts=2, users=ANSWER_MAX, **how)

        yield make


@pytest.mark.parametrize("django", DJANGO)
def test_a_refresh(ground_of, capsys, django):
    ground = ground_of(django)
    ground.backend.control(refresh={"reset_after": 0, "sweep": True, "hang_answer": True})
    before = knocks(ground)
    with Load(ground.visitors, ground.urls, tabs=1, pause_s=0.5) as load:
        until(lambda: knocks(ground) >= before + ANSWER_MAX, TIMEOUT_S, "all have come")
        until(lambda: len(held_up(ground)) == ANSWER_MAX, TIMEOUT_S, "all are under way")
        ground.backend.control(refresh=None, release=True)
        released_at = time.time()
        gone = set()

        def all_know():
            gone.update(seen.user for seen in load.seen if seen.status == 401)
            return served(load, released_at) + len(gone) >= ANSWER_MAX

        until(all_know, TIMEOUT_S, "all are served, or told that they are not")
    facts = ground.judge(load)
    swept = [use for use in facts.ledger.uses_of("refresh") if use.at < released_at]
    cut_off = {facts.ledger.tokens[use.jti].user for use in swept if not use.whole}
    lost = lost_sessions(facts)
    statuses = Counter(seen.status for seen in load.seen)
    with capsys.disabled():
        print(f"\n  {django}: {len(cut_off)} of {len(swept)} answers cut, lost {len(lost)}, "
              f"{dict(statuses)}", end="")  # fmt: skip
    # The rest are resets behind the last byte, which cost nothing.
    assert 100 < len(cut_off) < ANSWER_MAX
    assert lost.keys() == gone == (cut_off if django == "stock" else set())
    assert statuses.keys() <= {200, 401, 503}
    assert not load.broken, load.broken[:5]


def knocks(ground):
    return sum(len(door.knocks) for door in ground.doors)


def held_up(ground):
    return [call for call in ground.backend.begun() if call["kind"] == "refresh"]


def test_a_login(ground_of, capsys):
    """Tokens that never came are no session: the user is told to try again, and can."""
    ground = ground_of("stock")
    ground.backend.control(login={"reset_after": 0, "sweep": True})
    statuses = asyncio.run(sign_in_each(ground))
    with capsys.disabled():
        print(f"\n  logins: {dict(Counter(statuses))}", end="")
    cut_off = statuses.count(502)
    assert 100 < cut_off < ANSWER_MAX
    assert statuses == [502] * cut_off + [200] * (ANSWER_MAX - cut_off)
    ground.backend.control(login=None)
    ground.sign_in_all()


async def sign_in_each(ground):
    """The status of each, one after the other; without a 200 there is no cookie."""
    statuses = []
    async with lines_to(ground.urls, 1) as (line,):
        for visitor in ground.visitors:
            fields = {"username": visitor.user, "password": visitor.user}
            body = json.dumps(fields).encode()
            status, head, _ = await line.request("POST", "/bff/login", body=body)
            assert (b"set-cookie" in head.lower()) == (status == 200)
            statuses.append(status)
    return statuses
