"""Compatibility mode: a page that was written for tokens goes on working, and gets none."""

import base64
import json
import time

import pytest

import record
from client import COOKIE_NAME, at_once
from fullsite import LOGIN, REFRESH, REVOKE, FakeBackend, running
from token_text import claims_of
from until import until

CREDENTIALS = {"username": "alice", "password": "wonderland"}
CLEARED = [f"{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"]
REFUSED = {"detail": "Token is invalid or expired", "code": "token_not_valid"}
REGISTER = "/api/users/create/"
COMPAT = {
    "compat.enabled": "yes",
    "capture register.request": f"POST {REGISTER}",
    "capture register.access": "json:/tokens/access",
    "capture register.refresh": "json:/tokens/refresh",
    "session.idle_timeout": "1h",
    "session.touch_interval": "1s",
    "refresh.backoff_min": "50ms",
    "refresh.backoff_max": "200ms",
}
SITE = {"backend": FakeBackend, "overrides": COMPAT}


@pytest.fixture(autouse=True)
def usual_answers(site):
    site.backend.control(reset=True, release=True)


class Page:
    """What such a page does: it stores what it gets, sends it, and refreshes."""

    def __init__(self, site):
        self.browser = site.browser()
        self.login = self.browser.post(LOGIN, CREDENTIALS)
        assert self.login.status == 200, self.login
        self.tokens = self.login.json()

    def call(self, path="/api/echo/"):
        return self.browser.get(path, [("Authorization", f"Bearer {self.tokens['access']}")])

    def refresh(self, browser=None):
        return (browser or self.browser).post(REFRESH, {"refresh": self.tokens["refresh"]})

    def sign_out(self):
        return self.browser.post(REVOKE, {"refresh": self.tokens["refresh"]})


def header_of(token):
    text = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def make_all_tokens_invalid(site):
    """The backend no longer knows any of them, as the next call finds out."""
    site.backend.control(new_key=True)


def assert_refused(answer, ends=False):
    """`ends`: the session ends with it."""
    assert (answer.status, answer.json()) == (401, REFUSED)
    assert answer.header("Content-Type") == "application/json"
    assert answer.all("Set-Cookie") == (CLEARED if ends else [])
    assert answer.header("Cache-Control") == "no-store"


def test_the_login_answers_with_placeholders_where_tokens_were(site):
    page = Page(site)
    assert page.tokens.keys() == {"access", "refresh"}
    for token in page.tokens.values():
        assert header_of(token)["alg"] == "none" and token.count(".") == 2
        assert claims_of(token).keys() == {"exp", "placeholder"}
        assert claims_of(token)["placeholder"] is True
    assert page.browser.cookie


def test_placeholders_live_as_long_as_the_session(site):
    page, now = Page(site), time.time()
    access, refresh = (claims_of(page.tokens[kind])["exp"] - now for kind in ("access", "refresh"))
    assert 3590 < access <= 3601  # the idle time-out; the backend's own live 30 s
    assert 86000 < refresh <= 86401  # the backend's refresh token


def test_a_call_goes_out_with_the_sessions_token_and_not_with_the_placeholder(site):
    page = Page(site)
    sent = page.call().json()["headers"]
    assert sent["Authorization"] == f"Bearer {site.backend.issued('access', 'alice')[-1]['token']}"


def test_a_placeholder_is_worth_nothing_by_itself(site):
    page = Page(site)
    page.browser.cookie = None
    assert_refused(page.call())


def test_a_refresh_answers_placeholders_and_asks_the_backend_nothing_while_the_token_lives(site):
    page = Page(site)
    calls = site.backend.calls_from_now()
    answer = page.refresh()
    assert answer.status == 200 and answer.json().keys() == {"access", "refresh"}
    assert claims_of(answer.json()["access"])["placeholder"] is True
    assert answer.header("Cache-Control") == "no-store" and answer.all("Set-Cookie") == []
    assert calls.all() == []


def test_a_refresh_renews_a_token_that_has_expired_once_for_all_that_ask(site):
    site.backend.control(settings={"access_seconds": 1})
    page = Page(site)
    site.let_access_expire()
    site.backend.control(settings={"access_seconds": 30})
    calls = site.backend.calls_from_now()
    assert at_once(20, lambda i: page.refresh(page.browser.twin()).status) == [200] * 20
    assert len(calls.refreshes) == 1
    assert page.call().json()["user"] == "alice"


def test_a_refresh_is_activity(site):
    before = site.session_keys()
    page = Page(site)
    (key,) = site.session_keys() - before
    seen = record.of(site.redis, key).seen

    def is_written_down():
        assert page.refresh().status == 200
        return record.of(site.redis, key).seen != seen

    until(is_written_down, 5, "the session was touched")


def test_a_refresh_without_a_session_is_refused_in_the_backends_words(site):
    page = Page(site)
    page.browser.cookie = None
    assert_refused(page.refresh())


def test_a_refresh_that_the_backend_rejects_is_refused_in_its_words(site):
    site.backend.control(settings={"access_seconds": 1})
    page = Page(site)
    site.let_access_expire()
    make_all_tokens_invalid(site)
    assert_refused(page.refresh(), ends=True)
    assert_refused(page.refresh())


def test_a_call_whose_session_has_ended_is_refused_in_the_backends_words(site):
    page = Page(site)
    make_all_tokens_invalid(site)
    assert_refused(page.call(), ends=True)
    assert_refused(page.call())


