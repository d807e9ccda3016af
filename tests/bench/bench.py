#!/usr/bin/python3
"""
bffd beside bare nginx and other ways to do the same: requests, latencies, processor time, memory.

    tests/bench/bench.py [--rounds N] [--seconds N] [--sessions N] [--full] [--only GROUP ...]
                         [--into DIRECTORY]

Starts everything itself, in a private directory and on free ports; prints a table with the targets,
and writes bench.json and bench.svg into DIRECTORY (build). Exit status 1: a target is missed.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("scripts", "tests/e2e", "tests/evidence")]

import drawing  # noqa: E402  (they are no packages)
import report  # noqa: E402
import rows  # noqa: E402
from components import ComponentFailed  # noqa: E402
from contender import Unfit  # noqa: E402
from stand import SMALL, Row, Size, Stand  # noqa: E402

FILES_NEEDED = 12_000  # the idle browsers, of this process as of nginx
BUSY = 0.7  # load average
FULL = (1_000, 10_000, 100_000, 1_000_000)


def progress_since(began):
    def progress(text):
        print(f"{time.monotonic() - began:5.0f} s  {text}", flush=True)

    return progress


def let_files_be_opened():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        sys.exit(f"bench: {FILES_NEEDED} open files are needed, the limit is {hard}: ulimit -Hn")


def take(groups, size, progress):
    """The rows of these groups; whatever was started has stopped."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bffd-bench-") as directory:
        with Stand(Path(directory), size, progress) as stand:
            for group in groups:
                progress(group.__name__)
                try:
                    found += group(stand)
                except (Unfit, ComponentFailed) as failure:
                    found.append(Row(group.__name__, found=f"not measured: {failure}", met=False))
    return found


def options():
    names = {group.__name__: group for group in rows.GROUPS}
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=Size.rounds)
    parser.add_argument("--seconds", type=int, default=Size.seconds, help="of each measurement")
    parser.add_argument("--sessions", type=int, default=Size.sessions, help="that are in rotation")
    parser.add_argument("--full", action="store_true", help="up to a million sessions in Redis")
    parser.add_argument("--small", action="store_true", help="to see whether it runs")
    parser.add_argument("--only", nargs="+", choices=names, default=list(names), metavar="GROUP",
                        help=" ".join(names))  # fmt: skip
    parser.add_argument("--into", type=Path, default=ROOT / "build")
    chosen = parser.parse_args()
    size = Size(rounds=chosen.rounds, seconds=chosen.seconds, sessions=chosen.sessions)
    if chosen.full:
        size = replace(size, stored=FULL)
    if chosen.small:
        size = SMALL
    return [names[name] for name in chosen.only], size, chosen.into


def main():
    groups, size, into = options()
    let_files_be_opened()
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"this machine is busy (load {load:.1f}): the figures will show it", flush=True)
    found = take(groups, size, progress_since(time.monotonic()))
    into.mkdir(parents=True, exist_ok=True)
    (into / "bench.json").write_text(report.as_json(found, size, load))
    compared = [row for row in found if "share" in row.more and "cpu_times" in row.more]
    if compared:
        (into / "bench.svg").write_text(drawing.draw(compared))
    print("\n" + report.table(found))
    missed = [row.name for row in found if row.met is False]
    print(f"\n{len(missed)} of {sum(row.met is not None for row in found)} targets missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
