"""Signing in through nginx, and what a cookie is worth before and after."""

import re

import pytest

import record
from client import COOKIE_NAME, at_once
from fullsite import LOGIN, FakeBackend, running

COOKIE = re.compile(
    r"__Host-session=[A-Za-z0-9_-]{43}; Path=/; Secure; HttpOnly; SameSite=Strict"
)
MADE_UP = "A" * 43


@pytest.fixture(scope="module")
def odd_site():
    with running(FakeBackend) as odd:
        yield odd


def test_signing_in_answers_with_the_user_and_the_session(site):
    answer = site.browser().sign_in()
    assert answer.status == 200
    session = answer.json()["session"]
    assert session["authenticated"] is True
    assert session["user"]["username"] == "alice"
    assert session["refreshes"] == 0
    assert session["expires_in"] > 0 and session["idle_expires_in"] > 0


def test_signing_in_sets_one_cookie_with_exactly_the_attributes_of_the_design(site):
    (cookie,) = site.browser().sign_in().all("Set-Cookie")
    assert COOKIE.fullmatch(cookie), cookie


def test_signing_in_takes_the_tokens_out_of_the_answer(site):
    answer = site.browser().sign_in()
    assert "access" not in answer.json() and "refresh" not in answer.json()
    assert b"eyJ" not in answer.body
    assert not any("eyJ" in value for name, value in answer.fields if name != "Set-Cookie")


def test_signing_in_is_never_stored_by_a_cache(site):
    assert site.browser().sign_in().header("Cache-Control") == "no-store"


def test_a_form_signs_in_as_json_does(site):
    browser = site.browser()
    answer = browser.send(
        "POST",
        "/bff/login",
        {"Content-Type": "application/x-www-form-urlencoded"},
        b"username=alice&password=wonderland",
    )
    assert answer.status == 200
    assert browser.get("/api/whoami/").json()["username"] == "alice"


def test_the_session_endpoint_tells_who_is_signed_in(site):
    assert site.signed_in("bob", "builder").session()["user"]["username"] == "bob"


def test_the_session_endpoint_tells_an_anonymous_visitor_so(site):
    answer = site.browser().get("/bff/session")
    assert (answer.status, answer.json()) == (200, {"authenticated": False})


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"username": "alice", "password": "wrong"}, 401),
        ({"username": "nobody", "password": "wonderland"}, 401),
        ({"username": "alice"}, 400),
        ({}, 400),
    ],
)
def test_a_refused_sign_in_is_djangos_own_answer_without_a_cookie(site, fields, status):
    direct_status, direct_body = site.backend.post(LOGIN, fields)
    answer = site.browser().post("/bff/login", fields)
    assert (answer.status, answer.body) == (direct_status, direct_body)
    assert answer.status == status
    assert not answer.all("Set-Cookie")


def test_broken_json_is_refused_by_django_itself(site):
    answer = site.browser().send(
        "POST", "/bff/login", {"Content-Type": "application/json"}, b'{"username": '
    )
    assert answer.status == 400 and "JSON parse error" in answer.json()["detail"]


def test_a_throttled_sign_in_passes_with_its_retry_after(odd_site):
    body = '{"detail":"Request was throttled. Expected available in 17 seconds."}'
    odd_site.backend.control(
        login={"status": 429, "body": body, "headers": [["Retry-After", "17"]], "times": 1}
    )
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.body.decode()) == (429, body)
    assert answer.header("Retry-After") == "17"
    assert not answer.all("Set-Cookie")


def test_a_500_of_the_login_view_passes_as_it_is(odd_site):
    page = "<h1>Server Error (500)</h1>"
    odd_site.backend.control(
        login={"status": 500, "body": page, "content_type": "text/html", "times": 1}
    )
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.body.decode()) == (500, page)
    assert answer.header("Content-Type").startswith("text/html")
    assert not answer.all("Set-Cookie")


def test_an_mfa_step_passes_as_it_is(odd_site):
    body = '{"flows":[{"id":"mfa_authenticate"}]}'
    odd_site.backend.control(login={"status": 401, "body": body, "times": 1})
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.body.decode()) == (401, body)
    assert not answer.all("Set-Cookie")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": "<h1>hello</h1>", "content_type": "text/html"},
        {"status": 200, "body": '{"token": "$access"}'},
        {"status": 200, "body": '{"access": 1, "refresh": 2}'},
        {"status": 200, "body": '{"access": "$access", "refresh": '},
    ],
    ids=["html", "token elsewhere", "not strings", "half an answer"],
)
def test_a_sign_in_without_readable_tokens_is_a_502_without_a_cookie(odd_site, fault):
    odd_site.backend.control(login={**fault, "times": 1})
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.code) == (502, "backend_unreadable")
    assert not answer.all("Set-Cookie")


