"""Paths of the backend's that give tokens away besides the login: registration, social sign-in."""

import json

import pytest

from client import COOKIE_NAME
from fullsite import LOGIN, FakeBackend, running

REGISTER, SOCIAL, COOKIES = "/api/users/create/", "/api/social/", "/api/v2/cookies/"
SITE = {
    "backend": FakeBackend,
    "overrides": {
        "capture register.request": f"POST {REGISTER}",
        "capture register.access": "json:/tokens/access",
        "capture register.refresh": "json:/tokens/refresh",
        "capture social.request": f"POST {SOCIAL}",
        "capture social.send": 'json {"code": "$code", "remember": "$remember"}',
        "capture cookies.request": f"POST {COOKIES}",
        "capture cookies.access": "cookie:access_token",
        "capture cookies.refresh": "cookie:refresh_token",
        "capture cookies.success": "json:/ok=true",
    },
}
CREATED = {
    "status": 201,
    "body": '{"tokens": {"access": "$access", "refresh": "$refresh"}, "user": {"name": "New"}}',
    "headers": [["Location", "/api/users/7/"], ["Set-Cookie", "sessionid=of-django; Path=/"]],
}
NARROW = [
    ["Set-Cookie", "access_token=$access; HttpOnly; Path=/"],
    ["Set-Cookie", "refresh_token=$refresh; HttpOnly; Path=/api/v2/cookies/refresh/; Max-Age=60"],
]


@pytest.fixture(autouse=True)
def usual_answers(site):
    site.backend.control(reset=True)


def register(site, browser=None, how=CREATED, **as_browser):
    site.backend.control(paths={REGISTER: how})
    return (browser or site.browser()).post(REGISTER, {"name": "new"}, **as_browser)


def headers_of(call):
    return {name.lower(): value for name, value in call["headers"]}


def test_a_registration_signs_in(site):
    browser = site.browser()
    answer = register(site, browser)
    assert answer.status == 201
    assert answer.json()["user"] == {"name": "New"} and answer.json()["tokens"] == {}
    assert answer.json()["session"]["authenticated"] is True
    assert answer.header("Cache-Control") == "no-store"
    (cookie,) = answer.all("Set-Cookie")
    assert cookie.startswith(f"{COOKIE_NAME}={browser.cookie};")
    assert browser.echo()["user"] == "alice"


def test_where_it_was_created_is_told(site):
    assert register(site).header("Location") == "/api/users/7/"


def test_the_capture_is_called_by_bffd_with_what_the_browser_sent(site):
    calls = site.backend.calls_from_now()
    browser = site.browser(cookie="A" * 43)
    register(site, browser, fields=[("Authorization", "Bearer of-the-browser")])
    (call,) = calls.all(REGISTER)
    headers = headers_of(call)
    assert json.loads(call["body"]) == {"name": "new"}
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "cookie" not in headers and "authorization" not in headers


def test_an_answer_without_tokens_passes_as_it_is(site):
    body = {"detail": "Check your mail."}
    answer = register(site, how={"status": 201, "body": body, "headers": CREATED["headers"]})
    assert (answer.status, answer.json()) == (201, body)
    assert answer.header("Location") == "/api/users/7/"
    assert answer.all("Set-Cookie") == []


def test_a_refused_registration_is_djangos_own_answer_and_keeps_the_session(site):
    browser = site.signed_in()
    answer = register(site, browser, how={"status": 400, "body": '{"name": ["Taken."]}'})
    assert (answer.status, answer.body) == (400, b'{"name": ["Taken."]}')
    assert browser.echo()["user"] == "alice"


def test_a_redirect_passes_as_it_is(site):
    how = {"status": 302, "body": "", "headers": [["Location", "/welcome"]]}
    answer = register(site, how=how)
    assert (answer.status, answer.header("Location")) == (302, "/welcome")


