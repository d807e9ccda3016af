"""Chromium on the whole site: what a person sees, and all that the browser was ever sent."""

import contextlib
import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import client
import fullsite
from browser import Chromium
from relay import Relay, bodies
from site_fixtures import tokens_in
from until import until

PAGE = fullsite.REPOSITORY / "tests" / "page"
BUILT = PAGE / "dist"

ACCESS_SECONDS = 4
LIFETIMES = 4
CHECKED_EVERY_S = 5  # how often the page looks at its session by itself
NOTICED_WITHIN_S = CHECKED_EVERY_S + 5

SITE = {
    "env": {"BFF_TEST_ACCESS_SECONDS": ACCESS_SECONDS},
    "overrides": {"session.refresh_ahead": "1s"},
    "html": str(BUILT),
}

# Chromium looks `localhost` up here: beside nginx, on the same port, so that nothing on the way
# sees another Host than it would without the relay.
RELAY_ADDRESS = "127.0.0.2"


def newest_change(paths):
    return max(path.stat().st_mtime for path in paths if path.is_file())


@pytest.fixture(scope="session", autouse=True)
def built_page():
    """The page, built anew when its sources are newer."""
    sources = [
        PAGE / "index.html",
        *PAGE.glob("package*.json"),
        *PAGE.glob("vite*"),
        *PAGE.glob("src/**/*"),
    ]
    index = BUILT / "index.html"
    if index.exists() and index.stat().st_mtime >= newest_change(sources):
        return
    quietly = {"cwd": PAGE, "check": True, "stdout": subprocess.DEVNULL}
    if not (PAGE / "node_modules" / "vite").exists():
        subprocess.run(["npm", "ci"], **quietly)
    subprocess.run(["npm", "run", "build"], **quietly)


class Window:
    """A browser whose every byte passes through a relay."""

    def __init__(self, site, relay, chromium):
        self.site, self.relay, self.chromium = site, relay, chromium

    def tab(self):
        return self.chromium.open_tab(self.site.url + "/")

    def signed_in(self, user="alice", password="wonderland"):
        tab = self.tab()
        fill_in(tab, user, password)
        tab.shows(f"Signed in as {user}")
        return tab

    def cookie(self, tab):
        (cookie,) = tab.cookies()
        return cookie


def fill_in(tab, user, password):
    tab.type("#username", user)
    tab.type("#password", password)
    tab.click("form button[type=submit]")


@contextlib.contextmanager
def window_on(site):
    """Everything that the browser receives, and all that its scripts can read at the end, is kept
    for the search at the module's end."""
    port = urllib.parse.urlsplit(site.url).port
    with Relay(("127.0.0.1", port), RELAY_ADDRESS, port) as relay, Chromium(
        RELAY_ADDRESS
    ) as chromium:
        yield Window(site, relay, chromium)
        for tab in chromium.tabs:
            client.received.add(tab.storage().encode())
        for heard in everything_received(relay):
            client.received.add(heard)


def everything_received(relay):
    """The bytes as they came, and unpacked."""
    heard = relay.received()
    return heard + [body for raw in heard for body in bodies(raw)]


@pytest.fixture
def window(site):
    with window_on(site) as window:
        yield window


def refreshes_shown(tab):
    return int(tab.text("#refreshes"))


