"""What people do, as flows that can be repeated: each brings itself to where it begins, does what
is to be looked at, and judges what it was told."""

import contextlib
import time
from pathlib import Path

from components import bffd_program
from fullsite import REVOKE, SANDBOX, Site
from rack import Rack
from stack import Bffd, Stack
from until import until

CALL = "/api/whoami/"
# What a page may be told where something is wrong that is not its doing (README, "The endpoints").
REFUSALS = {
    500: {"internal", None},
    502: {"backend_unavailable", "backend_unreadable", None},
    503: {
        "refresh_unavailable",
        "session_store_unavailable",
        "overloaded",
        "bff_unavailable",
        None,
    },
    504: {"backend_timeout", None},
}
SETTLE_S = 20
# So that a session is soon served again after what went wrong with its refresh.
SETTINGS = {
    "server.io_threads": 2,
    "server.drain_timeout": "1s",
    "session.refresh_ahead": "0s",
    "refresh.lease": "2s",
    "redis.command_timeout": "500ms",
    "refresh.grace": "0s",
    "refresh.backoff_min": "10ms",
    "refresh.backoff_max": "100ms",
    "refresh.patience": "0s",
    "backend.connect_timeout": "500ms",
    "backend.timeout": "1s",
}


class RackedBffd(Bffd):
    """In place of a stack's own, before that is started."""

    def __init__(self, stack, rack):
        super().__init__(stack.directory, stack.config)
        self._rack = rack

    def environment(self):
        return {**super().environment(), **self._rack.environment()}

    @property
    def status(self):
        """With which it has ended."""
        return self._process.returncode


class World:
    """A site of one worker on the rack."""

    def __init__(self, directory, at_end, library, *, backend, env, of=(), overrides={}, **wishes):
        directory = Path(directory)
        directory.mkdir(exist_ok=True)
        part = backend(str(directory / "backend"), **env)
        part.start()
        at_end.callback(part.stop)
        self.library, self.rack = library, Rack(directory, library, of)
        self.program = None if of else bffd_program()
        stack = Stack(
            str(directory / "stack"),
            backend_url=part.front_url,
            workers=1,
            login_rate=10_000,
            overrides={**SANDBOX, **SETTINGS, **overrides},
            **wishes,
        )
        stack.bffd = RackedBffd(stack, self.rack)
        self.site = Site(at_end.enter_context(stack), part)
        self._pid = None

    @property
    def bffd(self):
        return self.site.stack.bffd

    def browser(self):
        return self.site.browser()

    def is_ready(self):
        with contextlib.suppress(OSError):
            probe = self.browser().get("/bff/ready", cookie=False, site=None, origin=False)
            return probe.status == 200

    def worker(self):
        """Its pid, once there is one and it serves."""
        if not self._pid or not is_alive(self._pid):
            until(lambda: len(self.bffd.worker_pids()) == 1, SETTLE_S, "there is one worker")
            (self._pid,) = self.bffd.worker_pids()
            until(self.is_ready, SETTLE_S, "the worker serves")
        return self._pid

    def logged(self, *events):
        """How often any of them."""
        text = self.bffd.log.read_text(errors="replace")
        return sum(text.count(f" event={event} ") for event in events)

    def look_again(self):
        self._pid = None
        return self.worker()


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZX"


def told(answer):
    return f"{answer.status} {answer.code}" if answer.code else str(answer.status)


def refused(answer):
    """It is one of the refusals that are promised, and takes no cookie away."""
    assert answer.status in REFUSALS and answer.code in REFUSALS[answer.status], answer
    assert not answer.all("Set-Cookie"), answer


def still_signed_in(browser):
    """What was promised is there: a call is answered, after 503 perhaps."""

    def answered():
        answer = browser.get(CALL)
        assert answer.status in (200, 502, 503), f"the session is lost: {answer}"
        return answer.status == 200

    until(answered, SETTLE_S, "the session is served")


def sign_out(browser):
    answer = browser.sign_out()
    assert answer.status in (202, 204), answer


def begun_or_not(world, browser, has_begun):
    """The session that began is there; if none did, another one can begin."""
    if not has_begun:
        assert not browser.cookie
        browser = world.site.signed_in()
    still_signed_in(browser)
    sign_out(browser)


def signed_out(browser):
    answer = browser.get(CALL)
    assert answer.status == 401 and answer.code, answer


class Flow:
    """
    begin()          once, and anew where something went wrong
    ready()          brings the flow to where it begins; what it returns is handed to the others
    act(state)       what is looked at; returns the answer
    judge(...)       raises AssertionError where the answer, or what is left behind, is not right
    """

    name = ""
    statuses = {200}

    def __init__(self, world):
        self.world, self.rack, self.program = world, world.rack, world.program

    def begin(self):
        """Most need nothing."""

    def pid(self):
        return self.world.worker()

    def kept_pid(self):
        """The process that is to hold afterwards what it held before."""
        return self.world.worker()

    def ready(self):
        raise NotImplementedError

    def act(self, state):
        raise NotImplementedError

    def is_well(self, answer):
        return answer.status in self.statuses

    def name_of(self, answer):
        return told(answer)

    def judge(self, state, answer):
        if not self.is_well(answer):
            refused(answer)
        self.after(state, answer)

    def after(self, state, answer):
        raise NotImplementedError


