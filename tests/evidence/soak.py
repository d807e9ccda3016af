#!/usr/bin/python3
"""
Two hosts under load while one thing after the other goes wrong, at random, for as long as you like.

    make soak MINUTES=30
    tests/evidence/soak.py --minutes 30 [--seed N] [--round SECONDS]

In rounds of a minute (or as told): all visitors sign in anew, call all the time with tokens of five
seconds, and several troubles at a time befall them, of different kinds. Then all is left alone until it is
quiet, and the checker judges the round. Each round has one of the three kinds of Django.

Prints each trouble as it begins, a line for each round, and at the end what was done and seen:
requests, expiries, refreshes, troubles by kind, sessions lost, memory, and violations with a trace
each, in which calls that were answered as usual are left out.
Exit status 1 if anything was violated. A run is repeated by its seed, as far as time allows.
"""

import argparse
import collections
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "e2e"), str(ROOT / "scripts")]

import clock_troubles  # noqa: E402
import crash_points  # noqa: E402
import django_troubles  # noqa: E402
import gather  # noqa: E402
import host_troubles  # noqa: E402
import ledger  # noqa: E402
import redis_troubles  # noqa: E402
import step_troubles  # noqa: E402
from checker import violations  # noqa: E402
from clocks import CLOCK_SETTINGS, Clock  # noqa: E402
from facts import DJANGO  # noqa: E402
from ground import LEASE_S, Ground, wait_while  # noqa: E402
from gunner import SETTINGS, Returning  # noqa: E402
from rules import lost_sessions  # noqa: E402
from until import until  # noqa: E402

KINDS = {
    "clock": clock_troubles.TROUBLES,
    "Django": django_troubles.TROUBLES,
    "Redis": redis_troubles.TROUBLES,
    "host": host_troubles.TROUBLES,
    "step": step_troubles.TROUBLES,
}
ACCESS_S = 5  # outlives a worker's standing still
TROUBLE_S = (0.5, 5)  # the shortest, the longest
PEACE_S = (0, 4)  # between one trouble and the next of its kind
RECOVERY_S = 30  # in which everybody has to be served again, at the end of a round


class Tally:
    def __init__(self):
        self.statuses = collections.Counter()
        self.rounds = self.sessions = self.expiries = self.refreshes = 0
        self.troubles = collections.Counter()
        self.lost, self.violations = 0, []
        self.memory = []  # bytes of each round's largest worker

    def add(self, ground, facts, load, found, lost):
        self.rounds += 1
        self.sessions += len(ground.visitors)
        self.statuses += collections.Counter(seen.status for seen in load.seen)
        self.statuses["no answer"] += len(load.broken)
        now = time.time()
        tokens = facts.ledger.tokens.values()
        self.expiries += sum(t.kind == "access" and t.expires_at < now for t in tokens)
        self.refreshes += len(facts.stored)
        self.lost += len(lost)
        self.violations += found
        self.memory.append(worker_bytes(ground))

    def report(self):
        requests = sum(self.statuses.values())
        yield f"{self.rounds} rounds, {self.sessions} sessions, {requests} requests:"
        yield "  " + ", ".join(f"{count} x {status}" for status, count in self.statuses.items())
        yield f"{self.expiries} access tokens expired, {self.refreshes} refreshes"
        yield "troubles:"
        for name, count in sorted(self.troubles.items()):
            yield f"  {count:5} {name}"
        yield f"sessions lost: {self.lost}, with a Django that blacklists and does not repeat"
        first, last = self.memory[0], self.memory[-1]
        yield (
            f"largest worker: {first / 1e6:.1f} MB after the first round, {last / 1e6:.1f} MB "
            f"after the last, {max(self.memory) / 1e6:.1f} MB at most"
        )
        yield f"{len(self.violations)} violations"
        for violation in self.violations:
            yield f"  {violation.rule}: {violation.what}"
            yield from (f"      {line}" for line in violation.trace if not is_ordinary(line))


def is_ordinary(line):
    return line.endswith(": 200") and " api with " in line or " saw 200, " in line


