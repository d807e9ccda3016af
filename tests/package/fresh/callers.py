#!/usr/bin/python3
"""
People who call a site all the time, until standard input ends:

    callers.py URL USERS    prints `calling` once all have been served, and at the end what they saw
"""

import json
import sys
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "evidence"), str(TESTS / "e2e"), str(TESTS.parent / "scripts")]

import asyncio  # noqa: E402

from crowd import Load, Visitor, sign_in_all  # noqa: E402
from until import until  # noqa: E402


def main():
    url, users = sys.argv[1], int(sys.argv[2])
    visitors = [Visitor(f"user{i}") for i in range(1, users + 1)]
    asyncio.run(sign_in_all(visitors, [url], at_once=8))
    with Load(visitors, [url]) as load:
        until(lambda: len({seen.user for seen in load.seen}) == users, 20, "all are served")
        print("calling", flush=True)
        sys.stdin.read()
    statuses = Counter(seen.status for seen in load.seen)
    print(json.dumps({"statuses": statuses, "broken": load.broken, "repeated": load.repeated}))


if __name__ == "__main__":
    main()