class CallOnHit(Flow):
    name = "call, cached"
    who = ("alice", "wonderland")

    def __init__(self, world):
        super().__init__(world)
        self.begin()

    def begin(self):
        self._browser = self.world.site.signed_in(*self.who)

    def ready(self):
        self.world.worker()
        still_signed_in(self._browser)
        return self._browser

    def act(self, browser):
        return browser.get(CALL)

    def after(self, browser, answer):
        still_signed_in(browser)


class CallOnMiss(Flow):
    name = "call, from Redis"

    def ready(self):
        self.world.worker()
        return self.world.site.signed_in()

    def act(self, browser):
        return browser.get(CALL)

    def after(self, browser, answer):
        still_signed_in(browser)
        sign_out(browser)


class SignIn(Flow):
    name = "sign-in"

    def ready(self):
        self.world.worker()
        return self.world.browser()

    def act(self, browser):
        return browser.sign_in()

    def after(self, browser, answer):
        if answer.status == 200:
            assert browser.cookie and "access" not in answer.json(), answer
        begun_or_not(self.world, browser, answer.status == 200)


class SignOut(Flow):
    name = "sign-out"
    statuses = {202, 204}

    def ready(self):
        self.world.worker()
        browser = self.world.site.signed_in()
        still_signed_in(browser)
        return browser, browser.twin()

    def act(self, state):
        return state[0].sign_out()

    def after(self, state, answer):
        _, twin = state
        if self.is_well(answer):
            signed_out(twin)
            return
        # Whether it has happened is not known to whom it was refused; done again, it has.
        again = twin.twin()
        until(lambda: again.sign_out().status in self.statuses, SETTLE_S, "it can be done again")
        signed_out(twin)


class SignOutUntold(SignOut):
    """Django's endpoint for it is away: the token waits to be revoked."""

    name = "sign-out, Django away"
    statuses = {202}

    def ready(self):
        self.world.site.backend.control(revoke={"status": 503})
        self._failed_before = self.world.logged("revoke_failed")
        return super().ready()

    def judge(self, state, answer):
        # nginx asks again where the answer did not arrive: then there is no session any more.
        if answer.status == 204:
            assert self.world.logged("revoke_failed") > self._failed_before, answer
            signed_out(state[1])
        else:
            super().judge(state, answer)
        self.world.site.backend.control(revoke=None)


class AskSession(CallOnHit):
    name = "GET /bff/session"

    def act(self, browser):
        return browser.get("/bff/session")

    def after(self, browser, answer):
        if answer.status == 200:
            assert answer.json()["authenticated"] is True, answer
        still_signed_in(browser)


class ListSessions(CallOnHit):
    name = "GET /bff/sessions"

    def act(self, browser):
        return browser.get("/bff/sessions")

    def after(self, browser, answer):
        if answer.status == 200:
            assert [s for s in answer.json()["sessions"] if s["current"]], answer
        still_signed_in(browser)


class EndOthers(CallOnHit):
    name = "DELETE /bff/sessions"
    who = ("bob", "builder")

    def ready(self):
        still_signed_in(self._browser)
        other = self.world.site.signed_in(*self.who)
        still_signed_in(other)
        return self._browser, other

    def act(self, state):
        return state[0].send("DELETE", "/bff/sessions", body=b"")

    def after(self, state, answer):
        own, other = state
        if answer.status == 200:
            # None, where nginx has asked again because the first answer did not arrive.
            assert answer.json()["ended"] >= 0, answer
            signed_out(other)
        still_signed_in(own)


class EndOne(EndOthers):
    name = "DELETE /bff/sessions/ID"
    statuses = {204, 404}  # 404: as with all of them, asked again

    def ready(self):
        own, other = super().ready()
        (found,) = [s["id"] for s in other.get("/bff/sessions").json()["sessions"] if s["current"]]
        return own, other, found

    def act(self, state):
        return state[0].send("DELETE", f"/bff/sessions/{state[2]}", body=b"")

    def after(self, state, answer):
        own, other, _ = state
        if self.is_well(answer):
            signed_out(other)
        else:
            other.sign_out()
        still_signed_in(own)


class Metrics(CallOnHit):
    name = "GET /bff-metrics"

    def act(self, browser):
        return browser.get("/bff-metrics", cookie=False, site=None, origin=False)

    def after(self, browser, answer):
        if answer.status == 200:
            assert b"bffd_workers" in answer.body, answer
        still_signed_in(browser)