def test_while_the_backend_is_down_a_refresh_is_a_503_and_the_session_stays(site):
    site.backend.control(settings={"access_seconds": 1})
    page = Page(site)
    site.let_access_expire()
    site.backend.control(settings={"access_seconds": 30}, refresh={"status": 500, "body": "{}"})
    answer = page.refresh()
    assert (answer.status, answer.code) == (503, "refresh_unavailable")
    assert answer.header("Retry-After") and answer.all("Set-Cookie") == []
    site.backend.control(refresh=None)
    until(lambda: page.refresh().status == 200, 10, "the same session goes on")


def test_a_sign_out_at_the_backends_path_ends_the_session_and_tells_the_backend(site):
    page = Page(site)
    newest = site.backend.issued("refresh", "alice")[-1]["jti"]
    calls = site.backend.calls_from_now()
    answer = page.sign_out()
    assert (answer.status, answer.json(), answer.all("Set-Cookie")) == (200, {}, CLEARED)
    assert [call["jti"] for call in calls.all(REVOKE)] == [newest]
    assert_refused(page.call())
    assert page.sign_out().status == 200


def test_while_redis_is_down_a_sign_out_is_a_503():
    with running(FakeBackend, overrides=COMPAT) as site:
        page = Page(site)
        site.stack.redis.stop()
        answer = page.sign_out()
        assert (answer.status, answer.code) == (503, "session_store_unavailable")
        assert answer.all("Set-Cookie") == []


def test_a_refused_login_is_the_backends_own(site):
    answer = site.browser().post(LOGIN, {**CREDENTIALS, "password": "wrong"})
    assert answer.status == 401 and answer.json()["detail"].startswith("No active account")


def test_a_registration_gets_placeholders_where_its_tokens_were(site):
    body = '{"tokens": {"access": "$access", "refresh": "$refresh"}, "user": 7}'
    site.backend.control(paths={REGISTER: {"status": 201, "body": body}})
    browser = site.browser()
    answer = browser.post(REGISTER, {})
    assert answer.status == 201 and answer.json().keys() == {"tokens", "user"}
    for kind in ("access", "refresh"):
        assert claims_of(answer.json()["tokens"][kind])["placeholder"] is True
    assert browser.echo()["user"] == "alice"


@pytest.mark.parametrize("path", [LOGIN, REFRESH, REVOKE])
def test_a_foreign_page_can_use_none_of_them(site, path):
    page = Page(site)
    calls = site.backend.calls_from_now()
    for fields in ([("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")], []):
        answer = page.browser.post(path, CREDENTIALS, fields, site=None, origin=False)
        assert (answer.status, answer.code) == (403, "csrf_failed")
    assert calls.all() == [] and page.call().status == 200


@pytest.mark.parametrize(
    "method, path",
    [("GET", LOGIN), ("POST", LOGIN[:-1]), ("PUT", REFRESH), ("POST", "/api/token/verify/")],
)
def test_another_spelling_or_method_is_no_endpoint(site, method, path):
    answer = site.browser().send(method, path, body=b"{}")
    assert (answer.status, answer.code) == (404, "token_endpoint")


def test_our_own_endpoints_are_as_ever(site):
    browser = site.signed_in()
    assert browser.session()["authenticated"] is True
    assert browser.sign_out().status == 204
    assert browser.session() == {"authenticated": False}


def test_the_refusal_is_what_the_file_says():
    overrides = {**COMPAT, "compat.refused": '{"statusCode": 401, "message": "expired"}'}
    with running(FakeBackend, overrides=overrides) as site:
        answer = site.browser().post(REFRESH, {"refresh": "x"})
        assert (answer.status, answer.json()) == (401, {"statusCode": 401, "message": "expired"})


def test_a_backend_of_cookies_keeps_them_and_the_page_notices_nothing():
    """The page holds nothing: it sends credentials, and refreshes by an empty body."""
    settings = {
        "cookies": {"access": "access_token", "refresh": "refresh_token"},
        "extra": {"detail": "welcome"},
        "cookie_attributes": "HttpOnly; Path=/narrow; Max-Age=60",
        "access_seconds": 1,
    }
    overrides = {
        "compat.enabled": "yes",
        "backend.attach": "cookie access_token",
        "login.access": "cookie:access_token",
        "login.refresh": "cookie:refresh_token",
        "refresh.access": "cookie:access_token",
        "refresh.refresh": "cookie:refresh_token",
        "refresh.send": "cookie refresh_token",
        "revoke.send": "cookie refresh_token",
    }
    with running(FakeBackend, env=settings, overrides=overrides) as site:
        browser = site.browser()
        answer = browser.post(LOGIN, CREDENTIALS)
        assert (answer.status, answer.json()) == (200, {"detail": "welcome"})
        assert [c.split("=")[0] for c in answer.all("Set-Cookie")] == [COOKIE_NAME]
        site.let_access_expire()
        calls = site.backend.calls_from_now()

        def refresh():
            answer = browser.send("POST", REFRESH, body=b"")
            assert (answer.status, answer.json(), answer.all("Set-Cookie")) == (200, {}, [])
            return calls.statuses(REFRESH)

        assert until(refresh, 10, "the token has expired for bffd, too") == [200]
        assert browser.echo()["user"] == "alice"
        assert browser.send("POST", REVOKE, body=b"").status == 200
        assert calls.statuses(REVOKE) == [200]
