"""Sites for the tests: each backend behind nginx and bffd, by the bff.conf beside it."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from projects import DIALECTS, Project

from client import Browser  # noqa: E402  (projects.py says where it is)
from fullsite import Site  # noqa: E402
from stack import Stack  # noqa: E402
from until import until  # noqa: E402

ACCESS_SECONDS = 4
EXPIRY_SECONDS = 20


@dataclass
class SignedIn:
    """A browser with a session, and the tokens that its sign-in was given."""

    browser: Browser
    user: str
    access: str
    refresh: str


class BackendSite(Site):
    def __init__(self, stack, project):
        super().__init__(stack, project)
        self.dialect = project.dialect

    def sign_in(self, browser, user, password=None):
        return browser.post("/bff/login", self.backend.credentials(user, password))

    def signed_in(self, user):
        browser = self.browser()
        answer = self.sign_in(browser, user)
        assert answer.status == 200 and browser.cookie, answer
        return SignedIn(browser, user, self.newest("access", user), self.newest("refresh", user))

    def newest(self, kind, user):
        return self.backend.issued(kind, user)[-1]["token"]

    def me(self, browser):
        return browser.get(self.dialect.me)

    def wait_until_expired(self, tokens):
        """By every clock involved: the backend refuses them all, and bffd, which counts from the
        Date of an answer, may be a second behind."""
        alive = list(tokens)
        while alive:
            until(
                lambda: self.backend.direct.me(alive[-1]).status == 401,
                EXPIRY_SECONDS,
                "an access token expires",
            )
            alive.pop()
        refused = time.monotonic()
        until(lambda: time.monotonic() > refused + 1, 2, "bffd's second has passed")

    def logs(self):
        parts = [self.stack.bffd.log, self.stack.nginx.log, self.stack.nginx.access_log]
        return b"\n".join(path.read_bytes() for path in parts)


class Sites:
    """One after the other, in a known order: while one is being tested the next is started."""

    def __init__(self, order):
        self._order = list(order)
        self._starter = ThreadPoolExecutor(1)
        self._started = {}

    def take(self, key):
        self._begin(key)
        following = self._order[self._order.index(key) + 1 :]
        if following:
            self._begin(following[0])
        return self._started[key].result()

    def _begin(self, key):
        if key not in self._started:
            self._started[key] = self._starter.submit(start, *key)

    def close(self):
        self._starter.shutdown()
        for started in self._started.values():
            if not started.exception():
                started.result().close()


def start(name, environment):
    """A site that is ready; its close() ends it. A second time it does nothing."""
    at_end = ExitStack()
    try:
        directory = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="bffd-backend-")))
        env = {"BFF_TEST_ACCESS_SECONDS": ACCESS_SECONDS}
        project = Project(directory / "backend", name, environment, env)
        project.start()
        at_end.callback(project.stop)
        stack = Stack(
            directory / "site",
            config=project.config,
            backend_url=project.url,
            overrides={"session.refresh_ahead": "0s", "server.workers": 2, **project.overrides},
            login_rate=1000,
        )
        site = BackendSite(at_end.enter_context(stack), project)
    except BaseException:
        at_end.close()
        raise
    site.close = at_end.close
    return site


def where(wanted):
    """The names of the backends with a property: where(lambda dialect: dialect.register)"""
    return {name for name, dialect in DIALECTS.items() if wanted(dialect)}
