"""An access token that is no longer any good: one refresh, and the page notices nothing."""

import hashlib
import os
import signal
import time

import pytest

from client import InFlight, at_once
from fullsite import REFRESH, FakeBackend, open_sockets, running
from token_text import claims_of
from until import until

SITE = {
    "env": {"BFF_TEST_ACCESS_SECONDS": 3},
    "workers": 2,
}
FIFTY_MB = os.urandom(1 << 20) * 50


@pytest.fixture(scope="module")
def renewing_site():
    """A token is renewed in the last quarter of its life."""
    with running(
        env={"BFF_TEST_ACCESS_SECONDS": 16}, overrides={"session.refresh_ahead": "10m"}
    ) as renewing:
        yield renewing


def issued(site, kind, user="alice"):
    return [token["jti"] for token in site.backend.issued(kind, user)]


def test_an_expired_token_is_refreshed_before_the_call_goes_out(site):
    browser = site.signed_in()
    site.let_access_expire()
    calls = site.backend.calls_from_now()
    assert browser.get("/api/whoami/").status == 200
    (refresh,) = calls.refreshes
    (call,) = calls.all("/api/whoami/")
    assert refresh["status"] == call["status"] == 200
    assert call["jti"] == issued(site, "access")[-1]
    assert browser.session()["refreshes"] == 1


def test_the_rotated_refresh_token_is_the_one_used_next(site):
    browser = site.signed_in()
    for generation in (1, 2):
        newest = issued(site, "refresh")[-1]
        site.let_access_expire()
        calls = site.backend.calls_from_now()
        assert browser.get("/api/whoami/").status == 200
        (refresh,) = calls.refreshes
        assert (refresh["jti"], refresh["status"]) == (newest, 200)
        assert browser.session()["refreshes"] == generation


def test_the_cookie_never_changes_with_a_refresh(site):
    browser = site.signed_in()
    site.let_access_expire()
    assert not browser.get("/api/whoami/").all("Set-Cookie")


