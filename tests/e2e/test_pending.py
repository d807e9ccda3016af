"""A sign-in of two steps, where the backend hands out a secret to come back with the second one."""

import re

import pytest

from client import PENDING_NAME
from fullsite import FakeBackend, running

SECRET = "session-secret-of-the-first-step"
CODE = "/api/auth/2fa/"
COOKIE = re.compile(
    PENDING_NAME + r"=[A-Za-z0-9_-]{80,}; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Strict"
)
CLEARED = f"{PENDING_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
FIRST_STEP = {
    "status": 401,
    "body": {
        "data": {"flows": [{"id": "mfa"}]},
        "meta": {"session_token": SECRET, "is": "pending"},
    },
}
GRANTED = {
    "status": 200,
    "body": '{"access": "$access", "refresh": "$refresh", "meta": {"session_token": "other"}}',
}
SITE = {
    "backend": FakeBackend,
    "overrides": {
        "pending.token": "json:/meta/session_token",
        "capture code.request": f"POST {CODE}",
    },
}


@pytest.fixture(autouse=True)
def asks_for_a_code(site):
    site.backend.control(reset=True)
    site.backend.control(login=FIRST_STEP, paths={CODE: GRANTED})


def half_way(site):
    browser = site.browser()
    answer = browser.sign_in()
    assert answer.status == 401, answer
    return browser, answer


def secrets_received(site, calls, path=CODE):
    return [
        [value for name, value in call["headers"] if name.lower() == "x-session-token"]
        for call in calls.all(path)
    ]


def test_the_first_step_passes_without_the_secret(site):
    _, answer = half_way(site)
    assert answer.json() == {"data": {"flows": [{"id": "mfa"}]}, "meta": {"is": "pending"}}
    assert SECRET.encode() not in answer.body


def test_the_browser_keeps_it_sealed_in_a_cookie_of_its_own(site):
    browser, answer = half_way(site)
    (cookie,) = answer.all("Set-Cookie")
    assert COOKIE.fullmatch(cookie), cookie
    assert SECRET not in cookie and browser.cookie is None


def test_the_second_step_carries_it_and_ends_in_a_session(site):
    browser, _ = half_way(site)
    calls = site.backend.calls_from_now()
    answer = browser.post(CODE, {"code": "123456"})
    assert answer.status == 200 and browser.cookie
    assert secrets_received(site, calls) == [[SECRET]]
    assert CLEARED in answer.all("Set-Cookie") and browser.pending is None
    assert b"other" not in answer.body
    assert browser.echo()["user"] == "alice"


def test_a_wrong_code_can_be_corrected(site):
    browser, _ = half_way(site)
    site.backend.control(paths={CODE: {"status": 400, "body": '{"errors": []}', "times": 1}})
    wrong = browser.post(CODE, {"code": "1"})
    assert (wrong.status, wrong.all("Set-Cookie")) == (400, [])
    site.backend.control(paths={CODE: GRANTED})
    calls = site.backend.calls_from_now()
    assert browser.post(CODE, {"code": "123456"}).status == 200
    assert secrets_received(site, calls) == [[SECRET]]


def test_without_the_cookie_nothing_is_carried(site):
    calls = site.backend.calls_from_now()
    site.browser().post(CODE, {"code": "123456"}, [("X-Session-Token", "made-up")])
    assert secrets_received(site, calls) == [[]]


def test_a_made_up_cookie_is_none(site):
    browser, _ = half_way(site)
    calls = site.backend.calls_from_now()
    changed = browser.pending[:-2] + ("AA" if browser.pending[-2:] != "AA" else "BB")
    for value in (changed, "made-up", "A" * 200):
        browser.pending = value
        browser.post(CODE, {"code": "123456"})
    assert secrets_received(site, calls) == [[], [], []]


def test_it_does_not_go_with_calls_to_the_api(site):
    browser, _ = half_way(site)
    browser.post(CODE, {"code": "123456"})
    browser.pending = "kept-by-an-odd-browser"
    sent = {name.lower() for name in browser.echo()["headers"]}
    assert not sent & {"cookie", "x-session-token"}


def test_a_first_step_leaves_the_session_that_is_there_alone(site):
    site.backend.control(login=None)
    browser = site.signed_in()
    site.backend.control(login=FIRST_STEP)
    assert browser.sign_in("bob", "builder").status == 401
    assert browser.echo()["user"] == "alice"


@pytest.mark.parametrize("token", ["x" * 5000, 7], ids=["too long", "no string"])
def test_a_secret_that_cannot_be_kept_is_a_502(site, token):
    site.backend.control(login={"status": 401, "body": {"meta": {"session_token": token}}})
    answer = site.browser().sign_in()
    assert (answer.status, answer.code, answer.all("Set-Cookie")) == (502, "backend_unreadable", [])
    assert answer.header("Content-Type") == "application/problem+json"


def test_without_the_section_such_an_answer_passes_as_it_is():
    with running(FakeBackend) as site:
        site.backend.control(login=FIRST_STEP)
        answer = site.browser().sign_in()
        assert answer.json()["meta"]["session_token"] == SECRET
        assert answer.all("Set-Cookie") == []
