#!/usr/bin/python3
"""
What four token-keeping clients suffer on Django alone, and what is left of it behind bffd.

Each runs unchanged in Chromium: twenty calls at once at every expiry of the access token, from one
tab and from two; and calls all along while the backend's refreshes are out of order for a second.

    tests/clients/compare.py [--expiries N] [--only CLIENT ...] [FILE]

Prints a table in Markdown, and writes it to FILE.
"""

import argparse
import functools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import sites  # noqa: E402  (it is not a package)
from harness import CLIENTS, Page, let_access_expire, when_quiet  # noqa: E402

from browser import Chromium  # noqa: E402
from until import until  # noqa: E402

ACCESS_S = 3
CALLS = 20
ENDS_WITHIN_S = 10

# As shipped, in small: the last part of a token's life is there to renew it.
OUTAGE_ACCESS_S, OUTAGE_REFRESH_AHEAD = 16, "10s"
OUTAGE_S = 1
STEADY_CALLS, STEADY_EVERY_MS = 35, 600

WAYS = {
    "without": sites.without_bffd,
    "with": functools.partial(sites.behind_bffd, with_front=True),
}

ONE_TAB, TWO_TABS, OUTAGE = SITUATIONS = ("one tab", "two tabs", "outage of 1 s")


@dataclass
class Suffered:
    """Sums over all expiries of one situation."""

    expiries: int = 0
    refreshes: list = field(default_factory=list)  # how many, for each expiry
    lost: int = 0
    calls: int = 0
    failed: int = 0
    sent_away: int = 0

    def add(self, refreshes, outcomes, calls, sent_away):
        self.expiries += 1
        self.refreshes.append(len(refreshes))
        self.lost += refreshes.count(401)
        self.calls += calls
        self.failed += calls - outcomes.count("200")
        self.sent_away += sent_away


class Measurement:
    """One client on one site, signed in."""

    def __init__(self, chromium, site, client, tabs):
        self.site, self.project, self.client = site, site.project, client
        self.pages = [Page(chromium, site.url, client, site.project) for _ in range(tabs)]
        self.sign_in_again()

    def sign_in_again(self):
        first, *others = self.pages
        first.reload()
        first.sign_in()
        for page in others:
            page.reload()  # it takes what it finds in the common storage

    def refreshes_in(self, calls):
        """Statuses of all refreshes, once no more of them come."""
        return when_quiet(lambda: calls.statuses(self.project.dialect.refresh))

    def _add(self, suffered, calls, count, within_s):
        outcomes = [page.settled(count, within_s) for page in self.pages]
        refreshes = self.refreshes_in(calls)
        sent_away = any(p.was_sent_away(o) for p, o in zip(self.pages, outcomes))
        flat = [outcome for of_page in outcomes for outcome in of_page]
        suffered.add(refreshes, flat, count * len(self.pages), sent_away)
        return sent_away

    def expiries(self, count):
        suffered = Suffered()
        for _ in range(count):
            let_access_expire(self.project, self.client.user)
            calls = self.project.calls_from_now()
            for page in self.pages:
                page.burst(CALLS)
            if self._add(suffered, calls, CALLS, ENDS_WITHIN_S):
                self.sign_in_again()
        return suffered

    def outage(self):
        """Refreshes are out of order for a second from the first that is made."""
        suffered, front = Suffered(), self.site.front
        calls = self.project.calls_from_now()
        front.outage.touch()
        self.pages[0].burst(STEADY_CALLS, STEADY_EVERY_MS)
        until(front.refused_refreshes, 2 * OUTAGE_ACCESS_S, "a refresh meets the outage")
        ends = time.monotonic() + OUTAGE_S
        until(lambda: time.monotonic() > ends, 2 * OUTAGE_S, "the outage ends")
        front.outage.unlink()
        within_s = STEADY_CALLS * STEADY_EVERY_MS / 1000 + ENDS_WITHIN_S
        self._add(suffered, calls, STEADY_CALLS, within_s)
        suffered.refreshes[-1] += front.refused_refreshes()
        return suffered


def at_expiries(client, way, tabs, expiries):
    with WAYS[way](client, ACCESS_S) as site, Chromium("127.0.0.1") as chromium:
        return Measurement(chromium, site, client, tabs).expiries(expiries)


def in_an_outage(client, way):
    ahead = {"refresh_ahead": OUTAGE_REFRESH_AHEAD} if way == "with" else {}
    with WAYS[way](client, OUTAGE_ACCESS_S, **ahead) as site, Chromium("127.0.0.1") as chromium:
        return Measurement(chromium, site, client, 1).outage()


def measure(clients, expiries):
    """{(client, situation, way): Suffered}. Most of the time is waiting for an expiry, so two
    measurements share the machine."""
    wanted = {}
    with ThreadPoolExecutor(2) as pool:
        for client in clients:
            for way in WAYS:
                for situation, tabs in ((ONE_TAB, 1), (TWO_TABS, 2)):
                    job = pool.submit(at_expiries, client, way, tabs, expiries)
                    wanted[client, situation, way] = job
                wanted[client, OUTAGE, way] = pool.submit(in_an_outage, client, way)
        for (client, situation, way), job in wanted.items():
            job.result()
            print(f"{client.name}, {situation}, {way} bffd", file=sys.stderr, flush=True)
    return {what: job.result() for what, job in wanted.items()}


def row(client, situation, without, behind):
    def cell(shown):
        return f"{shown(without)} → {shown(behind)}"

    def mean(values):
        return f"{sum(values) / len(values):.1f}".removesuffix(".0")

    return [
        f"`{client.name}`" + ("" if client.rotates else " (no rotation)"),
        situation,
        cell(lambda s: mean(s.refreshes)),
        cell(lambda s: f"{s.lost} of {sum(s.refreshes)}"),
        cell(lambda s: f"{s.failed} of {s.calls}"),
        cell(lambda s: f"{s.sent_away} of {s.expiries}"),
    ]


HEADER = [
    "client",
    "situation",
    "refreshes per expiry",
    "refreshes refused though the session was fine",
    "calls failed",
    "expiries that threw the user out",
]


def table(rows):
    lines = [HEADER, ["---"] * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--expiries", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=[c.name for c in CLIENTS], default=None)
    parser.add_argument("file", nargs="?", type=Path)
    options = parser.parse_args()
    clients = [c for c in CLIENTS if not options.only or c.name in options.only]
    found = measure(clients, options.expiries)
    written = table(
        row(client, situation, *(found[client, situation, way] for way in WAYS))
        for client in clients
        for situation in SITUATIONS
    )
    print(written, end="")
    if options.file:
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(written)


if __name__ == "__main__":
    main()
