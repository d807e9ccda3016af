"""1,000 sessions, 20 requests each, at the moment at which all their tokens expire, over two hosts
of two workers each: complete bffd and nginx, on one Redis."""

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections import Counter
from pathlib import Path

import pytest
import redis as redis_client

from checker import violations
from crowd import Visitor, lines_to, p99, sign_in_all
from fullsite import FakeBackend
from gather import evidence, wait_for_quiet
from stack import Stack

SESSIONS, TABS, CALLS_A_TAB = 1000, 4, 5  # two of the tabs on each host
CALLS_A_TAB_AFTERWARDS = 2
BYSTANDERS = 8
BYSTANDERS_CALL = ("/api/echo/", "/bff/session")
SIGNING_IN_S, LONG_S = 10, 3600
TOO_SHORT_TO_TELL_MS = 25  # a time slice or two

# For a herd, as the README says: what waits for its turn must have room. (The defaults answer a
# part of it with 503 and Retry-After, which is what limits are for.)
ROOM = {
    "session.refresh_ahead": "0s",
    "server.io_queue": "4096",
    "server.park_timeout": "55s",
}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    base = tmp_path_factory.mktemp("herd")
    with contextlib.ExitStack() as at_end:
        backend = FakeBackend(str(base / "backend"), users=SESSIONS + BYSTANDERS)
        backend.start()
        at_end.callback(backend.stop)
        wishes = {"backend_url": backend.url, "login_rate": 10_000, "overrides": ROOM}
        first = at_end.enter_context(Stack(str(base / "one"), **wishes))
        wishes |= {"redis": first.redis, "key_file": first.key_file}
        second = at_end.enter_context(Stack(str(base / "two"), **wishes))
        yield backend, (first, second)


@contextlib.contextmanager
def elsewhere(*pids):
    """Clients and Django have machines of their own: here they take what the others leave."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    for pid in (0, *pids):
        os.setpriority(os.PRIO_PROCESS, pid, 19)
    try:
        yield
    finally:
        for pid in (0, *pids):
            os.setpriority(os.PRIO_PROCESS, pid, usual)


async def herd(visitors, urls, calls, start_at, seen):
    """Every tab makes its calls one after the other, all tabs at once."""

    async def tab(visitor, line):
        for _ in range(calls):
            seen.append(await visitor.call(line))

    async with lines_to(urls, len(visitors) * TABS) as lines:
        while time.time() < start_at:
            await asyncio.sleep(0.001)
        began = time.time()
        await asyncio.gather(
            *(tab(visitors[i // TABS], line) for i, line in enumerate(lines))
        )
    return began, time.time()


def watch_bystanders(visitors, urls, over, result):
    """In a process of its own, so that the herd's clients are not what is measured."""

    async def call(visitor, line, seen):
        while not over.is_set():
            for path in BYSTANDERS_CALL:
                seen.append((path, await visitor.call(line, path)))
                await asyncio.sleep(0.005)

    async def run():
        seen = []
        async with lines_to(urls, len(visitors)) as lines:
            await asyncio.gather(*(call(v, line, seen) for v, line in zip(visitors, lines)))
        return seen

    result.send(asyncio.run(run()))
    result.close()


@contextlib.contextmanager
def bystanders(visitors, urls, seen):
    context = multiprocessing.get_context("fork")
    over, (ours, theirs) = context.Event(), context.Pipe(duplex=False)
    process = context.Process(target=watch_bystanders, args=(visitors, urls, over, theirs))
    process.start()
    try:
        yield
    finally:
        over.set()
        seen.extend(ours.recv())
        process.join()


def figures(theirs, phases):
    """Lines that say how long the bystanders' calls took, and {(phase, path): p99 in ms}."""
    lines, found = [], {}
    for name, (start, end) in phases.items():
        for path in BYSTANDERS_CALL:
            took = [
                1000 * (answer.at - answer.sent_at)
                for called, answer in theirs
                if called == path and start <= answer.sent_at < end
            ]
            found[name, path] = p99(took)
            lines.append(f"  {name}: {len(took)} x {path}, p99 {found[name, path]:.0f} ms")
    return lines, found


def test_one_refresh_for_each_session_and_every_request_answered(hosts, capsys):
    backend, stacks = hosts
    urls = [stack.url for stack in stacks]
    users = [Visitor(f"user{i}") for i in range(1, SESSIONS + 1)]
    others = [Visitor(f"user{SESSIONS + i}") for i in range(1, BYSTANDERS + 1)]
    seen, theirs = [], []

    backend.control(settings={"access_seconds": LONG_S})
    asyncio.run(sign_in_all(others, urls))
    moment = int(time.time()) + SIGNING_IN_S
    backend.control(settings={"access_until": moment})
    asyncio.run(sign_in_all(users, urls))
    signed_in_at = time.time()
    assert signed_in_at < moment - 2, "signing in took longer than the tokens were to live"
    backend.control(settings={"access_until": None})  # what is issued from now on lives long

    with bystanders(others, urls, theirs), elsewhere(backend.pid):
        rush = asyncio.run(herd(users, urls, CALLS_A_TAB, moment, seen))
        usual = asyncio.run(herd(users, urls, CALLS_A_TAB_AFTERWARDS, time.time(), seen))

    refreshes = [call for call in backend.begun() if call["kind"] == "refresh"]
    answers = seen + [answer for _, answer in theirs]
    statuses = Counter(answer.status for answer in answers)
    phases = {
        "before": (signed_in_at, rush[0]),
        "while refreshing": (refreshes[0]["at"], max(call["answered_at"] for call in refreshes)),
        "herd": rush,
        "same load, no expiry": usual,
    }
    lines, most = figures(theirs, phases)
    with capsys.disabled():
        took = [f"{end - start:.1f} s" for start, end in (rush, usual)]
        print(f"\nherd: {SESSIONS * TABS * CALLS_A_TAB} requests in {took[0]}, "
              f"{len(refreshes)} refreshes; afterwards {SESSIONS * TABS * CALLS_A_TAB_AFTERWARDS} "
              f"in {took[1]}; statuses {dict(statuses)}; bystanders:")  # fmt: skip
        print("\n".join(lines))

    assert statuses == {200: len(answers)}
    assert len(seen) == SESSIONS * TABS * (CALLS_A_TAB + CALLS_A_TAB_AFTERWARDS)
    assert [call["status"] for call in refreshes] == [200] * SESSIONS
    # Who needs no refresh does not queue behind those who do: what such a load costs everybody is
    # all that it costs.
    for path in BYSTANDERS_CALL:
        usual_ms = max(most["same load, no expiry", path], TOO_SHORT_TO_TELL_MS)
        assert most["while refreshing", path] < 2 * usual_ms, path

    store = redis_client.Redis(unix_socket_path=str(stacks[0].redis_socket))
    wait_for_quiet(store, users)
    facts = evidence(
        stacks,
        Path(backend.ledger).parent,
        store,
        stacks[0].key_file,
        users + others,
        answers,
        time.time(),
    )
    assert len(facts.stored) == SESSIONS
    assert {held.generation for held in facts.held[:SESSIONS]} == {2}
    found = violations(facts)
    assert not found, "\n".join(map(str, found[:5]))
