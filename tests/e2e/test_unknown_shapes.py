"""Answers of shapes that no configuration describes: an error with a sentence, and nothing is lost:
a session that exists goes on."""

import pytest

from client import Exchange
from fullsite import REFRESH, REVOKE, FakeBackend, running
from until import until

SITE = {
    "backend": FakeBackend,
    "overrides": {
        "login.success": "json:/success=true",
        "refresh.dead": "json:/refreshed=false",
        "backend.answer_max": "64k",
        "refresh.backoff_min": "50ms",
        "refresh.backoff_max": "100ms",
    },
    "env": {"extra": {"success": True}},
}
HTML = {"status": 200, "body": "<h1>Welcome</h1>", "content_type": "text/html"}
TOKENS = '"access": "$access", "refresh": "$refresh"'


@pytest.fixture
def usual(site):
    site.backend.control(reset=True)
    yield site
    site.backend.control(reset=True)


SHAPES_OF_A_LOGIN = {
    "too long": ({"pad": 70_000}, 502, "backend_unreadable"),
    "a token elsewhere": (
        {"status": 200, "body": '{"success": true, "token": "$access"}'}, 502, "backend_unreadable"
    ),
    "a token in a failure": (
        {"status": 200, "body": '{"success": false, "was": "$access"}'}, 502, "backend_unreadable"
    ),
    "a token twice": (
        {"status": 200, "body": '{"success": true, %s, "x": ["$refresh"]}' % TOKENS},
        502,
        "backend_unreadable",
    ),
    "a number for a token": (
        {"status": 200, "body": '{"success": true, "access": 7}'}, 502, "backend_unreadable"
    ),
    "a list": ({"status": 200, "body": '["$access"]'}, 502, "backend_unreadable"),
    "many cookies": (
        {"headers": [["Set-Cookie", f"c{i}=1"] for i in range(40)]}, 502, "backend_unreadable"
    ),
    "html": (HTML, 200, None),
    "nothing": ({"status": 200, "body": ""}, 200, None),
    "said to be a failure": ({"status": 200, "body": '{"success": false}'}, 200, None),
    "no token at all": ({"status": 200, "body": '{"success": true, "step": "otp"}'}, 200, None),
    "a redirect": ({"status": 302, "body": "", "headers": [["Location", "/login"]]}, 302, None),
}


@pytest.mark.parametrize(
    "how, status, code", SHAPES_OF_A_LOGIN.values(), ids=SHAPES_OF_A_LOGIN.keys()
)
def test_a_login_of_another_shape_makes_no_session_and_ends_none(usual, how, status, code):
    browser, key = usual.signed_in_with_key()
    usual.backend.control(login=how)
    answer = browser.sign_in("bob", "builder")
    assert (answer.status, answer.code, answer.all("Set-Cookie")) == (status, code, [])
    if code:
        assert answer.json()["title"].endswith(".") and answer.json()["request_id"]
    else:
        assert answer.body.decode() == how["body"]
    assert usual.redis.exists(key)
    assert browser.echo()["user"] == "alice"


def test_the_log_says_what_was_wrong(usual):
    usual.backend.control(login=SHAPES_OF_A_LOGIN["a token elsewhere"][0])
    usual.browser().sign_in()
    event = until(lambda: usual.events("login_failed"), 5, "it is logged")[-1]
    assert event["section"] == "login" and "token" in event["reason"]


SHAPES_OF_A_REFRESH = {
    "html": HTML,
    "too long": {"pad": 70_000, "status": 200, "body": "{%s}" % TOKENS},
    "a token elsewhere": {"status": 200, "body": '{"token": "$access"}'},
    "a number for a token": {"status": 200, "body": '{"access": 7}'},
    "a pointer into a string": {"status": 200, "body": '{"refreshed": "no", "access": {"x": 1}}'},
    "said to be dead, but in trouble": {"status": 500, "body": '{"refreshed": false}'},
    "a redirect": {"status": 302, "body": "", "headers": [["Location", "/login"]]},
    "401, which is not what dead says": {"status": 401, "body": '{"detail": "no"}'},
}