def test_a_200_that_asks_for_a_further_step_passes_as_it_is(odd_site):
    odd_site.backend.control(login={"status": 200, "body": '{"step":"otp"}', "times": 1})
    answer = odd_site.browser().sign_in()
    assert (answer.status, answer.json()) == (200, {"step": "otp"})
    assert not answer.all("Set-Cookie")


def test_a_refusal_that_shows_tokens_is_not_passed_on(odd_site):
    odd_site.backend.control(
        login={"status": 403, "body": '{"half_way": "$access", "r": "$refresh"}', "times": 1}
    )
    answer = odd_site.browser().sign_in()
    assert b"eyJ" not in answer.body
    assert not answer.all("Set-Cookie")


def test_signing_in_again_gives_a_new_cookie_and_ends_the_old_session(site):
    browser, old_key = site.signed_in_with_key()
    old = browser.twin()
    assert browser.sign_in().status == 200
    assert browser.cookie != old.cookie
    assert old_key not in site.session_keys()
    assert old.get("/api/whoami/").status == 401
    assert browser.get("/api/whoami/").status == 200


def test_signing_in_as_another_user_leaves_nothing_of_the_first(site):
    browser = site.signed_in("alice", "wonderland")
    assert browser.sign_in("bob", "builder").status == 200
    assert browser.get("/api/whoami/").json()["username"] == "bob"
    assert browser.session()["user"]["username"] == "bob"


def test_a_failed_sign_in_leaves_the_session_as_it_was(site):
    browser = site.signed_in()
    assert browser.sign_in(password="wrong").status == 401
    assert browser.get("/api/whoami/").status == 200


def test_a_planted_cookie_is_never_adopted(site):
    browser = site.browser(cookie=MADE_UP)
    assert browser.sign_in().status == 200
    assert browser.cookie != MADE_UP
    assert site.browser(cookie=MADE_UP).get("/api/whoami/").status == 401


def test_a_cookie_that_nobody_was_given_is_no_session(site):
    answer = site.browser(cookie=MADE_UP).get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/api/whoami/", "/bff/session"])
def test_the_answer_to_a_call_with_a_dead_cookie_leaves_a_new_one_alone(site, path):
    """A tab that asks all along may be answered after another one has signed in again."""
    browser = site.signed_in()
    late = site.browser(browser.cookie)
    assert browser.sign_out().status == 204
    with late.open("GET", path) as begun:
        assert browser.sign_in().status == 200
        assert not begun.answer().all("Set-Cookie")


def test_sign_ins_that_follow_each_other_closely_all_succeed_and_crash_nothing(odd_site):
    """A kept connection brings the next request, again with a body, right after an answer."""

    def sign_in_often(_):
        return {odd_site.browser().sign_in().status for _ in range(100)}

    assert at_once(4, sign_in_often) == [{200}] * 4
    assert odd_site.crashes() == []


def test_asking_for_the_session_does_not_extend_it(site):
    browser, key = site.signed_in_with_key()
    seen = record.of(site.redis, key).seen
    for _ in range(5):
        browser.session()
    assert record.of(site.redis, key).seen == seen


COOKIES_AND_TEXT = {
    "headers": [["Set-Cookie", "at=$access; Path=/"], ["Set-Cookie", "rt=$refresh; Path=/"]],
    "content_type": "text/plain",
    "body": "Welcome!",
}


@pytest.fixture(scope="module")
def cookie_site():
    overrides = {"login.access": "cookie:at", "login.refresh": "cookie:rt", "attempts.failures": "0"}
    with running(FakeBackend, overrides=overrides) as site:
        site.backend.control(login=COOKIES_AND_TEXT)
        yield site


def test_an_answer_that_is_no_object_reaches_the_page_as_it_is(cookie_site):
    browser = cookie_site.browser()
    answer = browser.sign_in()
    assert (answer.status, answer.body) == (200, b"Welcome!")
    assert answer.all("Content-Type") == ["text/plain"]
    (cookie,) = answer.all("Set-Cookie")
    assert COOKIE.fullmatch(cookie), "and none of the backend's"
    assert browser.get("/api/me/").status == 200


def test_tokens_that_cannot_be_stored_are_given_back(cookie_site):
    """Redis answers all that is asked before the login, and then takes no writes."""
    calls = cookie_site.backend.calls_from_now()
    cookie_site.redis.config_set("min-replicas-to-write", 1)
    try:
        answer = cookie_site.browser().sign_in()
    finally:
        cookie_site.redis.config_set("min-replicas-to-write", 0)
    assert (answer.status, answer.code) == (503, "session_store_unavailable")
    assert not answer.all("Set-Cookie")
    assert [call["kind"] for call in calls.all()] == ["login", "revoke"]
