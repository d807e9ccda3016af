"""All users' tokens end within one second, under load: each is refreshed once, ahead of its end,
and nobody who calls meanwhile should notice."""

import os
import time
from contextlib import ExitStack

from contender import Unfit
from measure import measure, medians, ratio
from sites import Bffd
from stand import Row

CONNECTIONS, PAUSE_MS = 200, 100  # 2,000 requests a second
MOST_TIMES = 2.0
PAUSES = ["--pause", PAUSE_MS]
STRAGGLERS_S = 2
SLOWER = 4  # times what signing in took before: what it may take here


def sleep_until(moment):
    left = moment - time.time()
    if left < 0:
        raise Unfit(f"this machine is {-left:.1f} s too slow for the herd")
    time.sleep(left)


class Herd:
    """Users whose tokens all end at one moment. As shipped, bffd refreshes in the last quarter of a
    token's life (and at most 30 s before its end), some sessions sooner and some later: `due` is
    when that begins."""

    def __init__(self, stand, site, sign_in):
        self._site, self._sign_in = site, sign_in
        self._life_s = stand.size.herd_life_s
        self._run_s = self._life_s // 4
        self._refreshes_before = 0
        first_life_s = self._life_s + round(SLOWER * stand.sign_in_s * stand.size.herd)
        self._let_tokens_end(int(time.time()) + first_life_s, first_life_s)
        self._file = stand.write_sessions(
            stand.directory / "herd-sessions", site.cookies(stand.size.herd)
        )

    def _let_tokens_end(self, moment, life_s):
        self._sign_in.control(settings={"access_until": moment})
        self._due = moment - life_s / 4

    def _load(self, seconds):
        where = self._site, self._file, CONNECTIONS, seconds
        return measure(*where, options=PAUSES, cold=True)

    def steady(self):
        sleep_until(self._due - self._run_s - 1)
        return self._load(self._run_s)

    def refreshing(self):
        """The load over the moment at which they are due. What they get ends at one moment again,
        for the next round."""
        sleep_until(self._due - 0.5)
        self._let_tokens_end(int(self._due) + self._life_s, self._life_s)
        found = self._load(self._run_s)
        self._load(STRAGGLERS_S)  # the first tokens lived a little longer
        refreshes = self._sign_in.refreshes()
        found["refreshes"] = len(refreshes) - self._refreshes_before
        self._refreshes_before = len(refreshes)
        found["unsuccessful"] = sum(call["status"] != 200 for call in refreshes)
        return found


def herd(stand):
    users = stand.size.herd
    with ExitStack() as at_end:
        sign_in = stand.run(stand.another_sign_in("herd-sign-in", users), at_end)
        # Who grants tokens has a machine of his own: here he takes what the others leave.
        os.setpriority(os.PRIO_PROCESS, sign_in.pid, 19)
        directory = stand.directory / "herd"
        site = stand.run(Bffd(directory, stand.upstream, sign_in, name="herd"), at_end)
        crowd = Herd(stand, site, sign_in)
        runs = stand.side_by_side(
            {"steady": crowd.steady, f"{users:,} refreshes": crowd.refreshing},
            rounds=min(3, stand.size.rounds),
        )
    steady, refreshing = runs.values()
    times = ratio(refreshing, steady, "p99_ms")
    counts = [run["refreshes"] for run in refreshing]
    figures = medians(refreshing)
    return [
        Row("bffd, steady load", figures=medians(steady), more={"runs": steady}),
        Row(
            f"bffd, {users:,} tokens ending within 1 s",
            target=f"p99 at most {MOST_TIMES:g}x the steady one, {users:,} refreshes",
            found=f"p99 {times:.2f}x, refreshes {', '.join(map(str, counts))}",
            met=times <= MOST_TIMES
            and set(counts) == {users}
            and not figures["errors"]
            and not figures["unsuccessful"],
            figures=figures,
            more={"p99_times": times, "refreshes": counts, "runs": refreshing},
        ),
    ]
