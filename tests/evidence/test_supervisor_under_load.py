"""Workers are killed, bffd and nginx reload, bffd is stopped and started, again and again, under
load on two hosts: what fails is what a killed worker had in its hands, and nothing else."""

import contextlib
import time
from collections import Counter

import pytest

import host_troubles
import ledger
from facts import DJANGO
from gather import interrupted, kills
from ground import ACCESS_S, LEASE_S, USERS, Ground, served, wait_while
from rules import lost_sessions
from until import until

TROUBLE_S = 5
# Django takes its time, so that workers are killed while it does.
SLOW = {"delay_answer": 0.1}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        # Redis is not what is in trouble here, not even when the machine is busy.
        patient = {"lease_s": 20, "redis.command_timeout": "2s"}
        base = tmp_path_factory.mktemp("hosts")
        yield Ground(base, at_end, hosts=2, holds_sockets=True, **patient)


def go_through(ground, trouble, seconds=TROUBLE_S):
    with ground.load() as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        with trouble(ground):
            wait_while(seconds)
        over_at = time.time()
        # A dead worker's lease has to run out first.
        until(
            lambda: len({s.user for s in load.seen if s.sent_at >= over_at}) == USERS,
            LEASE_S + 5,
            "all have asked again",
        )
        wait_while(ACCESS_S)
    return load


def complaints(ground):
    """What nginx had to say of its requests."""
    return [
        line
        for stack in ground.stacks
        for line in stack.nginx.log_text().splitlines()
        if "[error]" in line or "[crit]" in line or "[alert]" in line
    ]


TIMES = {
    host_troubles.reloaded: lambda ground: len(ground.events("reloaded")),
    host_troubles.restarted: lambda ground: len(ground.events("ready")),
    host_troubles.nginx_reloaded: lambda ground: sum(
        stack.nginx.log_text().count("reconfiguring") for stack in ground.stacks
    ),
}


@pytest.mark.parametrize("trouble", TIMES, ids=lambda trouble: trouble.__name__)
def test_what_is_done_in_order_fails_no_request(ground, capsys, trouble):
    before = TIMES[trouble](ground)
    load = go_through(ground, trouble)
    times = TIMES[trouble](ground) - before
    with capsys.disabled():
        print(f"\n  {trouble.__name__} {times} times: {len(load.seen)} requests, of which "
              f"{load.repeated} met with a closed connection")  # fmt: skip
    assert times >= 6
    assert {seen.status for seen in load.seen} == {200}, complaints(ground)[-3:]
    assert not load.broken, load.broken[:5]
    # bffd's coming and going is nothing that a client's connection would notice.
    assert load.repeated == 0 or trouble is host_troubles.nginx_reloaded
    ground.judge(load)


@pytest.mark.parametrize("django", DJANGO)
def test_a_killed_worker_costs_what_was_in_its_hands(tmp_path, capsys, django):
    with contextlib.ExitStack() as at_end:
        patient = {"redis.command_timeout": "500ms"}  # as patient as the lease allows
        ground = Ground(tmp_path, at_end, hosts=2, django=django, **patient)
        ground.backend.control(refresh=SLOW)
        load = go_through(ground, host_troubles.workers_killed)
        known = ledger.read(tmp_path / "backend")
        ground.interrupted |= interrupted(ground.stacks, known)
        facts = ground.judge(load)
        lost = lost_sessions(facts)
        killed_at = sorted(at for stack in ground.stacks for at in kills(stack))
        statuses = Counter(seen.status for seen in load.seen)
        with capsys.disabled():
            print(f"\n  {django}: {dict(statuses)}, {len(killed_at)} workers killed, "
                  f"{len(ground.interrupted)} refreshes cut off, {len(lost)} sessions lost; "
                  f"nginx complained {len(complaints(ground))} times")  # fmt: skip
        assert len(killed_at) >= 6
        assert statuses.keys() <= {200, 401, 503}
        assert not load.broken and not load.repeated, load.broken[:5]
        # Asked again, it died a second time: nothing else is refused.
        refused = [seen for seen in load.seen if seen.status == 503]
        assert all(any(seen.sent_at <= at <= seen.at for at in killed_at) for seen in refused)
        assert {seen.user for seen in load.seen if seen.status == 401} <= lost.keys()
        assert not lost or django == "stock"
        assert served(load, killed_at[-1]) >= USERS - len(lost)
