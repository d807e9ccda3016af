"""How soon the end of a session is seen at other workers and hosts, which have it in their caches and
are asked for it all the time."""

import asyncio
import contextlib
import time

import pytest

from crowd import Visitor, lines_to, p99, sign_in_all
from fullsite import FakeBackend
from stack import Stack

ROUNDS = 150
CALLS_TO_BE_CACHED = 6  # by both workers of a host
# Redis tells the other host at the same moment as the one that asks. How busy the machine is that has
# both, this does not know.
LATE_S, VERY_LATE_S = 0.05, 0.25


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """The urls of two hosts with two workers each."""
    base = tmp_path_factory.mktemp("how-soon")
    with contextlib.ExitStack() as at_end:
        backend = FakeBackend(str(base / "backend"), users=2 * ROUNDS, access_seconds=3600)
        backend.start()
        at_end.callback(backend.stop)
        wishes = {"backend_url": backend.url, "login_rate": 10_000}
        first = at_end.enter_context(Stack(str(base / "one"), **wishes))
        wishes |= {"redis": first.redis, "key_file": first.key_file}
        second = at_end.enter_context(Stack(str(base / "two"), **wishes))
        yield first.url, second.url


async def ask_until_signed_out(visitor, line, seen):
    """All answers, up to the first that says so."""
    while not seen or seen[-1].status != 401:
        seen.append(await visitor.call(line))


async def signed_out_under_way(visitor, urls):
    """Seconds after the answer to a sign-out at the first host at which the last call that passed
    was sent there, and at the second host. Negative: none was."""
    async with lines_to([urls[0]], 2) as (here, leave), lines_to([urls[1]], 1) as (there,):
        for _ in range(CALLS_TO_BE_CACHED):
            assert (await visitor.call(here)).status == (await visitor.call(there)).status == 200
        seen = [], []
        asking = [
            asyncio.create_task(ask_until_signed_out(visitor, line, answers))
            for line, answers in zip((here, there), seen)
        ]
        while not all(seen):
            await asyncio.sleep(0.01)
        status, *_ = await leave.request("POST", "/bff/logout", visitor.cookie, body=b"")
        answered_at = time.time()
        assert status in (202, 204)
        await asyncio.wait_for(asyncio.gather(*asking), 10)
    return [max(one.sent_at for one in each if one.status == 200) - answered_at for each in seen]


def in_ms(seconds):
    return f"p99 {1000 * p99(seconds):.1f} ms, at most {1000 * max(seconds):.1f} ms"


def test_after_the_answer_to_a_sign_out_nothing_passes(urls, capsys):
    visitors = [Visitor(f"user{number}") for number in range(1, ROUNDS + 1)]

    async def rounds():
        return [await signed_out_under_way(visitor, urls) for visitor in visitors]

    asyncio.run(sign_in_all(visitors, urls))
    here, there = zip(*asyncio.run(rounds()))
    with capsys.disabled():
        print(
            f"\nafter the answer to a sign-out, the last call that passed was sent:"
            f" on its host {in_ms(here)}; on another {in_ms(there)}"
        )
    assert max(here) < 0
    assert p99(there) < LATE_S and max(there) < VERY_LATE_S
