"""Clocks an hour off, or set while all runs: bffd's and Django's. (Redis' times are compared with
its own clock only.) Nobody is thrown out, tokens end when Django means it, and no lease outlives
its time."""

import contextlib
import itertools
import os
import signal
import time
from collections import Counter

import pytest

from client import Browser
from clocks import CLOCK_SETTINGS, HOUR_S, Clock
from crowd import Load
from gather import logged_at
from ground import ACCESS_S, LEASE_S, USERS, Ground, served, wait_while
from until import until

LASTS_S = 2 * ACCESS_S
# Django writes Date and `exp` in whole seconds: a token may seem to live so much longer.
DATE_TICK_S = 1
SLACK_S = 0.4  # from bffd's answer to Django's note of the call
BACK_WITHIN_S = 1


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        base = tmp_path_factory.mktemp("clocks")
        made = Ground(base, at_end, hosts=2, **CLOCK_SETTINGS)
        made.clocks = [Clock(base / f"clock{i}") for i in (1, 2)]
        for clock, stack in zip(made.clocks, made.stacks):
            clock.give_to(stack.bffd)
            stack.bffd.restart()
        yield made


@contextlib.contextmanager
def set_to(clocks, hours):
    for clock, of_this in zip(clocks, hours):
        clock.set(of_this)
    try:
        yield
    finally:
        for clock in clocks:
            clock.set(0)


def go_on(ground, capsys, name, meanwhile=lambda: wait_while(LASTS_S)):
    """Everybody is served all the time, and every token is used for as long as it is good."""
    began_at = time.time()
    with Load(ground.visitors, ground.urls) as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        meanwhile()
    facts = ground.judge(load)
    early, late = expiries(facts, began_at)
    with capsys.disabled():
        print(f"\n  {name}: {dict(Counter(s.status for s in load.seen))}; tokens refreshed up to "
              f"{max(early):.3f} s early, used up to {max(late):.3f} s late", end="")  # fmt: skip
    assert {seen.status for seen in load.seen} == {200}
    assert len(early) >= USERS
    assert max(early) <= 0.1
    assert max(late) <= DATE_TICK_S + SLACK_S
    return facts


def expiries(facts, since):
    """How long before its end each access token was given up, and how long after it was used."""
    access = {
        (token.parent, token.user): token
        for token in facts.ledger.tokens.values()
        if token.kind == "access"
    }
    early, late = [], [0]
    for use in facts.ledger.uses:
        token = facts.ledger.tokens.get(use.jti)
        if token is None or token.issued_at < since:
            continue
        if use.kind == "api":
            late.append(use.at - token.expires_at)
        elif use.kind == "refresh":
            early.append(access[token.parent or token.jti, token.user].expires_at - use.at)
    return early, late


def test_one_host_an_hour_ahead_the_other_an_hour_behind(ground, capsys):
    with set_to(ground.clocks, (1, -1)):
        go_on(ground, capsys, "hosts at +1 h and -1 h")
        # That they do live by these clocks.
        for stack, hours in zip(ground.stacks, (1, -1)):
            at = logged_at(stack.bffd.events("refreshed")[-1])
            assert abs(at - time.time() - hours * HOUR_S) < 60
        cookie = ground.visitors[0].cookie
        told = [Browser(url, cookie).session() for url in ground.urls]
        for name in ("expires_in", "idle_expires_in"):
            assert abs(told[0][name] - told[1][name]) <= 2, told


def test_clocks_that_jump(ground, capsys):
    def jump():
        for hours in itertools.product((1, 0, -1), repeat=2):
            with set_to(ground.clocks, hours):
                wait_while(LASTS_S / 9)

    go_on(ground, capsys, "hosts that jump between -1 h and +1 h", jump)


@pytest.mark.parametrize("hours", (1, -1))
def test_django_an_hour_off(ground, capsys, hours):
    """bffd counts from Django's own Date."""
    ground.backend.control(settings={"clock_ahead": hours * HOUR_S})
    ground.sign_in_all()
    try:
        go_on(ground, capsys, f"Django at {hours:+d} h")
    finally:
        ground.backend.control(settings={"clock_ahead": 0})
        ground.sign_in_all()


def test_a_lease_ends_although_clocks_are_set_back_meanwhile(ground):
    """Its holder has died, and nobody but the time can end it."""
    visitor = ground.visitors[0]
    ground.backend.control(refresh={"hang": True, "status": 503, "times": 1})
    with Load([visitor], ground.urls[:1]):
        hung = until(lambda: unanswered(ground), 10, "a refresh hangs")
        ground.interrupted.add(hung["request_id"])
        for pid in ground.stacks[0].bffd.worker_pids():
            os.kill(pid, signal.SIGKILL)
    with set_to(ground.clocks, (-1, -1)), Load([visitor], ground.urls[1:]) as load:
        until(lambda: served(load) == 1, LEASE_S + 2 * BACK_WITHIN_S, "the other host refreshes")
    ground.backend.control(release=True)
    ground.judge(load)
    until(lambda: len(ground.stacks[0].bffd.worker_pids()) == 2, 10, "the workers are back")


def unanswered(ground):
    return next(
        (c for c in ground.backend.begun() if c["kind"] == "refresh" and c["status"] is None), None
    )