class Replay(CallOnHit):
    """Django refuses a token that has not expired: nginx asks for another, and calls again."""

    name = "refresh, after a 401"

    def ready(self):
        self.world.worker()
        still_signed_in(self._browser)
        self.world.site.backend.control(revoke_access=True)
        return self._browser


class Refresh(CallOnMiss):
    """The token has expired before the call."""

    name = "refresh, expired"

    def ready(self):
        self.world.worker()
        backend = self.world.site.backend
        backend.control(settings={"access_seconds": -5})
        browser = self.world.site.signed_in()
        backend.control(settings={"access_seconds": 300})
        return browser


class Rejected(Refresh):
    """Django knows the refresh token no more."""

    name = "refresh, rejected"
    statuses = {401}

    def ready(self):
        browser = super().ready()
        self.world.site.backend.control(new_key=True)
        return browser

    def judge(self, browser, answer):
        if answer.status == 401:
            assert answer.code in ("session_expired", "not_authenticated"), answer
        else:
            refused(answer)
        until(lambda: browser.get(CALL).status == 401, SETTLE_S, "it has ended")
        sign_out(self.world.site.signed_in())


class Capture(SignIn):
    name = "registration"
    statuses = {201}
    PATH = "/api/users/create/"
    ANSWER = {
        "status": 201,
        "body": '{"tokens": {"access": "$access", "refresh": "$refresh"}, "user": {"name": "N"}}',
    }

    def act(self, browser):
        self.world.site.backend.control(paths={self.PATH: self.ANSWER})
        return browser.post(self.PATH, {"name": "new"})

    def after(self, browser, answer):
        if answer.status == 201:
            assert browser.cookie and answer.json()["tokens"] == {}, answer
        begun_or_not(self.world, browser, answer.status == 201)


class Ahead(CallOnMiss):
    """The token has not expired yet, but soon will: it is refreshed behind the call's back."""

    name = "refresh, ahead"
    ENDS = ("refreshed", "refresh_unavailable", "refresh_not_stored", "store_failed")
    GRANTED_AT = 18  # in a record: AT_GRANTED of bff/store/record.c, six bytes

    def ready(self):
        """The token lives for seconds, and seems to have lived for an hour before: a quarter of
        that is more than the seconds that are left."""
        self.world.worker()
        site = self.world.site
        site.backend.control(settings={"access_seconds": 6})
        browser, key = site.signed_in_with_key()
        site.backend.control(settings={"access_seconds": 300})
        granted_ms = int((time.time() - 3600) * 1000)
        site.redis.setrange(key, self.GRANTED_AT, granted_ms.to_bytes(6, "big"))
        return browser

    def act(self, browser):
        before = self.world.logged(*self.ENDS)
        answer = browser.get(CALL)
        # Where it could not even begin, nothing is said: the next call tries.
        with contextlib.suppress(AssertionError):
            until(lambda: self.world.logged(*self.ENDS) > before, 0.3, "it is refreshed")
        return answer


class RevokedLater(SignOutUntold):
    """What waits to be revoked is tried again when its time comes."""

    name = "revocation, once more"
    statuses = {"revoked"}
    FAILED = ("revoke_failed", "revocations_given_up")

    def ready(self):
        """What the backend is asked from here on, and how often it had failed before."""
        browser, _ = super().ready()
        answer = browser.sign_out()
        assert answer.status == 202, answer
        self.world.site.backend.control(revoke=None)
        return self.world.site.backend.calls_from_now(), self.world.logged(*self.FAILED)

    def act(self, state):
        calls, failed_before = state
        until(
            lambda: self._is_told(calls) or self.world.logged(*self.FAILED) > failed_before,
            SETTLE_S,
            "it is tried",
        )
        return "revoked" if self._is_told(calls) else "not yet"

    @staticmethod
    def _is_told(calls):
        return 200 in calls.statuses(REVOKE)

    def is_well(self, outcome):
        return outcome == "revoked"

    def name_of(self, outcome):
        return outcome

    def judge(self, state, outcome):
        until(lambda: self._is_told(state[0]), SETTLE_S, "it is revoked")


class CallKept(CallOnMiss):
    """nginx may keep the answer."""

    name = "call, for the micro-cache"

    def after(self, browser, answer):
        still_signed_in(browser)
        twin = browser.twin()
        sign_out(browser)
        signed_out(twin)


class SignOutKept(SignOut):
    """nginx keeps a yes."""

    name = "sign-out, micro-cache"

    def ready(self):
        state = super().ready()
        still_signed_in(state[0])
        return state


WITH_DJANGO = [
    CallOnHit,
    CallOnMiss,
    SignIn,
    SignOut,
    AskSession,
    ListSessions,
    EndOthers,
    EndOne,
    Metrics,
]
WITH_FAKE = [Replay, Refresh, Ahead, Rejected, SignOutUntold, Capture]
SLOW_WITH_FAKE = [RevokedLater]
WITH_MICROCACHE = [CallKept, SignOutKept]
