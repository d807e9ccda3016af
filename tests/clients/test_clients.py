"""Frontends that keep tokens, unchanged, before their backends through bffd in compatibility mode:
they go on working, and what they keep is worth nothing."""

import contextlib
import json
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import sites
from harness import CLIENTS, HERE, Page, let_access_expire, when_quiet

from browser import Chromium
from relay import Relay, bodies
from token_text import claims_of, tokens_in
from until import until

ACCESS_S = 3
REFRESH_S = 5
EXPIRIES = 3
CALLS = 20
ALL_ANSWERED = ["200"] * CALLS

# Chromium looks `localhost` up here: beside nginx, on the same port, so that nothing on the way
# sees another Host than it would without the relay.
RELAY_ADDRESS = "127.0.0.2"


class Window:
    """A browser on a site, and all that it was ever sent."""

    def __init__(self, site, client, relay, chromium):
        self.site, self.client, self.project = site, client, site.project
        self.stack = site.stack
        self._relay, self._chromium = relay, chromium

    def page(self):
        return Page(self._chromium, self.site.url, self.client, self.project)

    def signed_in(self):
        page = self.page()
        page.sign_in()
        return page

    def let_access_expire(self):
        let_access_expire(self.project, self.client.user)

    def cookies(self):
        return self._chromium.tabs[-1].cookies()

    def refreshes(self, calls):
        return when_quiet(lambda: calls.statuses(self.project.dialect.refresh))

    def received(self):
        """Every byte, as it came and unpacked, and whatever scripts can read."""
        heard = self._relay.received()
        heard += [body for raw in heard for body in bodies(raw)]
        return b"\n".join(heard + [tab.storage().encode() for tab in self._chromium.tabs])


@contextlib.contextmanager
def window_on(client, **lives):
    with sites.behind_bffd(client, **lives) as site:
        port = urllib.parse.urlsplit(site.url).port
        with Relay(("127.0.0.1", port), RELAY_ADDRESS, port) as relay, Chromium(
            RELAY_ADDRESS
        ) as chromium:
            window = Window(site, client, relay, chromium)
            yield window
            found = tokens_in(window.received(), window.project.all_issued())
            assert found == [], "tokens reached the browser"
            crashed = [e for e in site.stack.bffd.events("worker_exited") if e["status"] != "0"]
            assert not crashed, site.stack.bffd.log_tail(60)


@pytest.fixture(scope="session", autouse=True)
def libraries():
    """axios, as the browser loads it."""
    if not (HERE / "node_modules" / "axios").exists():
        subprocess.run(["npm", "ci"], cwd=HERE, check=True, stdout=subprocess.DEVNULL)


BFF_LOGOUT = 'fetch("/bff/logout", { method: "POST" }).then((answer) => answer.status)'

by_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda c: c.name)


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda c: c.name)
def window(request):
    with window_on(request.param, access_s=ACCESS_S) as window:
        yield window


def test_it_signs_in_and_holds_nothing_but_placeholders(window):
    page = window.signed_in()

    assert page.calls(1) == ["200"]
    kept = json.loads(page.tab.storage())
    assert kept["cookie"] == "" and kept["databases"] == []
    assert [c["name"] for c in window.cookies()] == ["__Host-session"]
    for _, placeholder in kept["local"]:
        assert set(claims_of(placeholder)) == {"exp", "placeholder"}
        assert placeholder.endswith("."), "there is no signature"
    assert bool(kept["local"]) == (window.client.name != "cookies")
    heard = window.received()
    assert b"Set-Cookie: __Host-session=" in heard and b"Set-Cookie: access_token" not in heard


def test_twenty_calls_at_each_of_several_expiries_all_succeed_with_one_refresh(window):
    page = window.signed_in()
    assert page.calls(CALLS) == ALL_ANSWERED

    for _ in range(EXPIRIES):
        window.let_access_expire()
        calls = window.project.calls_from_now()

        assert page.calls(CALLS) == ALL_ANSWERED
        assert window.refreshes(calls) == [200]

    assert not page.place() and not page.own_refreshes() and page.tab.complaints == []


def test_two_tabs_at_an_expiry_need_one_refresh(window):
    one = window.signed_in()
    other = window.page()
    window.let_access_expire()
    calls = window.project.calls_from_now()

    for page in (one, other):
        page.burst(CALLS)

    assert [page.settled(CALLS) for page in (one, other)] == [ALL_ANSWERED, ALL_ANSWERED]
    assert window.refreshes(calls) == [200]


def test_a_refresh_of_its_own_is_answered_and_costs_django_nothing(window):
    page = window.signed_in()
    calls = window.project.calls_from_now()

    status, names = page.tab.evaluate(
        f"""fetch("{window.project.dialect.refresh}", {{ method: "POST" }})
            .then(async (answer) => [answer.status, Object.keys(await answer.json()).sort()])"""
    )

    assert status == 200
    assert names == ([] if window.client.name == "cookies" else ["access", "refresh"])
    assert window.refreshes(calls) == []


def test_signing_out_ends_the_session_for_all_tabs(window):
    one = window.signed_in()
    other = window.page()
    assert other.calls(1) == ["200"]
    calls = window.project.calls_from_now()

    one.sign_out()

    if window.client.ends_at:
        until(lambda: one.place() == window.client.ends_at, 10, "it leaves the page")
    if not window.client.revokes:
        # It forgets what it had, and tells nobody: this is the one line that it needs.
        assert other.calls(1) == ["200"]
        assert other.tab.evaluate(BFF_LOGOUT) == 204
    until(lambda: window.cookies() == [], 10, "the cookie is gone")
    assert calls.statuses(window.project.dialect.revoke) == [200] * window.client.revokes
    assert other.was_sent_away(other.calls(CALLS))


@by_client
def test_at_the_refresh_tokens_end_it_goes_where_it_always_went(client):
    with window_on(client, access_s=ACCESS_S, refresh_s=REFRESH_S) as window:
        page = window.signed_in()
        assert page.calls(CALLS) == ALL_ANSWERED
        last = claims_of(window.project.issued("refresh", client.user)[-1]["token"])["exp"]
        until(lambda: time.time() > last + 1, 2 * REFRESH_S, "the refresh token expires")

        outcomes = page.calls(CALLS)

        assert page.was_sent_away(outcomes), (page.place(), outcomes)
        assert page.place() == client.ends_at and "200" not in outcomes
        if client.ends_at is None:
            assert len(outcomes) == CALLS and all(map(page.is_refusal_of_refresh, outcomes))
        assert len(page.own_refreshes()) <= CALLS

        page.reload()
        page.sign_in()
        assert page.calls(CALLS) == ALL_ANSWERED


def test_the_search_finds_tokens_that_are_there(window):
    """Ledger, relay and search together: on a way where tokens do pass, they are found."""
    at = urllib.parse.urlsplit(window.project.url)
    with Relay((at.hostname, at.port)) as relay:
        request = urllib.request.Request(
            f"http://127.0.0.1:{relay.port}{window.project.dialect.login}",
            json.dumps(window.project.credentials()).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).read()
        heard = b"\n".join(relay.received())

    found = tokens_in(heard, window.project.all_issued())
    assert sorted(kind for kind, _, _ in found) == ["access", "refresh"]