def test_a_token_revoked_though_unexpired_is_refreshed_and_the_call_replayed(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    calls = site.backend.calls_from_now()
    answer = browser.get("/api/whoami/")
    assert (answer.status, answer.json()["username"]) == (200, "alice")
    assert calls.statuses("/api/whoami/") == [401, 200]
    assert len(calls.refreshes) == 1


def test_nothing_of_the_refused_attempt_is_left_in_the_answer_to_the_replay(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    answer = browser.get("/api/whoami/")
    assert not answer.all("WWW-Authenticate")
    names = [name.lower() for name, _ in answer.fields]
    assert not [name for name in names if name.startswith(("x-bff", "x-accel"))]


def test_a_signing_key_that_changed_makes_one_attempt_to_refresh_and_no_loop(site):
    """simplejwt signs both tokens with it, so Django refuses the refresh token as well."""
    browser = site.signed_in("carol", "carroll")
    site.backend.change_signing_key()
    calls = site.backend.calls_from_now()
    answer = browser.get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "session_expired")
    assert calls.statuses("/api/whoami/") == [401]
    assert len(calls.refreshes) == 1
    assert browser.sign_in("carol", "carroll").status == 200
    assert browser.get("/api/whoami/").status == 200


def test_a_changed_method_and_body_are_replayed_as_they_were(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    seen = browser.echo("PUT", {"Content-Type": "text/plain"}, b"a body", query="?q=1%2F2")
    assert (seen["method"], seen["body_length"]) == ("PUT", 6)
    assert seen["raw_uri"] == "/api/echo/?q=1%2F2"
    assert seen["body_sha256"] == hashlib.sha256(b"a body").hexdigest()
    assert seen["headers"]["Content-Type"] == "text/plain"


def test_a_post_of_50_mb_is_replayed_intact(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    calls = site.backend.calls_from_now()
    answer = browser.send(
        "POST", "/api/upload/", {"Content-Type": "application/octet-stream"}, FIFTY_MB
    )
    assert answer.status == 200, answer
    assert answer.json() == {
        "size": len(FIFTY_MB),
        "sha256": hashlib.sha256(FIFTY_MB).hexdigest(),
    }
    assert calls.statuses("/api/upload/") == [401, 200]
    assert len(calls.refreshes) == 1


def test_a_second_401_passes_with_djangos_own_body(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    answer = browser.get("/api/always401/")
    assert (answer.status, answer.json()) == (401, {"detail": "never"})
    assert not answer.all("Set-Cookie")
    assert calls.statuses("/api/always401/") == [401, 401]
    assert len(calls.refreshes) == 1


def test_a_401_for_a_business_reason_keeps_the_session(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    answer = browser.post("/api/password/", {"current": "wrong", "new": "white rabbit"})
    assert (answer.status, answer.json()["code"]) == (401, "wrong_password")
    assert calls.statuses("/api/password/") == [401, 401]
    assert len(calls.refreshes) == 1
    assert browser.get("/api/whoami/").status == 200


def test_fifty_calls_at_once_on_an_expired_token_make_one_refresh(site):
    browser = site.signed_in()
    site.let_access_expire()
    calls = site.backend.calls_from_now()
    answers = at_once(50, lambda i: browser.twin().get(f"/api/whoami/?{i}"))
    assert [answer.status for answer in answers] == [200] * 50, answers
    assert [call["status"] for call in calls.refreshes] == [200]
    assert calls.statuses("/api/whoami/") == [200] * 50
    assert browser.session()["refreshes"] == 1


def test_fifty_calls_that_wait_in_all_workers_share_one_refresh():
    with running(FakeBackend) as site:
        site.backend.control(settings={"access_seconds": 1}, refresh={"hang": True})
        browser, flight = site.signed_in(), InFlight()
        workers = site.stack.bffd.worker_pids()
        site.let_access_expire()
        calls = site.backend.calls_from_now()
        site.backend.control(settings={"access_seconds": 300})
        for worker, other in (workers, reversed(workers)):
            before = len(open_sockets(worker))
            os.kill(other, signal.SIGSTOP)  # while it stands still, the worker takes all that comes
            for _ in range(25):
                flight.send(lambda: browser.twin().get("/api/upload/"))
            until(lambda: len(open_sockets(worker)) >= before + 20, 5, "calls wait in a worker")
            os.kill(other, signal.SIGCONT)
        until(lambda: calls.refreshes, 5, "a refresh is under way")
        site.backend.control(release=True, refresh=None)
        assert flight.statuses() == [200] * 50
        assert calls.statuses(REFRESH) == [200]


def test_fifty_calls_at_once_on_a_revoked_token_make_one_refresh(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    calls = site.backend.calls_from_now()
    answers = at_once(50, lambda i: browser.twin().get(f"/api/whoami/?{i}"))
    assert [answer.status for answer in answers] == [200] * 50, answers
    assert [call["status"] for call in calls.refreshes] == [200]


def test_ahead_of_its_end_the_token_is_still_used_and_one_refresh_runs_behind(renewing_site):
    site = renewing_site
    browser = site.signed_in()
    first = site.backend.issued("access", "alice")[-1]
    calls = site.backend.calls_from_now()
    assert browser.get("/api/whoami/").status == 200
    assert calls.refreshes == []  # it has hardly begun to live
    until(lambda: browser.get("/api/whoami/").status == 200 and calls.refreshes, 16, "a refresh")
    assert time.time() < claims_of(first["token"])["exp"]
    until(lambda: browser.session()["refreshes"] == 1, 5, "the new token is stored")
    assert browser.get("/api/whoami/").status == 200
    assert calls.all("/api/whoami/")[-1]["jti"] != first["jti"]
    assert len(calls.refreshes) == 1


def test_a_stored_generation_older_than_the_refused_one_is_refreshed_once(site):
    """A failover that lost the last write: what Redis holds is older than what was attached."""
    browser, key = site.signed_in_with_key()
    old = site.redis.dump(key)
    site.backend.revoke_access("alice")
    assert browser.get("/api/whoami/").status == 200  # generation 2, rotated
    calls = site.backend.calls_from_now()
    site.backend.revoke_access("alice")
    assert browser.get("/api/whoami/").status == 200  # generation 3
    site.redis.restore(key, 0, old, replace=True)
    answer = browser.get("/api/whoami/")
    # Django has blacklisted the token of generation 1: that, and no endless asking, ends it.
    assert (answer.status, answer.code) == (401, "session_expired")
    assert calls.statuses(REFRESH) == [200, 401]
