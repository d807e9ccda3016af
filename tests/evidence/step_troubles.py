"""Workers that die, stand still or lose a connection at some step of a refresh, as crash_points.py
has it. `ground.shots` is where they are told."""

import contextlib
import os
import random
import signal
import time

from gunner import STALL_S, every_shot
from host_troubles import again_and_again
from until import until

LOOK_EVERY_S = 0.1
AIM_ELSEWHERE_AFTER_S = 1  # a step that nobody comes to


class _Struck:
    def __init__(self, shots):
        self._shots, self._wanted = shots, every_shot()
        self._chance = random.Random(time.time())
        self._aimed_at, self._known, self._stalled = 0, len(shots.hits()), {}

    def aim(self):
        self.tend()
        # One stop at a time: they would be one of many leases.
        if not self._stalled and time.monotonic() > self._aimed_at + AIM_ELSEWHERE_AFTER_S:
            self._shots.disarm()
            self._shots.arm(*self._chance.choice(self._wanted))
            self._aimed_at = time.monotonic()

    def tend(self):
        """Who has stood still for long enough goes on. True: nobody does."""
        now, hits = time.monotonic(), self._shots.hits()
        for hit in hits[self._known :]:
            if hit.fault == "stall":
                self._stalled[hit.pid] = now + STALL_S
        self._known = len(hits)
        for pid in [pid for pid, until_s in self._stalled.items() if until_s <= now]:
            with contextlib.suppress(ProcessLookupError):  # killed meanwhile
                os.kill(pid, signal.SIGCONT)
            del self._stalled[pid]
        return not self._stalled


@contextlib.contextmanager
def steps_struck(ground):
    struck = _Struck(ground.shots)
    try:
        with again_and_again(struck.aim, LOOK_EVERY_S):
            yield
    finally:
        ground.shots.disarm()
        until(struck.tend, 2 * STALL_S, "nobody stands still")


TROUBLES = [steps_struck]
