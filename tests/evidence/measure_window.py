#!/usr/bin/python3
"""
How long a refresh is between Django, which has committed the end of the old token, and Redis,
which runs COMMIT: the window in which a crash loses a session, where Django blacklists and does not
repeat its answers. Real simplejwt on gunicorn and SQLite, one host.

    tests/evidence/measure_window.py [ROUNDS]    10 rounds of 40 refreshes each; half a minute
"""

import hashlib
import math
import re
import socket
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "scripts")]

import fullsite  # noqa: E402
from client import at_once  # noqa: E402
from crowd import p99  # noqa: E402
from until import until  # noqa: E402
from vault import hash_in_key, tag_of_hash  # noqa: E402

SESSIONS, ACCESS_S, AT_ONCE = 40, 2, 8
SCRIPTS = ROOT / "bff" / "store" / "scripts"
COMMIT = hashlib.sha1(
    b"".join((SCRIPTS / name).read_bytes() for name in ("session.lua", "commit.lua"))
).hexdigest()


class Commits:
    """When Redis ran COMMIT, by its own word (MONITOR), and for which session."""

    LINE = re.compile(rf'\+([0-9.]+) \[[^]]*\] "EVALSHA" "{COMMIT}" "1" "[^"]*{{(.{{22}})'.encode())

    def __init__(self, redis_socket):
        self.found = []  # (session as bffd's log names it, time)
        self._path, self._socket = str(redis_socket), socket.socket(socket.AF_UNIX)

    def __enter__(self):
        self._socket.connect(self._path)
        self._socket.sendall(b"MONITOR\r\n")
        assert self._socket.recv(16) == b"+OK\r\n"
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reading.join()
        self._socket.close()

    def _read(self):
        for line in self._socket.makefile("rb"):
            if told := self.LINE.match(line):
                self.found.append((tag_of_hash(hash_in_key(told[2])), float(told[1])))


def refresh_all(site, browsers, commits, at_a_time):
    site.let_access_expire()
    for first in range(0, SESSIONS, at_a_time):
        some = browsers[first : first + at_a_time]
        answers = at_once(len(some), lambda i: some[i].get("/api/whoami/"))
        assert all(answer.status == 200 for answer in answers), answers
    refreshed = len(site.events("refreshed"))
    until(lambda: len(commits.found) >= refreshed, 10, "Redis has told of all COMMITs")


def windows(dead, journal, refreshed, commits):
    """Seconds from each token's end to the COMMIT of its successor."""
    request_of = {call["jti"]: call["request_id"] for call in journal}
    session_of = {event["request_id"]: event["session"] for event in refreshed}
    ended, stored = defaultdict(list), defaultdict(list)
    for end in dead:
        ended[session_of[request_of[end["jti"]]]].append(end["at"])
    for session, at in commits:
        stored[session].append(at)
    assert {s: len(ends) for s, ends in ended.items()} == {s: len(c) for s, c in stored.items()}
    return [
        commit - end
        for session in ended
        for end, commit in zip(sorted(ended[session]), sorted(stored[session]), strict=True)
    ]


def measure(at_a_time, rounds):
    with tempfile.TemporaryDirectory(prefix="bffd-window-") as directory:
        log = Path(directory, "dead.jsonl")
        env = {
            "DJANGO_SETTINGS_MODULE": "window_django",
            "PYTHONPATH": HERE,
            "BFF_TEST_WINDOW_LOG": log,
            "BFF_TEST_ACCESS_SECONDS": ACCESS_S,
        }
        with fullsite.running(env=env) as site:
            browsers = [site.signed_in() for _ in range(SESSIONS)]
            with Commits(site.stack.redis_socket) as commits:
                for _ in range(rounds):
                    refresh_all(site, browsers, commits, at_a_time)
            journal = fullsite.read_lines(site.backend.journal)
            refreshes = [call for call in journal if call["path"] == fullsite.REFRESH]
            return windows(
                fullsite.read_lines(log), refreshes, site.events("refreshed"), commits.found
            )


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print(f"{'refreshes':<20}{'median':>10}{'p99':>10}{'longest':>10}   microseconds")
    for name, at_a_time in (("one at a time", 1), (f"{AT_ONCE} at a time", AT_ONCE)):
        took = sorted(1e6 * seconds for seconds in measure(at_a_time, math.ceil(rounds / 2)))
        row = (f"{us:10.0f}" for us in (took[len(took) // 2], p99(took), took[-1]))
        print(f"{name:<20}{''.join(row)}   of {len(took)}", flush=True)


if __name__ == "__main__":
    main()
