"""What is measured side by side: a site before the upstream that all of them share.

The upstream (upstream.py) is an nginx of its own:

    /api/item    1 KB of JSON, at once
    /api/slow    the same, 200 ms later
    /api/check   {"authorization": "..."}, the header as it arrived

Behind a contender that signs people in, those three answer to who is signed in, and the upstream
gets `Authorization: Bearer TOKEN` with the access token of that session; to everybody else they
are a refusal, and the upstream is not asked. check() holds a contender to that before it is
measured. The client sends a Cookie header and what a browser's fetch() sends besides, over kept
connections, plain HTTP/1.1 to 127.0.0.1.
"""

import http.client
import json
from contextlib import closing
from pathlib import Path

BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "en-GB,en;q=0.9",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}


class Unfit(Exception):
    """A contender does not do what it is to be measured at."""


class Contender:
    """
    directory   private to it, not there yet; everything it writes is below
    upstream    .address is "127.0.0.1:PORT"

    Two processes of each server that is told how many to use: the machine's processors are shared
    with the client and the upstream.
    """

    name = "contender"  # as in the table: "bffd, cache hit"
    path = "/api/item"  # what is asked for; a contender that cannot keep the path has its own
    check_path = "/api/check"
    microcache = False  # it is nginx' micro-cache that answers
    remembers = False  # it answers from what it has seen: counts() says when it had to ask
    signs_in = True  # False: passes everything, as bare nginx does

    def __init__(self, directory, upstream):
        self.directory = Path(directory)
        self.upstream = upstream

    @classmethod
    def missing(cls):
        """What of it is not installed, as words for the table; None when it can run."""
        return None

    def start(self):
        """Returns when it serves; raises if it does not within half a minute."""
        raise NotImplementedError

    def stop(self):
        """Also after a start() that raised, and twice."""
        raise NotImplementedError

    @property
    def url(self):
        """http://127.0.0.1:PORT, known from start() on."""
        raise NotImplementedError

    def pids(self):
        """The processes of each part, children included: {"nginx": [...], "bffd": [...],
        "redis": [...]}. Whatever answers requests is in one of them; the upstream, the client and
        what was used for signing in only are in none. Asked anew for every measurement."""
        raise NotImplementedError

    def counts(self):
        """Whatever else is worth counting, {"calls of the store": N}, since the start."""
        return {}

    def cookies(self, count):
        """Cookie header values, "NAME=VALUE", of that many different sessions that last for an
        hour at least: signed in, or planted in the store just as a sign-in would."""
        raise NotImplementedError


def get(url, path, cookie=None):
    """(status, body) of one request like those that are measured."""
    with closing(http.client.HTTPConnection(url.rpartition("//")[2], timeout=30)) as line:
        headers = {**BROWSER_HEADERS, "Cookie": cookie} if cookie else BROWSER_HEADERS
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        return answer.status, answer.read()


def check(contender, cookies):
    """Unfit, if the figures of this contender would be those of something else."""
    expected = contender.upstream.body
    for cookie in cookies:
        if get(contender.url, contender.path, cookie) != (200, expected):
            raise Unfit(f"{contender.name}: {contender.path} is not the upstream's answer")
    if not contender.signs_in:
        return
    status, body = get(contender.url, contender.path)
    if status < 300 or body == expected:
        raise Unfit(f"{contender.name}: answers {status} to who is not signed in")
    tokens = set()
    for cookie in cookies:
        status, body = get(contender.url, contender.check_path, cookie)
        scheme, _, token = json.loads(body)["authorization"].partition(" ")
        if (status, scheme) != (200, "Bearer") or token.count(".") != 2:
            raise Unfit(f"{contender.name}: {contender.check_path} answers {status} {body[:200]}")
        tokens.add(token)
    if len(tokens) != len(cookies):
        raise Unfit(f"{contender.name}: one token for several sessions")
