"""Django refuses the refresh token, is down, slow or broken: who stays signed in, who does not."""

import time

import pytest

from client import COOKIE_NAME
from fullsite import REFRESH, REVOKE, FakeBackend, running
from until import until

SHORT = {
    "refresh.backoff_min": "50ms",
    "refresh.backoff_max": "200ms",
    "refresh.patience": "0s",
}
QUICK = {**SHORT, "backend.timeout": "1s", "backend.connect_timeout": "1s"}
SITE = {"env": {"BFF_TEST_ACCESS_SECONDS": 2}, "overrides": SHORT}
CLEARED = [f"{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"]


@pytest.fixture(scope="module")
def odd_site():
    with running(FakeBackend, overrides=QUICK) as odd:
        yield odd


@pytest.fixture
def faulty(odd_site):
    """A backend that behaves again after the test."""
    yield odd_site.backend
    odd_site.backend.control(reset=True, release=True)


def assert_kept_out_for_now(answer, code="refresh_unavailable"):
    assert (answer.status, answer.code) == (503, code)
    assert int(answer.header("Retry-After")) >= 1
    assert not answer.all("Set-Cookie")
    assert answer.header("Cache-Control") == "no-store"


def blacklist_newest_refresh_token(site, user="alice"):
    newest = site.backend.issued("refresh", user)[-1]["token"]
    assert site.backend.post(REVOKE, {"refresh": newest})[0] == 200


def test_a_rejected_refresh_token_ends_the_session(site):
    browser, key = site.signed_in_with_key()
    cookie = browser.cookie
    blacklist_newest_refresh_token(site)
    site.backend.revoke_access("alice")
    answer = browser.get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "session_expired")
    assert answer.all("Set-Cookie") == CLEARED
    assert not site.redis.exists(key)
    again = site.browser(cookie).get("/api/whoami/")
    assert (again.status, again.code) == (401, "not_authenticated")


def test_a_token_rejected_before_the_call_goes_out_ends_the_session(site):
    browser, key = site.signed_in_with_key()
    blacklist_newest_refresh_token(site)
    site.let_access_expire()
    calls = site.backend.calls_from_now()
    answer = browser.get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "session_expired")
    assert answer.all("Set-Cookie") == CLEARED
    assert not site.redis.exists(key)
    assert calls.statuses("/api/whoami/") == []


def test_a_session_lives_no_longer_than_its_refresh_token():
    with running(env={"BFF_TEST_REFRESH_SECONDS": 5}) as site:
        browser, key = site.signed_in_with_key()
        assert 0 < site.redis.pttl(key) <= 5000
        assert browser.session()["expires_in"] <= 5
        until(lambda: not site.redis.exists(key), 10, "the session ends with the token")
        answer = browser.get("/api/whoami/")
        assert answer.status == 401
        assert answer.all("Set-Cookie") == (CLEARED if answer.code == "session_expired" else [])


def test_while_django_is_down_nobody_is_signed_out_and_all_go_on_when_it_is_back(site):
    browser, key = site.signed_in_with_key()
    site.let_access_expire()
    site.backend.stop()
    try:
        assert_kept_out_for_now(browser.get("/api/whoami/"))
        assert browser.session()["authenticated"] is True
        assert site.redis.exists(key)
    finally:
        site.backend.start()
    until(lambda: browser.get("/api/whoami/").status == 200, 10, "the same session goes on")
    assert browser.session()["refreshes"] == 1


def test_signing_in_while_django_is_down_is_a_502_without_a_cookie(site):
    site.backend.stop()
    try:
        answer = site.browser().sign_in()
    finally:
        site.backend.start()
    assert (answer.status, answer.code) == (502, "backend_unavailable")
    assert not answer.all("Set-Cookie")


