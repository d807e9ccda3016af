"""Workers die, stand still and lose their connections at each step of a refresh, under load, on two
hosts of two workers, with each kind of Django: which sessions that costs, and why."""

import contextlib
import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import crash_points
import gunner
from checker import violations
from components import bffd_program
from facts import DJANGO, Evidence
from ground import LEASE_S
from rules import is_revoked

BEFORE_DJANGO = {"BEGIN_SENT", "BEGIN_ANSWERED", "DJANGO_DUE", "DJANGO_CONNECTED"}
ROUNDS = int(os.environ.get("BFF_CRASH_ROUNDS", "1"))


@dataclass
class Outcome:
    facts: Evidence
    trace: list
    broken: list


def outcome(ground, shots):
    load = gunner.run(ground, shots, ROUNDS)
    trace = shots.trace()
    ground.interrupted |= crash_points.interrupted(trace)
    ground.gave_up |= crash_points.gave_up(trace)
    return Outcome(ground.evidence(load), trace, load.broken)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """With each Django; side by side, for most of the time is spent waiting for leases to end."""
    base = tmp_path_factory.mktemp("crash")
    with contextlib.ExitStack() as at_end:
        ranges = [gunner.ground_for_shots(base / django, at_end, django) for django in DJANGO]
        with ThreadPoolExecutor(len(ranges)) as at_once:
            found = list(at_once.map(lambda one: outcome(*one), ranges))
        assert all(found), found
        yield dict(zip(DJANGO, found))


@pytest.fixture(params=DJANGO)
def run(request, outcomes):
    return outcomes[request.param]


def test_the_ordinary_program_holds_none_of_it():
    ordinary, special = bffd_program(), crash_points.program()
    refused = subprocess.run([ordinary, "--print-crash-points"], capture_output=True, text=True)
    assert refused.returncode == 2 and not refused.stdout
    for tool, words in ("nm", ["crash_"]), ("strings", ["BFF_CRASH_POINTS", "DJANGO_SENT"]):
        for word in words:
            assert word in printed(tool, special)
            assert word not in printed(tool, ordinary)


def printed(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_fault_came_at_every_step(run):
    hits = Counter((hit.step, hit.fault) for hit in run.trace if hit.fault)
    assert hits >= Counter(gunner.every_shot() * ROUNDS)


def test_the_checker_finds_nothing(run):
    found = violations(run.facts)
    assert not found, f"{len(found)} violations\n" + "\n".join(map(str, found))[:20000]


def test_a_session_is_lost_in_the_window_or_not_at_all(run, capsys):
    surely, perhaps = hit_in_window(run)
    lost = refused_for_good(run.facts)
    with capsys.disabled():
        print(f"\n  {run.facts.django}: {summary(run)};")
        print(f"  {len(surely)} rotations ended in the window, {len(lost)} sessions lost")
    assert len(surely) >= 5 * ROUNDS
    if run.facts.django == "stock":
        assert surely <= lost <= surely | perhaps
    else:
        assert not lost


def hit_in_window(run):
    """The refresh tokens that Django rotated for a refresh that ended there: (surely, perhaps)."""
    rotated = {u.request_id: u.jti for u in run.facts.ledger.uses_of("refresh") if u.status == 200}
    both = crash_points.hit_in_window(run.trace, crash_points.steps())
    return tuple({rotated[each] for each in hit if each in rotated} for hit in both)


def refused_for_good(facts):
    """The refresh tokens that were rotated, then refused, and whose successor never turned up."""
    used = {use.jti for use in facts.ledger.uses_of("refresh")}
    used |= {held.refresh for held in facts.held}
    tokens, successors = facts.ledger.tokens, facts.ledger.successors()
    return {
        use.jti
        for use in facts.ledger.uses_of("refresh")
        if use.status == 401 and use.jti in successors
        if used.isdisjoint(child.jti for child in successors[use.jti])
        if not is_revoked(tokens[use.jti], successors)
    }


def summary(run):
    hits = Counter(hit.fault for hit in run.trace if hit.fault)
    statuses = Counter(seen.status for seen in run.facts.seen)
    overtaken = len(asked_twice(run.facts))
    return f"{dict(hits)}, {dict(statuses)}, {overtaken} refreshes taken over"


def asked_twice(facts):
    return {
        jti
        for jti, count in Counter(use.jti for use in facts.ledger.uses_of("refresh")).items()
        if count > 1
    }


def test_who_loses_a_session_is_told_so_and_signs_in_again(outcomes):
    """And is served: gunner.run() has waited for that. That it ended is told by the worker that
    ended it; where that was hit, too, there is just no such session."""
    facts = outcomes["stock"].facts
    users = {facts.ledger.tokens[jti].user for jti in refused_for_good(facts)}
    assert users <= {seen.user for seen in facts.seen if seen.code in gunner.IS_OVER}
    assert users & {seen.user for seen in facts.seen if seen.code == "session_expired"}


def test_who_stood_still_with_a_lease_before_he_asked_sends_nothing_that_is_spent(run):
    stored = {event.request_id: event.at for event in run.facts.stored}
    uses = run.facts.ledger.uses_of("refresh")
    spent_at = {use.jti: stored[use.request_id] for use in uses if use.request_id in stored}
    stood = {
        hit.request_id
        for hit in run.trace
        if hit.fault == "stall" and hit.step in BEFORE_DJANGO
    }
    assert stood
    late = [u for u in uses if u.request_id in stood and u.at > spent_at.get(u.jti, u.at)]
    assert not late, late


def test_nobody_sees_worse_than_try_again(run):
    statuses = Counter(seen.status for seen in run.facts.seen)
    assert statuses.keys() <= {200, 401, 503}, statuses
    assert not run.broken, run.broken[:5]


def test_who_stood_still_past_the_lease_was_overtaken_and_nothing_came_of_it(run):
    """Else the stops would have shown nothing."""
    stalls = [hit for hit in run.trace if hit.fault == "stall"]
    holding = {"DJANGO_SENT", "DJANGO_ANSWERING", "DJANGO_ANSWERED", "VERDICT", "COMMIT_DUE"}
    overtaken = [hit for hit in stalls if hit.step in holding and was_overtaken(run, hit)]
    assert overtaken, f"none of {len(stalls)}"


def was_overtaken(run, hit):
    """Another request asked with the same token, while this one's worker stood still."""
    uses = run.facts.ledger.uses_of("refresh")
    ours = {use.jti for use in uses if use.request_id == hit.request_id}
    return any(
        use.jti in ours
        and use.request_id != hit.request_id
        and hit.at < use.at < hit.at + 2 * LEASE_S
        for use in uses
    )
