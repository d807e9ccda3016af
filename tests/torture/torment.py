"""A flow again and again, each time with another call that fails, and what came of it."""

import contextlib
import os
import time
from collections import Counter
from dataclasses import dataclass, field

from rack import Place, Point, open_files, sentence
from until import until

VAIN = 3  # so often in a row the flow does not call again from a place: it seldom does
TOGETHER = 32  # are looked at, and by halves if they leak
LINGERS_S = 3
REPEATS = 6  # of what may have leaked: then it has leaked as often


@dataclass
class Tally:
    """What came of a flow."""

    name: str
    points: int = 0
    missed: int = 0  # points to which the flow did not come again
    ended: int = 0  # processes that were to go on
    answers: Counter = field(default_factory=Counter)
    slowest_s: float = 0
    broken: list = field(default_factory=list)

    def add(self, answer, took_s):
        self.points += 1
        self.answers[answer] += 1
        self.slowest_s = max(self.slowest_s, took_s)

    def row(self):
        answers = ", ".join(f"{count} {what}" for what, count in self.answers.most_common())
        return (
            f"{self.name:<28}{self.points:>7}{self.missed:>7}{self.ended:>6}"
            f"{self.slowest_s:>8.1f}  {answers}"
        )


def total(tallies):
    whole = Tally("all")
    for tally in tallies:
        whole.points += tally.points
        whole.missed += tally.missed
        whole.ended += tally.ended
        whole.answers += tally.answers
        whole.slowest_s = max(whole.slowest_s, tally.slowest_s)
    return whole


HEAD = f"{'flow':<28}{'points':>7}{'missed':>7}{'ended':>6}{'slowest':>8}  answers"


class Torment:
    def __init__(self, flow):
        self._flow, self._rack = flow, flow.rack
        self.tally = Tally(flow.name)
        self._times = {}  # {place: how often at most}
        self._suspects = []
        self._came = True

    def once(self, point=None):
        """The flow, once. What it was answered, and how long that took."""
        state = self._flow.ready()
        pid = self._flow.pid()
        self._rack.count(pid, point)
        began = time.monotonic()
        try:
            outcome = self._flow.act(state)
        finally:
            took_s = time.monotonic() - began
            self._rack.stop()
        for place in self._rack.places():
            key = Place(place.at, place.call, place.n_ways, 0)
            # What fails may be tried again many times: that is not how often it is called.
            if point is None or key not in self._times:
                self._times[key] = max(self._times.get(key, 0), place.times)
        self._flow.judge(state, outcome)
        if point is None:
            assert self._flow.is_well(outcome), f"{outcome} though nothing failed"
        return outcome, took_s

    def _points(self):
        """All of them, and those that are found on the way."""
        done, vain = Counter(), Counter()
        while True:
            left = [
                place
                for place, times in self._times.items()
                if done[place] < times and vain[place] < VAIN
            ]
            if not left:
                return
            place = min(left, key=lambda p: (done[p], p.at))
            done[place] += 1
            for way in range(place.n_ways):
                self._came = True
                yield Point(place.at, place.call, done[place], way)
                if not self._came:
                    vain[place] += 1
                    break
                vain[place] = 0

    def _try(self, point):
        """One point, and whether the worker is afterwards what it was."""
        held = self._holds()
        try:
            outcome, took_s = self.once(point)
            self._came = self._rack.came()
            self.tally.missed += not self._came
            if not self._rack.failed_in():
                return
            self.tally.add(self._flow.name_of(outcome), took_s)
            self.once()
        except Exception as error:  # all of them are told, not just the first
            self._broken(point, error)
            self._flow.begin()
            return
        now = self._holds()
        if held and now and held.pid == now.pid and now.more_than(held):
            self._suspects.append(point)
        elif held and now and held.pid != now.pid:
            self.tally.ended += 1

    def _broken(self, point, error):
        what = f"{type(error).__name__}: {error}".strip()
        self.tally.broken.append(f"{sentence(self._flow.program, point)}: {what}")

    def _holds(self):
        pid = self._flow.kept_pid()
        return Holds(pid, self._rack.blocks(pid), open_files(pid)) if pid else None

    def run(self, some=0, say=lambda text: None):
        """All points, and whether any of them leaks; or only so many of those that the flow comes
        to by itself."""
        for _ in range(2):
            self.once()
        chosen = spread(list(self._points()), some) if some else self._points()
        said = time.monotonic()
        for point in chosen:
            self._try(point)
            if some and self.tally.points + len(self.tally.broken) >= some:
                return self.tally
            if time.monotonic() - said > 15:
                said = time.monotonic()
                say(f"    {self.tally.row()}")
        for first in range(0, len(self._suspects), TOGETHER):
            self._look_for_leaks(self._suspects[first : first + TOGETHER])
        return self.tally

    def _look_for_leaks(self, points):
        """Noise does not grow with each repetition."""
        self.once()
        before = self._holds()
        for point in points:
            for _ in range(REPEATS):
                with contextlib.suppress(AssertionError):  # told already
                    self.once(point)
        self.once()
        if self._comes_back_to(before):
            return
        if len(points) == 1:
            self._broken(points[0], AssertionError(f"leaks: {before}, then {self._holds()}"))
            return
        for half in points[: len(points) // 2], points[len(points) // 2 :]:
            self._look_for_leaks(half)

    def _comes_back_to(self, before):
        """What waits to be swept out (the cache's entries, idle tasks) goes by itself."""

        def is_back():
            now = self._holds()
            return not (before and now and before.pid == now.pid and now.is_leak_since(before))

        with contextlib.suppress(AssertionError):
            return until(is_back, LINGERS_S, "what it held before")
        return False


@dataclass(frozen=True)
class Holds:
    pid: int
    blocks: int
    files: int

    def more_than(self, other):
        return self.blocks > other.blocks or self.files > other.files

    def is_leak_since(self, other):
        return self.blocks - other.blocks >= REPEATS or self.files - other.files >= REPEATS


def spread(points, count):
    """So many from all over, another lot each time, and then the others: not every one can fail."""
    step = max(1, len(points) // count)
    first = os.getpid() % step
    return points[first::step] + [p for i, p in enumerate(points) if i % step != first]
