#!/usr/bin/python3
"""
Signs in at a site behind bffd, and prints a line for each session, for sessions.lua:

    scripts/bench/sign_in.py https://app.example.org --sessions 50 < users > sessions

`users` holds a line for each user: name, a tab, password. They sign in by turns until there are
that many sessions (default: each of them once). The lines are as good as passwords: keep them to
yourself, and sign out when you are done:

    scripts/bench/sign_in.py https://app.example.org --sign-out < sessions

nginx lets one address sign in 30 times a minute, after a burst of 20: this waits when it is told
to. Standard library only.
"""

import argparse
import http.client
import itertools
import json
import sys
import time
from contextlib import closing
from urllib.parse import urlsplit

ATTEMPTS = 100


class Refused(Exception):
    """The site does not sign this user in."""


def post(url, path, content, headers=()):
    """The answer, and its body."""
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    with closing(kinds[parts.scheme](parts.netloc, timeout=60)) as line:
        given = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        line.request("POST", path, json.dumps(content), {**given, **dict(headers)})
        answer = line.getresponse()
        return answer, answer.read()


def sign_in(url, content, wait=time.sleep):
    """The Cookie of a new session; as often as the site says that it is busy, once more."""
    for _ in range(ATTEMPTS):
        answer, body = post(url, "/bff/login", content)
        if answer.status not in (429, 503):
            break
        wait(int(answer.headers.get("Retry-After") or 1))
    cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
    if answer.status not in (200, 201) or not cookie:
        raise Refused(f"{answer.status} {body[:300].decode(errors='replace')}")
    return cookie


def sign_out(url, line):
    """Whether the site took it."""
    name, _, value = line.strip().partition(": ")
    answer, _ = post(url, "/bff/logout", {}, {name: value})
    return answer.status in (202, 204)


def users_of(lines):
    users = [line.rstrip("\n").partition("\t") for line in lines if line.strip()]
    if not users or not all(tab for _, tab, _ in users):
        sys.exit("sign_in: standard input is a line for each user: name, a tab, password")
    return [(name, password) for name, _, password in users]


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("url", help="https://app.example.org")
    parser.add_argument("--sessions", type=int, help="how many (default: one for each user)")
    parser.add_argument("--user-field", default="username", help="as your login calls it")
    parser.add_argument("--password-field", default="password")
    parser.add_argument("--sign-out", action="store_true", help="end those of standard input")
    chosen = parser.parse_args()
    if chosen.sign_out:
        return 0 if all([sign_out(chosen.url, line) for line in sys.stdin]) else 1
    users = users_of(sys.stdin)
    count = chosen.sessions or len(users)
    for name, password in itertools.islice(itertools.cycle(users), count):
        content = {chosen.user_field: name, chosen.password_field: password}
        try:
            print("Cookie:", sign_in(chosen.url, content), flush=True)
        except Refused as refusal:
            sys.exit(f"sign_in: {name}: {refusal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
