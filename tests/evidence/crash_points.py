"""A bffd that is hit at a step of a refresh (bff/base/crash_point.h): what its steps are, how it is
told, and what its trace says of who was where when something happened."""

import contextlib
import functools
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from clocks import true_time
from components import bffd_program

FAULTS = ("kill", "stall", "cut")


@dataclass(frozen=True)
class Step:
    number: int
    name: str
    connection: str | None  # that a cut takes away
    in_window: bool  # if Django has granted, the successor is nowhere else
    sentence: str


@dataclass(frozen=True)
class Reached:
    """A refresh has come to a step, and this is what happened to it there."""

    at: float
    pid: int
    step: str
    fault: str | None
    request_id: str


@functools.cache  # told() changes what bffd_program() says
def program():
    """It is built beside the ordinary one, by `make crash`."""
    return bffd_program().parent / "crash" / "bffd"


def steps():
    """{name: step}, in their order; the program knows them."""
    text = subprocess.run(
        [program(), "--print-crash-points"], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for line in text.splitlines():
        number, name, connection, window, sentence = line.split("\t")
        connection = None if connection == "none" else connection
        found[name] = Step(int(number), name, connection, window == "window", sentence)
    return found


class Shots:
    """The directory in which the workers of all hosts find what is to happen."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir()
        self._trace = self.directory / "trace"

    @contextlib.contextmanager
    def told(self):
        """What is started in here is told, and is a program that can be."""
        words = {"BFFD": str(program()), "BFF_CRASH_POINTS": str(self.directory)}
        with patch.dict(os.environ, words):
            yield

    def arm(self, step, fault):
        (self.directory / f"{step}.{fault}").touch()

    def disarm(self):
        for shot in self.directory.glob("*.*"):
            shot.unlink(missing_ok=True)

    def trace(self):
        text = self._trace.read_text() if self._trace.exists() else ""
        found = []
        for line in text[: text.rfind("\n") + 1].splitlines():
            at, pid, step, fault, request_id = line.split(" ")
            fault = None if fault == "-" else fault
            at = true_time(float(at), time.time())
            found.append(Reached(at, int(pid), step, fault, request_id))
        return found

    def forget(self):
        if self._trace.exists():
            os.truncate(self._trace, 0)

    def hits(self):
        return [reached for reached in self.trace() if reached.fault]


# A signal stops the other threads of a process a little later; then it stands still for seconds.
STANDS_STILL_AFTER_S = 0.1
# What a refresh has done is told by then, one way or another.
REPORTED = {"LOGGED", "REJECT_ANSWERED", "FAIL_ANSWERED", "ANSWER_DUE", "ANSWER_SENT"}


def _under_way(trace, pid, at):
    """Where the refreshes of a worker were at that moment, those that had not reported."""
    last = {r.request_id: r for r in trace if r.pid == pid and r.at <= at}
    return [reached for reached in last.values() if reached.step not in REPORTED]


def interrupted(trace):
    """The request ids of all refreshes that something happened to: what hits a process hits all it
    is at."""
    found = set()
    for hit in trace:
        if hit.fault:
            found.add(hit.request_id)
        if hit.fault == "kill":
            found |= {r.request_id for r in _under_way(trace, hit.pid, float("inf"))}
        if hit.fault == "stall":
            stands_at = hit.at + STANDS_STILL_AFTER_S
            found |= {r.request_id for r in _under_way(trace, hit.pid, stands_at)}
    return found


def gave_up(trace):
    """The request ids of those whose FAIL has reached Redis."""
    return {reached.request_id for reached in trace if reached.step == "FAIL_SENT"}


def hit_in_window(trace, steps):
    """(surely, perhaps): the request ids of refreshes that ended in the window, if Django granted.
    A refresh that another one's death took with it was somewhere between two steps."""
    surely, perhaps = set(), set()
    names = list(steps)
    before, last = names[names.index("DJANGO_SENT") - 1], "COMMIT_DUE"
    for hit in trace:
        if hit.fault == "cut" and hit.step in ("DJANGO_SENT", "DJANGO_ANSWERING"):
            came_whole = any(
                (r.pid, r.request_id, r.step) == (hit.pid, hit.request_id, "DJANGO_ANSWERED")
                and r.at >= hit.at
                for r in trace
            )
            if not came_whole:
                surely.add(hit.request_id)
        if hit.fault != "kill":
            continue
        for reached in _under_way(trace, hit.pid, float("inf")):
            if reached == hit or reached.step not in (before, last):
                surely |= {reached.request_id} if steps[reached.step].in_window else set()
            else:
                perhaps.add(reached.request_id)
    return surely, perhaps
