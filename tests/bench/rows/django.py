"""tests/django under gunicorn behind both: what a user would notice. Bare nginx gets the access
token from its client, as it does from a page that keeps it."""

import json
import statistics
import urllib.request
from contextlib import ExitStack

from contender import Unfit, get
from fullsite import DjangoBackend
from measure import medians, write_sessions
from sites import SESSION_S, Bare, Bffd
from stand import Row

# One at a time: with more, which of gunicorn's processes they happen to land on decides.
CONNECTIONS = 1
PATH = "/api/whoami/"
MOST_ADDED = 0.03
USER = {"username": "alice", "password": "wonderland"}
SESSIONS = 50


class DjangoUpstream:
    """What Bare and Bffd need to know of the backend."""

    def __init__(self, url):
        self.url = url

    @property
    def address(self):
        return self.url.rpartition("/")[2]


class DjangoSignIn:
    """Users sign in where API calls go."""

    def __init__(self, url):
        self.url = url


def sign_in(url, path):
    """(the answer's Cookie, its body)"""
    content = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    request = urllib.request.Request(url + path, json.dumps(USER).encode(), content)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return (answer.headers["Set-Cookie"] or "").partition(";")[0], json.load(answer)


def django(stand):
    base = stand.directory / "with-django"
    with ExitStack() as at_end:
        backend = DjangoBackend(str(base / "backend"), BFF_TEST_ACCESS_SECONDS=SESSION_S)
        stand.run(backend, at_end)
        upstream = DjangoUpstream(backend.url)
        bare = stand.run(Bare(base / "bare", upstream), at_end)
        ours = stand.run(Bffd(base / "bffd", upstream, DjangoSignIn(backend.url)), at_end)
        tokens = [sign_in(backend.url, "/api/token/")[1]["access"] for _ in range(SESSIONS)]
        cookies = [sign_in(ours.url, "/bff/login")[0] for _ in range(SESSIONS)]
        if get(ours.url, PATH, cookies[0])[0] != 200:
            raise Unfit(f"Django does not answer {PATH} behind bffd")
        files = {
            bare: write_sessions(base / "tokens", [f"Authorization: Bearer {t}" for t in tokens]),
            ours: write_sessions(base / "cookies", [f"Cookie: {c}" for c in cookies]),
        }
        runs = stand.side_by_side(
            {
                f"{who.name}, Django": lambda who=who, file=file: stand.measure(
                    who, CONNECTIONS, PATH, file
                )
                for who, file in files.items()
            }
        )
    bare_runs, our_runs = runs.values()
    added = statistics.median(o["p50_ms"] / b["p50_ms"] - 1 for o, b in zip(our_runs, bare_runs))
    figures = medians(our_runs)
    return [
        Row("bare nginx, Django", figures=medians(bare_runs), more={"runs": bare_runs}),
        Row(
            "bffd, Django (gunicorn)",
            target=f"p50 at most {MOST_ADDED:.0%} more",
            found=f"p50 {added:+.1%}",
            met=added <= MOST_ADDED and not figures["errors"],
            figures=figures,
            more={"p50_added": added, "runs": our_runs},
        ),
    ]