@pytest.mark.parametrize(
    "how",
    [
        {"status": 302, "body": "", "headers": [["Location", "/app#access=$access"]]},
        {"status": 202, "body": '{"access": "$access"}'},
        {"status": 400, "body": '{"refresh_token": "not-a-jwt-but-a-secret"}'},
        {"status": 201, "body": '{"tokens": {"access": "$access"}, "again": ["$access"]}'},
        {**CREATED, "headers": [["Location", "/app?t=$refresh"]]},
    ],
    ids=["in a redirect", "not a success", "opaque", "twice", "in the Location of a success"],
)
def test_a_token_where_none_is_expected_is_a_502(site, how):
    browser = site.signed_in()
    answer = register(site, browser, how=how)
    assert (answer.status, answer.code) == (502, "backend_unreadable")
    assert answer.all("Set-Cookie") == [] and answer.header("Location") is None
    assert browser.echo()["user"] == "alice"


def test_registering_ends_the_session_that_was_there(site):
    browser = site.signed_in("bob", "builder")
    before = browser.twin()
    assert register(site, browser).status == 201
    assert browser.echo()["user"] == "alice"
    assert before.get("/api/whoami/").status == 401


def test_tokens_in_cookies_stay_on_the_server_whatever_their_path(site):
    granted = {"status": 200, "body": '{"ok": true}', "headers": NARROW}
    site.backend.control(paths={COOKIES: granted})
    browser = site.browser()
    answer = browser.post(COOKIES, {})
    assert answer.status == 200 and answer.json()["ok"] is True
    (cookie,) = answer.all("Set-Cookie")
    assert cookie.startswith(COOKIE_NAME)
    assert browser.echo()["user"] == "alice"
    assert answer.json()["session"]["expires_in"] > 60  # by its `exp`: Max-Age was not asked for


def test_success_can_be_a_value_in_a_200(site):
    site.backend.control(
        paths={COOKIES: {"status": 200, "body": '{"ok": false}', "headers": NARROW}}
    )
    answer = site.browser().post(COOKIES, {})
    assert (answer.status, answer.body) == (200, b'{"ok": false}')
    assert answer.all("Set-Cookie") == []


def test_a_template_takes_its_fields_from_the_page_and_the_query_goes_on(site):
    calls = site.backend.calls_from_now()
    site.backend.control(
        paths={SOCIAL: {"status": 200, "body": '{"access": "$access", "refresh": "$refresh"}'}}
    )
    browser = site.browser()
    answer = browser.post(f"{SOCIAL}?process=login&x=%22", {"code": 'a"b', "remember": True})
    assert answer.status == 200, answer
    (call,) = calls.all(SOCIAL)
    assert call["query"] == "process=login&x=%22"
    assert json.loads(call["body"])["code"] == 'a"b'
    assert browser.echo()["user"] == "alice"


def test_a_field_that_the_template_wants_and_the_page_did_not_send_is_a_400(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().post(SOCIAL, {"remember": True})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert calls.all() == []


def test_another_method_is_an_ordinary_call(site):
    browser = site.signed_in()
    answer = browser.get(REGISTER)
    assert (answer.status, answer.json()["user"]) == (200, "alice")


@pytest.mark.parametrize("path", [REGISTER[:-1], f"{REGISTER};x", LOGIN, LOGIN[:-1]])
def test_another_spelling_is_refused_and_so_is_the_login(site, path):
    calls = site.backend.calls_from_now()
    answer = site.browser().post(path, {"username": "alice", "password": "wonderland"})
    assert (answer.status, answer.code) == (404, "token_endpoint")
    assert calls.all() == []


def test_a_foreign_page_cannot_register(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().post(REGISTER, {}, site=None, origin="https://evil.example")
    assert (answer.status, answer.code) == (403, "csrf_failed")
    assert calls.all() == []


def test_a_large_body_is_refused_before_bffd(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().post(REGISTER, {"name": "a" * 70_000})
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert calls.all() == []


def test_registrations_are_rate_limited():
    with running(**{**SITE, "login_rate": "1r/m"}) as site:
        site.backend.control(paths={REGISTER: {"status": 400, "body": "{}"}})
        answers = [site.browser().post(REGISTER, {}) for _ in range(22)]
        assert [a.status for a in answers] == [400] * 21 + [429]
        assert answers[-1].code == "too_many_logins"


def test_without_bffd_it_is_a_503_and_django_is_not_asked(site):
    calls = site.backend.calls_from_now()
    site.stack.bffd.stop()
    try:
        answer = register(site, site.browser())
    finally:
        site.stack.bffd.start()
    assert (answer.status, answer.code) == (503, "bff_unavailable")
    assert calls.all() == []