FAULTS = {
    "500 html": {"status": 500, "body": "<h1>Server Error</h1>", "content_type": "text/html"},
    "503": {"status": 503, "body": "{}"},
    "429": {"status": 429, "body": "{}", "headers": [["Retry-After", "3"]]},
    "hang": {"hang": True},
    "drip": {"drip": 0.2},
    "close": {"close": True},
    "reset": {"reset": True},
    "200 html": {"status": 200, "body": "<h1>login</h1>", "content_type": "text/html"},
    "200 empty": {"status": 200, "body": ""},
    "200 without a token": {"status": 200, "body": "{}"},
    "redirect": {"status": 302, "body": "", "headers": [["Location", "/api/token/"]]},
    "huge": {"pad": 4 << 20},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_refresh_that_fails_in_any_other_way_signs_nobody_out(odd_site, faulty, fault):
    browser, key = odd_site.signed_in_with_key()
    faulty.control(revoke_access=True, refresh=fault)
    calls = faulty.calls_from_now()

    def is_kept_out_and_the_backend_was_asked():
        before = len(calls.all("/api/whoami/"))
        assert_kept_out_for_now(browser.get("/api/whoami/"))
        assert len(calls.all("/api/whoami/")) == before + 1
        return calls.all(REFRESH)

    # Not at once, if the fault before this one has made bffd careful.
    until(is_kept_out_and_the_backend_was_asked, 5, "a refresh meets the fault")
    assert odd_site.redis.exists(key)
    faulty.control(refresh=None)
    if "pad" not in fault and "drip" not in fault:  # those were processed: the rotation is spent
        until(lambda: browser.get("/api/whoami/").status == 200, 10, "the same session goes on")


def test_a_token_with_life_left_goes_on_working_while_refreshes_fail():
    overrides = {**SHORT, "session.refresh_ahead": "10m"}
    with running(FakeBackend, overrides=overrides) as site:
        site.backend.control(settings={"access_seconds": 16}, refresh={"status": 500, "body": "{}"})
        browser = site.signed_in()

        def works_and_a_refresh_has_failed():
            assert browser.get("/api/upload/").status == 200
            return site.events("refresh_unavailable")

        until(works_and_a_refresh_has_failed, 16, "a refresh failed behind a call")
        assert browser.get("/api/upload/").status == 200


def test_while_the_backend_fails_it_is_not_asked_by_every_call(odd_site, faulty):
    browser = odd_site.signed_in()
    faulty.control(revoke_access=True, refresh={"status": 500, "body": "{}"})
    calls = faulty.calls_from_now()
    for _ in range(30):
        assert_kept_out_for_now(browser.get("/api/whoami/"))
    assert len(calls.all(REFRESH)) < 15


GONE = {"503": {"status": 503, "body": "{}"}, "reset": {"reset": True}}


@pytest.mark.parametrize("fault", GONE.values(), ids=GONE.keys())
def test_a_backend_that_is_gone_is_asked_once_a_second_by_each_worker(fault):
    with running(FakeBackend, overrides=SHORT, workers=1) as site:
        site.backend.control(settings={"access_seconds": 1})
        browsers = [site.signed_in() for _ in range(12)]
        site.let_access_expire()
        site.backend.control(settings={"access_seconds": 30}, refresh=fault)
        assert_kept_out_for_now(browsers[0].get("/api/whoami/"))

        calls, began = site.backend.calls_from_now(), time.monotonic()
        while time.monotonic() < began + 3:
            for browser in browsers:
                assert_kept_out_for_now(browser.get("/api/whoami/"))
        assert 1 <= len(calls.refreshes) <= time.monotonic() - began + 1

        site.backend.control(refresh=None)
        for browser in browsers:
            until(lambda: browser.get("/api/whoami/").status == 200, 5, "the session goes on")


def test_a_sign_in_that_hangs_is_a_504_without_a_cookie(odd_site, faulty):
    faulty.control(login={"hang": True})
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.code) == (504, "backend_timeout")
    assert not answer.all("Set-Cookie")


def test_a_sign_in_answer_without_end_is_a_502_without_a_cookie(odd_site, faulty):
    faulty.control(login={"pad": 4 << 20})
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.code) == (502, "backend_unreadable")
    assert not answer.all("Set-Cookie")
