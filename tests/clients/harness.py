"""The four clients, the backends they were written for, and a tab in which one of them runs."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
SCRIPTS = TESTS.parent / "scripts"
sys.path[1:1] = [str(folder) for folder in (TESTS / "e2e", TESTS / "backends", SCRIPTS)]

from projects import Project  # noqa: E402  (they are no packages)
from until import until  # noqa: E402

from token_text import let_expire  # noqa: E402

SETTLES_WITHIN_S = 20
QUIET_S = 0.4


@dataclass(frozen=True)
class Client:
    """
    name     its module, and the path /app/NAME
    ends_at  where it goes when the session is over; None: the caller is told by a rejection
    rotates  whether its backend answers a refresh with a new refresh token
    revokes  whether its sign-out tells the backend
    """

    name: str
    ends_at: str | None
    rotates: bool
    revokes: bool = True
    user: str = "alice"

    @property
    def backend(self):
        """What it was written for (tests/backends)."""
        return self.name.replace("_", "-")


CLIENTS = [
    Client("jwt_scheme", "/", rotates=True),
    Client("cookies", None, rotates=True),
    Client("status_code", "/login", rotates=False),
    Client("accounts", "/login", rotates=False, revokes=False),
]


def let_access_expire(project, user, seconds=30):
    let_expire(project.issued("access", user)[-1], seconds)


def when_quiet(read, quiet_s=QUIET_S):
    """What read() says once it has said the same for a while: calls whose page has gone are
    answered all the same."""
    last, since = None, 0.0

    def same():
        nonlocal last, since
        now = read()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > quiet_s

    until(same, SETTLES_WITHIN_S, "the backend is asked nothing more")
    return last


class Page:
    """One tab with a client in it."""

    def __init__(self, chromium, url, client, project):
        self.client, self.url, self.project = client, url, project
        self.tab = chromium.open_tab(f"{url}/app/{client.name}")
        self._wait_for_client()

    def _wait_for_client(self):
        self.tab.wait_for("window.page !== undefined", what=f"{self.client.name} is loaded")

    def reload(self):
        self.tab.go(f"{self.url}/app/{self.client.name}")
        self._wait_for_client()

    def sign_in(self):
        who = json.dumps(list(self.project.credentials(self.client.user).values()))
        self.tab.evaluate(f"window.page.signIn(...{who})")

    def sign_out(self):
        """Begins it: it may take the page elsewhere before it ends."""
        self.tab.evaluate("void window.page.signOut()")

    def burst(self, count, every_ms=0):
        """Begins that many calls, at once or one by one."""
        self.tab.evaluate(f"window.page.burst({count}, {every_ms})")

    def _read(self, script, otherwise):
        try:
            return self.tab.evaluate(script)
        except RuntimeError:  # no scripts between two pages
            return otherwise

    def place(self):
        """Where the client stands: None where it was loaded."""
        path = self._read("location.pathname", None)
        return None if path is None or path.startswith("/app/") else path

    def outcomes(self):
        return self._read('JSON.parse(sessionStorage.getItem("outcomes") ?? "[]")', [])

    def settled(self, count, within_s=SETTLES_WITHIN_S):
        """What became of the calls of a burst; fewer than `count` if the page was left or some
        calls never end."""
        deadline = time.monotonic() + within_s
        until(
            lambda: len(self.outcomes()) == count or self.place() or time.monotonic() > deadline,
            within_s + 5,
            "the calls have ended",
        )
        return self.outcomes()

    def calls(self, count, within_s=SETTLES_WITHIN_S):
        self.burst(count)
        return self.settled(count, within_s)

    def was_sent_away(self, outcomes):
        """Whether the client takes the session for ended. The one that goes nowhere says so by
        the refresh's own refusal."""
        if self.client.ends_at is not None:
            return self.place() == self.client.ends_at
        return any(self.is_refusal_of_refresh(outcome) for outcome in outcomes)

    def own_refreshes(self):
        """What the client asked of the refresh endpoint."""
        path = self.project.dialect.refresh
        return [request for request in self.tab.requests.values() if request.endswith(path)]

    def is_refusal_of_refresh(self, outcome):
        return outcome == f"rejected 401 {self.project.dialect.refresh}"