def worker_bytes(ground):
    """The private and shared memory of the largest worker (Pss, proc(5))."""

    def pss(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
        return 0

    return max(pss(pid) for stack in ground.stacks for pid in stack.bffd.worker_pids())


class Mischief:
    """Troubles of one kind, one after the other, with some peace in between."""

    def __init__(self, kind, troubles, ground, chance, tally):
        self._kind, self._troubles, self._ground = kind, troubles, ground
        self._chance, self._tally = chance, tally
        self._now = None  # the context of the trouble that is on
        self.due = time.monotonic() + chance.uniform(*PEACE_S)

    def act(self):
        if self._now:
            self.end()
            self.due = time.monotonic() + self._chance.uniform(*PEACE_S)
        else:
            self.due = time.monotonic() + self._begin()

    def _begin(self):
        """How long it is to last."""
        trouble = self._chance.choice(self._troubles)
        name = f"{self._kind}: {trouble.__name__.replace('_', ' ')}"
        seconds = self._chance.uniform(*TROUBLE_S)
        print(f"    {name} for {seconds:.1f} s", flush=True)
        self._tally.troubles[name] += 1
        self._now = trouble(self._ground)
        self._now.__enter__()
        return seconds

    def end(self):
        now, self._now = self._now, None
        if now:
            now.__exit__(None, None, None)


def make_mischief(ground, chance, tally, seconds):
    end = time.monotonic() + seconds
    kinds = [Mischief(kind, troubles, ground, chance, tally) for kind, troubles in KINDS.items()]
    try:
        while time.monotonic() < end:
            next_one = min(kinds, key=lambda kind: kind.due)
            time.sleep(max(0, min(next_one.due, end) - time.monotonic()))
            if time.monotonic() >= next_one.due:
                next_one.act()
    finally:
        for kind in kinds:
            kind.end()


def what_is_known(ground, load):
    trace, known = ground.shots.trace(), ledger.read(ground.directory / "backend")
    ground.interrupted |= crash_points.interrupted(trace)
    ground.interrupted |= gather.interrupted(ground.stacks, known)
    ground.gave_up |= crash_points.gave_up(trace)
    return ground.evidence(load)


def run_round(ground, seconds, chance, tally):
    ground.shots.forget()
    ground.begin_anew(DJANGO[tally.rounds % len(DJANGO)])
    with Returning(ground) as load:
        make_mischief(ground, chance, tally, seconds)
        quiet_at = time.time()

        def all_have_an_answer():
            """401: the session was lost, which the checker wants explained."""
            told = {s.user for s in load.seen if s.status in (200, 401) and s.sent_at >= quiet_at}
            return len(told) == len(ground.visitors)

        until(all_have_an_answer, RECOVERY_S, "everybody has an answer again")
        wait_while(ACCESS_S + LEASE_S)  # and every session is refreshed once more
    facts = what_is_known(ground, load)
    found, lost = violations(facts), lost_sessions(facts)
    tally.add(ground, facts, load, found, lost)
    print(
        f"  round {tally.rounds}, {ground.django}: {len(load.seen)} requests, {len(lost)} sessions "
        f"lost, {len(found)} violations, {tally.memory[-1] / 1e6:.1f} MB",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description="Everything goes wrong, at random.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--round", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    chance, tally = random.Random(options.seed), Tally()
    print(f"{options.minutes:g} minutes, --seed {options.seed}", flush=True)
    end = time.monotonic() + 60 * options.minutes
    with contextlib.ExitStack() as at_end:
        directory = at_end.enter_context(tempfile.TemporaryDirectory(prefix="bffd-soak-"))
        shots = crash_points.Shots(Path(directory, "shots"))
        at_end.enter_context(shots.told())
        ground = Ground(Path(directory), at_end, hosts=2, access_s=ACCESS_S, holds_sockets=True,
                        **SETTINGS, **CLOCK_SETTINGS)  # fmt: skip
        ground.shots = shots
        ground.clocks = [Clock(Path(directory, f"clock{i}")) for i in (1, 2)]
        for clock, stack in zip(ground.clocks, ground.stacks):
            clock.give_to(stack.bffd)
            stack.bffd.restart()
        while not tally.rounds or time.monotonic() + options.round < end:
            run_round(ground, options.round, chance, tally)
    print()
    print("\n".join(tally.report()))
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
