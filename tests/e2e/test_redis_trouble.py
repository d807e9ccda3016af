"""Redis is gone, stuck, or takes no writes: nothing is decided without it, nobody signed out."""

import os
import signal

import pytest

import fullsite
from client import InFlight
from until import until

SITE = {
    "env": {"BFF_TEST_ACCESS_SECONDS": 3},
    "overrides": {"redis.command_timeout": "500ms"},
}


def assert_store_is_missed(answer):
    assert (answer.status, answer.code) == (503, "session_store_unavailable"), answer
    assert int(answer.header("Retry-After")) >= 1
    assert not answer.all("Set-Cookie")


REQUESTS = {
    "call": lambda browser: browser.get("/api/whoami/"),
    "upload": lambda browser: browser.send("POST", "/api/upload/", body=b"x" * 100000),
    "session": lambda browser: browser.get("/bff/session"),
    "sign in": lambda browser: browser.sign_in(),
    "sign out": lambda browser: browser.sign_out(),
}


@pytest.fixture(scope="module")
def bereft(site):
    """The site after Redis went away, with a browser that was signed in before."""
    browser = site.signed_in()
    workers = site.stack.bffd.worker_pids()
    assert browser.get("/api/whoami/").status == 200
    site.stack.redis.stop()
    yield site, browser, workers


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_without_redis_everything_is_a_503_that_keeps_the_cookie(bereft, request_):
    site, browser, _ = bereft
    calls = site.backend.calls_from_now()
    assert_store_is_missed(request_(browser.twin()))
    assert calls.all() == []


def test_without_redis_a_visitor_without_a_cookie_is_anonymous_as_ever(bereft):
    site, _, _ = bereft
    answer = site.browser().get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "not_authenticated")


def test_bffd_is_back_within_a_second_of_redis_without_a_restart(bereft):
    site, _, workers = bereft
    site.stack.redis.start()
    browser = site.browser()
    until(lambda: browser.sign_in().status == 200, 1, "signing in works again")
    for _ in range(20):  # on every worker
        assert browser.get("/api/whoami/").status == 200
    assert site.stack.bffd.worker_pids() == workers


def test_a_redis_that_is_stuck_is_a_503_and_the_same_session_goes_on_afterwards(site):
    browser = site.signed_in()
    os.kill(site.stack.redis.pid, signal.SIGSTOP)
    try:
        until(lambda: browser.get("/bff/session").status == 503, 5, "the store is missed")
        assert_store_is_missed(browser.get("/bff/session"))
        assert_store_is_missed(browser.sign_out())
        assert browser.cookie
    finally:
        os.kill(site.stack.redis.pid, signal.SIGCONT)
    until(lambda: browser.get("/api/whoami/").status == 200, 1, "the session goes on")


def test_a_sign_out_is_not_missed_where_redis_closed_the_connection_that_had_read():
    """Redis then tells nobody of changes of what was read through it, and the one it tells of all
    others is as well as ever: only who looks at the idle connection notices."""
    with fullsite.running(overrides={"session.cache_ttl": "60s"}) as site:
        browser, key = site.signed_in_with_key()
        for _ in range(20):  # by both workers
            assert browser.get("/api/whoami/").status == 200
        assert site.redis.client_kill_filter(_type="normal", skipme=True) > 0
        site.redis.delete(key)
        until(lambda: browser.get("/api/whoami/").status == 401, 5, "it is noticed")
        for _ in range(20):
            assert browser.get("/api/whoami/").status == 401
        assert not site.events("store_lost"), "the watch was killed, too"


def test_no_rotation_is_spent_on_a_redis_that_takes_no_writes(site):
    browser = site.signed_in()
    site.let_access_expire()
    calls = site.backend.calls_from_now()
    site.redis.config_set("min-replicas-to-write", 1)
    try:
        assert_store_is_missed(browser.get("/api/whoami/"))
        assert calls.refreshes == []
        assert_store_is_missed(site.browser().sign_in())
    finally:
        site.redis.config_set("min-replicas-to-write", 0)
    until(lambda: browser.get("/api/whoami/").status == 200, 2, "the same session goes on")
    assert len(calls.refreshes) == 1


def test_a_token_that_died_while_redis_was_away_is_not_tried():
    """Django's 401 to it would look like a sign-out to the page."""
    wishes = {"backend": fullsite.FakeBackend, "env": {"access_seconds": 2}}
    with fullsite.running(overrides={"redis.command_timeout": "500ms"}, **wishes) as site:
        browser = site.signed_in()
        site.let_access_expire()
        calls = site.backend.calls_from_now()
        site.backend.control(refresh={"hang_answer": True})
        flight = InFlight()
        flight.send(lambda: browser.get("/api/echo/"))
        until(lambda: calls.refreshes, 5, "Django is asked")
        site.redis.execute_command("CLIENT", "PAUSE", 3500, "WRITE")
        site.backend.control(reset=True)
        assert flight.statuses() == [503]
        (answer,) = flight.answers
        assert (answer.status, answer.code) == (503, "refresh_unavailable"), answer
        assert int(answer.header("Retry-After")) == 1
        assert not answer.all("Set-Cookie")
        until(lambda: browser.get("/api/echo/").status == 200, 3, "the next one goes through")
        assert [call["status"] for call in calls.refreshes] == [200, 200]