def test_signing_in_shows_who_one_is_and_leaves_one_cookie_that_scripts_cannot_see(window):
    tab = window.signed_in()

    cookie = window.cookie(tab)
    assert cookie["name"] == "__Host-session"
    assert cookie["httpOnly"] and cookie["secure"] and cookie["session"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/"
    assert cookie["domain"] == "localhost"  # a cookie with a Domain would have a leading dot
    assert len(cookie["value"]) == 43

    seen = json.loads(tab.storage())
    del seen["html"]
    assert seen == {
        "cookie": "",
        "local": [],
        "session": [],
        "databases": [],
        "caches": [],
        "workers": [],
        "name": "",
        "history": None,
    }
    assert (
        tab.evaluate("[...document.querySelectorAll('#proof td')].map((td) => td.innerText)")
        == ["empty"] * 3
    )
    assert tab.complaints == []


def test_a_wrong_password_shows_djangos_own_sentence(window):
    wrong = {"username": "alice", "password": "looking-glass"}
    status, body = window.site.backend.post(fullsite.LOGIN, wrong)
    assert status == 401

    tab = window.tab()
    fill_in(tab, **{"user": wrong["username"], "password": wrong["password"]})

    tab.shows(json.loads(body)["detail"])
    assert tab.has("#username") and tab.cookies() == []


def test_two_tabs_work_for_several_token_lifetimes_and_see_not_one_error(window):
    calls = window.site.backend.calls_from_now()
    one = window.signed_in()
    other = window.tab()
    other.shows("Signed in as alice")

    for tab in (one, other):
        tab.click("#keep-working")
        tab.click("#stream button")
    for i in range(LIFETIMES):
        title = f"Task {i}"
        other.type("#task-title", title)
        other.click("#tasks form button")
        items = "[...document.querySelectorAll('.tasks li')]"
        item = f"{items}.find((li) => li.innerText.includes('{title}'))"
        other.wait_for(item)
        other.click(".tasks li input")
        other.wait_for(f"{item}.dataset.done === 'true'")
        one.click("#upload-made")
        one.wait_for("document.querySelector('.digest')?.dataset.same === 'true'")
        other.click(".tasks li button")
        other.wait_for(f"!{item}")
        one.click("#burst button")
        one.wait_for("document.querySelector('#burst .outcome').dataset.complete === 'true'")
        assert "20 of 20 answered 200" in one.text("#burst")
        until(lambda: len(calls.refreshes) > i, 6 * ACCESS_SECONDS, f"refresh number {i + 1}")

    for tab in (one, other):
        assert int(tab.text("#answers")) >= LIFETIMES
        assert tab.has("#stream .lines li")
        tab.wait_for(f"Number(document.querySelector('#refreshes').innerText) >= {LIFETIMES}")
        assert tab.complaints == []
    assert set(calls.statuses(fullsite.REFRESH)) == {200}


def test_twenty_calls_at_once_on_an_expired_token_make_one_refresh(window):
    tab = window.signed_in()
    window.site.let_access_expire()
    calls = window.site.backend.calls_from_now()

    tab.click("#burst button")
    tab.wait_for("document.querySelector('#burst .outcome').dataset.complete === 'true'")

    assert "20 of 20 answered 200" in tab.text("#burst .outcome")
    assert "One refresh on the way." in tab.text("#burst .outcome")
    assert len(calls.refreshes) == 1
    assert len([status for status in calls.statuses("/api/whoami/") if status == 200]) == 20
    assert tab.complaints == []


def test_a_refresh_lights_up_on_the_page_that_had_no_part_in_it(window):
    tab = window.signed_in()
    before = refreshes_shown(tab)
    window.site.let_access_expire()

    tab.click("#keep-working")

    tab.wait_for("document.querySelector('.path').dataset.refreshing === 'true'")
    assert refreshes_shown(tab) > before
    tab.shows("bffd renewed the tokens.")


def test_an_upload_arrives_whole_though_the_token_ran_out_before_it(window):
    tab = window.signed_in()
    window.site.let_access_expire()

    tab.click("#upload-made")

    tab.wait_for("document.querySelector('.digest')?.dataset.same === 'true'")
    assert tab.complaints == []


def test_sign_out_in_one_tab_is_noticed_in_the_other(window):
    one = window.signed_in()
    other = window.tab()
    other.shows("Signed in as alice")

    one.to_front()
    one.click("#sign-out")

    one.shows("You signed out.")
    other.shows("You signed out in another tab.")
    assert one.has("#username") and other.has("#username")
    assert one.cookies() == []
    assert one.complaints == [] and other.complaints == []


def test_a_session_that_ended_elsewhere_is_noticed_without_a_click(window):
    background = window.signed_in()
    foreground = window.tab()
    foreground.shows("Signed in as alice")
    elsewhere = window.site.browser(window.cookie(foreground)["value"])

    assert elsewhere.sign_out().status == 204

    foreground.shows("Your session has ended.", NOTICED_WITHIN_S)
    background.to_front()
    background.shows("Your session has ended.", NOTICED_WITHIN_S)


def test_signing_in_in_one_tab_is_noticed_in_the_other(window):
    waiting = window.tab()
    waiting.shows("User name")

    window.signed_in("bob", "builder")

    waiting.shows("Signed in as bob")
    assert waiting.complaints == []


def test_a_revoked_session_sends_the_page_to_sign_in_with_a_sentence_why(window):
    tab = window.signed_in()
    cookie = window.cookie(tab)["value"]
    assert window.site.browser(cookie).sign_out().status == 204

    tab.click("#burst button")

    tab.wait_for("document.querySelector('#reason')?.innerText.includes('sign in again')")
    assert tab.has("#username")


def test_other_sessions_are_ended_from_the_page(window):
    window.site.signed_in().send("DELETE", "/bff/sessions")  # what other tests have left behind
    others = [window.site.signed_in() for _ in range(2)]
    tab = window.signed_in()
    rows = "document.querySelectorAll('.sessions li').length"
    tab.wait_for(f"{rows} === 4")
    current = tab.text(".sessions [data-current=true]")
    assert "this browser" in current and "Chrome on Linux" in current

    tab.click(".sessions li button")
    tab.wait_for(f"{rows} === 3")
    tab.click("#end-others")
    tab.wait_for(f"{rows} === 1")

    assert [other.get("/api/whoami/").status for other in others] == [401, 401]
    assert tab.has("#sign-out")


def test_an_outage_is_waited_out_and_signs_nobody_out(window):
    tab = window.signed_in()
    window.site.let_access_expire()
    window.site.backend.stop()
    try:
        tab.click("#keep-working")
        tab.shows("The server asked for a moment.")
        assert tab.has("#sign-out")
    finally:
        window.site.backend.start()
    answered = int(tab.text("#answers"))

    tab.wait_for(f"Number(document.querySelector('#answers').innerText) > {answered}", 40)
    tab.wait_for("!document.body.innerText.includes('asked for a moment')")
    assert tab.has("#sign-out")


def test_after_the_refresh_tokens_end_the_page_is_sent_to_sign_in():
    env = {"BFF_TEST_ACCESS_SECONDS": 3, "BFF_TEST_REFRESH_SECONDS": 9, "BFF_TEST_ROTATE": 0}
    with fullsite.running(**{**SITE, "env": env}) as site, window_on(site) as window:
        tab = window.signed_in()
        tab.click("#keep-working")

        tab.wait_for("document.querySelector('#reason')?.innerText.includes('sign in again')", 30)

        assert tab.has("#username")
        assert site.events("refreshed") and not site.session_keys()


def test_the_search_finds_tokens_that_are_there(site):
    """Ledger, relay and search together: on a way where tokens do pass, they are found."""
    at = urllib.parse.urlsplit(site.backend.url)
    with Relay((at.hostname, at.port)) as relay:
        fullsite.post_json(
            f"http://127.0.0.1:{relay.port}{fullsite.LOGIN}",
            {"username": "alice", "password": "wonderland"},
        )
        heard = b"\n".join(everything_received(relay))

    assert sorted(kind for kind, _, _ in tokens_in(heard, site.backend.all_issued())) == [
        "access",
        "refresh",
    ]


def test_no_byte_that_chromium_received_is_part_of_a_token(window):
    """The whole module is searched when it ends; here is one session from end to end."""
    tab = window.signed_in()
    window.site.let_access_expire()
    tab.click("#burst button")
    tab.shows("One refresh on the way.")
    tab.click("#stream button")
    tab.wait_for("document.querySelector('#stream .lines li')")
    dumped = tab.storage().encode()
    tab.click("#sign-out")
    tab.shows("You signed out.")

    heard = b"\n".join(everything_received(window.relay)) + dumped + tab.storage().encode()

    assert b"Set-Cookie: __Host-session=" in heard and b"event: tick" in heard
    assert window.site.backend.issued("access", "alice") and window.site.backend.issued(
        "refresh", "alice"
    )
    assert tokens_in(heard, window.site.backend.all_issued()) == []
    assert b"eyJ" not in heard, "the beginning of any JWT"
