"""Shoots at the workers of a Ground that runs the program of crash_points.py: every step, by every
fault, as often as wanted, while visitors call."""

import asyncio
import contextlib
import os
import random
import signal
import time
import urllib.error
import urllib.request

import record
from crash_points import FAULTS, Shots, steps
from crowd import Load
from fullsite import REVOKE
from ground import LEASE_S, Ground, served
from until import until
from vault import Vault, session_key

USERS = 40
TABS = 2
PAUSE_S = 0.5
# A token outlives two stops in a row: else who stood still brings one that has expired.
TOKEN_S = 10
SETTINGS = {"refresh.grace": "5s", "refresh.backoff_min": "100ms", "refresh.backoff_max": "500ms"}
STALL_S = LEASE_S + 0.5  # past the lease, and within the grace
# A worker that is killed again and again is started again more and more slowly.
AT_ONCE = {"kill": 1, "stall": 2, "cut": 2}
TAKEN_WITHIN_S = 30
AGAIN_AFTER_S = 5
SERVED_WITHIN_S = 30
IS_OVER = ("session_expired", "not_authenticated")
REVOKER = "the-gunner"  # the request id of what it asks of Django


def every_shot():
    """A cut needs a connection."""
    return [
        (step.name, fault)
        for step in steps().values()
        for fault in FAULTS
        if fault != "cut" or step.connection
    ]


def ground_for_shots(directory, at_end, django, hosts=2):
    """A Ground and its Shots."""
    directory.mkdir(exist_ok=True)
    shots = Shots(directory / "shots")
    with shots.told():
        ground = Ground(directory, at_end, hosts=hosts, users=USERS, django=django, **SETTINGS)
    ground.backend.control(settings={"access_seconds": TOKEN_S})
    return ground, shots


class Returning(Load):
    """Who is told that his session is over signs in again."""

    def __init__(self, ground):
        super().__init__(ground.visitors, ground.urls, TABS, PAUSE_S)
        self._signing_in = set()

    async def _browse(self, visitor, line):
        while not self._over.is_set():
            cookie = visitor.cookie
            try:
                seen = await visitor.call(line)
                self.seen.append(seen)
                if seen.code in IS_OVER and visitor.cookie == cookie:
                    await self._sign_in(visitor, line)
            except OSError as error:
                self.broken.append((time.time(), visitor.user, repr(error)))
            await asyncio.sleep(PAUSE_S)

    async def _sign_in(self, visitor, line):
        if visitor.user in self._signing_in:
            return
        self._signing_in.add(visitor.user)
        try:
            # A login may be hit as well: at the next call he tries again.
            with contextlib.suppress(AssertionError):
                await visitor.sign_in(line)
        finally:
            self._signing_in.remove(visitor.user)


class Gunner:
    def __init__(self, ground, shots, seed=0):
        self._ground, self._shots, self._random = ground, shots, random.Random(seed)
        self._stalled = {}  # pid: when it may go on
        self._armed = {}  # (step, fault): since when
        self._provoked_at = 0
        self._hits_seen = len(shots.hits())

    def shoot(self, wanted):
        """Until every shot of `wanted` is taken, and all workers run again."""
        waiting = list(wanted)
        self._random.shuffle(waiting)
        try:
            while not self.is_quiet() or waiting or self._armed:
                for shot in list(waiting):
                    if self._has_room(shot):
                        waiting.remove(shot)
                        self._armed[shot] = time.monotonic()
                        self._shots.arm(*shot)
                self._provoke()
                time.sleep(0.02)
        finally:
            self._shots.disarm()
            self._let_go(self._stalled)

    def is_quiet(self):
        """No worker stands still. To be asked on: a shot that seemed lost may hit after all."""
        self._tend()
        return not self._stalled

    def _has_room(self, shot):
        fault = shot[1]
        # Not one stop after the other: they would be one of many leases.
        if fault == "stall" and self._stalled:
            return False
        return sum(armed[1] == fault for armed in self._armed) < AT_ONCE[fault]

    def _tend(self):
        now = time.monotonic()
        self._let_go([pid for pid, until_s in self._stalled.items() if until_s <= now])
        hits = self._shots.hits()
        for hit in hits[self._hits_seen :]:
            self._armed.pop((hit.step, hit.fault), None)
            if hit.fault == "stall":
                self._stalled[hit.pid] = now + STALL_S
        self._hits_seen = len(hits)
        for shot, since in self._armed.items():
            assert now < since + TAKEN_WITHIN_S, f"nobody has come to {shot}"
            # Who took it away may have been killed, by another's shot, before it was hit.
            if now > since + AGAIN_AFTER_S:
                self._shots.arm(*shot)

    def _let_go(self, pids):
        for pid in list(pids):
            # Another of its threads may have been killed in the moment before it stopped.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            del self._stalled[pid]

    def _provoke(self):
        """Django says no, or does not know, only when it has a reason to."""
        kinds = {step.partition("_")[0] for step, _ in self._armed}
        if time.monotonic() < self._provoked_at + 1:
            return
        self._provoked_at = time.monotonic()
        if "FAIL" in kinds:
            self._ground.backend.control(refresh={"status": 500, "times": 1})
        if "REJECT" in kinds:
            self._revoke(self._random.choice(self._ground.visitors))

    def _revoke(self, visitor):
        """The refresh token that Redis holds; it may be rotated away at this very moment."""
        stands = record.of(self._ground.store, session_key(visitor.cookie))
        if not stands:
            return
        token = Vault(self._ground.key_file).texts(stands, visitor.cookie)["refresh"]
        request = urllib.request.Request(
            self._ground.backend.url + REVOKE,
            b'{"refresh": "%s"}' % token.encode(),
            {"Content-Type": "application/json", "X-Request-ID": REVOKER},
        )
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=10).close()


def run(ground, shots, rounds):
    """The Load under which every shot was taken so many times. Afterwards all are served."""
    ground.interrupted.add(REVOKER)
    with Returning(ground) as load:
        until(lambda: served(load) == USERS, 20, "all are served")
        gunner = Gunner(ground, shots)
        for _ in range(rounds):
            gunner.shoot(every_shot())
        since = time.time()
        until(
            lambda: gunner.is_quiet() and served(load, since) == USERS,
            SERVED_WITHIN_S,
            "all are served again",
        )
    return load