@pytest.mark.parametrize("how", SHAPES_OF_A_REFRESH.values(), ids=SHAPES_OF_A_REFRESH.keys())
def test_a_refresh_of_another_shape_ends_no_session(usual, how):
    browser, key = usual.signed_in_with_key()
    usual.backend.control(revoke_access=True, refresh=how)
    answer = browser.get("/api/echo/")
    assert (answer.status, answer.code) == (503, "refresh_unavailable")
    assert answer.header("Retry-After") and answer.all("Set-Cookie") == []
    usual.backend.control(refresh=None)
    until(lambda: browser.get("/api/echo/").status == 200, 10, "the same session goes on")
    assert usual.redis.exists(key)


def test_a_refresh_of_an_odd_status_with_tokens_where_they_should_be_is_one(usual):
    browser = usual.signed_in()
    usual.backend.control(revoke_access=True, refresh={"status": 205, "body": "{%s}" % TOKENS})
    assert browser.get("/api/echo/").status == 200


def test_dead_can_be_a_value_in_a_200(usual):
    browser, key = usual.signed_in_with_key()
    dead = {"status": 200, "body": '{"refreshed": false}'}
    usual.backend.control(revoke_access=True, refresh=dead)
    answer = browser.get("/api/echo/")
    assert (answer.status, answer.code) == (401, "session_expired")
    assert not usual.redis.exists(key)


@pytest.mark.parametrize(
    "how, status, told",
    [
        ({"status": 205, "body": '{"detail": "Bye."}'}, 204, "yes"),
        ({**HTML, "processed": True}, 204, "yes"),
        ({**HTML, "status": 500, "times": 1}, 202, "later"),
        ({"status": 302, "body": "", "headers": [["Location", "/login"]]}, 204, "no"),
        ({"pad": 70_000, "times": 1}, 202, "later"),
    ],
    ids=["205 with a body", "html", "500 html", "a redirect", "too long"],
)
def test_a_revocation_of_another_shape_still_signs_out(usual, how, status, told):
    browser, key = usual.signed_in_with_key()
    usual.backend.control(revoke=how)
    answer = browser.sign_out()
    assert (answer.status, answer.body) == (status, b"")
    assert not usual.redis.exists(key)
    assert usual.events("signed_out")[-1]["revoked"] == told


def test_what_follows_a_205_with_a_body_is_the_next_answer(usual):
    """What HTTP allows no content for gets none: it would be the beginning of the next answer."""
    usual.backend.control(login={"status": 205, "body": '{"success": true, %s}' % TOKENS})
    browser = usual.browser()
    with browser.begin("POST", "/bff/login", [("Content-Type", "application/json")], b"{}") as sock:
        first = Exchange(sock)
        assert (first.status, first.answer().body) == (205, b"")
        sock.sendall(b"GET /bff/session HTTP/1.1\r\nHost: localhost\r\n\r\n")
        second = Exchange(sock).answer()
    assert (second.status, second.json()) == (200, {"authenticated": False})


def test_a_refresh_cookie_with_a_narrow_path_is_kept_and_sent_all_the_same():
    cookies = {"access": "access_token", "refresh": "refresh_token"}
    overrides = {
        "backend.attach": "cookie access_token",
        "login.access": "cookie:access_token",
        "login.refresh": "cookie:refresh_token",
        "refresh.access": "cookie:access_token",
        "refresh.refresh": "cookie:refresh_token",
        "refresh.send": "cookie refresh_token",
        "revoke.request": "",
    }
    env = {"cookies": cookies, "cookie_attributes": f"HttpOnly; Path={REFRESH}; SameSite=Lax"}
    with running(FakeBackend, env=env, overrides=overrides) as site:
        browser = site.signed_in()
        site.backend.control(revoke_access=True)
        calls = site.backend.calls_from_now()
        assert browser.echo()["user"] == "alice"
        assert calls.statuses(REFRESH) == [200]
        assert browser.sign_out().status == 204  # nobody to be told
        assert calls.statuses(REVOKE) == []
