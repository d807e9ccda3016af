"""Signing out: at once, everywhere, and at Django too."""

import threading

import pytest

from client import COOKIE_NAME, at_once
from fullsite import REFRESH, REVOKE, FakeBackend, running
from until import until

SITE = {"workers": 4}
CLEARED = [f"{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"]


@pytest.fixture(scope="module")
def odd_site():
    with running(FakeBackend) as odd:
        yield odd


def test_signing_out_clears_the_cookie_and_the_session(site):
    browser, key = site.signed_in_with_key()
    answer = browser.sign_out()
    assert (answer.status, answer.body) == (204, b"")
    assert answer.all("Set-Cookie") == CLEARED
    assert not site.redis.exists(key)


def test_signing_out_revokes_the_newest_refresh_token_at_django(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    assert browser.get("/api/whoami/").status == 200  # with tokens of generation 2
    newest = site.backend.issued("refresh", "alice")[-1]
    calls = site.backend.calls_from_now()
    assert browser.sign_out().status == 204
    (revocation,) = calls.all(REVOKE)
    assert (revocation["jti"], revocation["status"]) == (newest["jti"], 200)
    assert site.backend.post(REFRESH, {"refresh": newest["token"]})[0] == 401


def test_the_old_cookie_is_worth_nothing_on_any_worker_at_once(site):
    browser = site.signed_in()
    old = browser.twin()
    warm = at_once(40, lambda i: old.twin().get("/api/whoami/").status)
    assert warm == [200] * 40  # it is now in every worker's cache
    assert browser.sign_out().status == 204
    calls = site.backend.calls_from_now()
    assert at_once(40, lambda i: old.twin().get("/api/whoami/").status) == [401] * 40
    assert calls.all() == []
    assert old.session() == {"authenticated": False}


def test_signing_out_twice_is_as_good_as_once(site):
    browser = site.signed_in()
    tab = browser.twin()
    assert browser.sign_out().status == 204
    assert tab.sign_out().status == 204
    assert site.browser().sign_out().status == 204


def test_signing_out_one_session_leaves_the_users_others(site):
    phone, laptop = site.signed_in(), site.signed_in()
    assert phone.sign_out().status == 204
    assert laptop.get("/api/whoami/").status == 200


def test_while_django_cannot_be_told_signing_out_is_a_202_and_django_is_told_later(odd_site):
    site = odd_site
    browser, key = site.signed_in_with_key()
    newest = site.backend.issued("refresh", "alice")[-1]["jti"]
    site.backend.control(revoke={"status": 500, "times": 1})
    calls = site.backend.calls_from_now()
    answer = browser.sign_out()
    assert answer.status == 202
    assert answer.all("Set-Cookie") == CLEARED
    assert not site.redis.exists(key)
    until(lambda: calls.statuses(REVOKE) == [500, 200], 10, "Django is told after all")
    assert {call["jti"] for call in calls.all(REVOKE)} == {newest}


def test_a_session_that_is_signed_out_during_its_refresh_does_not_come_back(odd_site):
    site, backend = odd_site, odd_site.backend
    browser, key = site.signed_in_with_key()
    tab, answers = browser.twin(), []
    calls = backend.calls_from_now()
    backend.control(revoke_access=True, refresh={"hang_answer": True})
    caller = threading.Thread(target=lambda: answers.append(tab.get("/api/whoami/")))
    caller.start()
    until(lambda: calls.refreshes, 5, "the refresh is under way")
    assert browser.sign_out().status == 204
    backend.control(release=True, refresh=None)
    caller.join()
    (answer,) = answers
    assert answer.status == 401, answer
    until(lambda: calls.statuses(REFRESH) == [200], 5, "the refresh was granted")
    (late,) = calls.refreshes
    successor = backend.issued("refresh", "alice")[-1]
    assert successor["parent_jti"] == late["jti"]
    until(
        lambda: successor["jti"] in [call["jti"] for call in calls.all(REVOKE)],
        10,
        "the late token is revoked",
    )
    assert not site.redis.exists(key)
    assert tab.session() == {"authenticated": False}


def test_a_backend_that_refuses_to_revoke_is_told_of_in_the_log(odd_site):
    site = odd_site
    browser, key = site.signed_in_with_key()
    site.backend.control(revoke={"status": 404, "times": 1})
    assert browser.sign_out().status == 204
    assert not site.redis.exists(key)
    assert site.events("revoke_refused")[-1]["level"] == "error"
    assert site.events("signed_out")[-1]["revoked"] == "no"


def test_a_reload_loses_no_revocation_that_waits():
    with running(FakeBackend, workers=1) as site:
        browser = site.signed_in()
        site.backend.control(revoke={"status": 503})
        calls = site.backend.calls_from_now()
        assert browser.sign_out().status == 202
        (before,) = site.stack.bffd.worker_pids()
        site.stack.bffd.reload()
        until(lambda: len(calls.statuses(REVOKE)) >= 2, 10, "it is tried again")
        site.backend.control(revoke=None)
        until(lambda: 200 in calls.statuses(REVOKE), 15, "Django is told")
        until(lambda: site.stack.bffd.worker_pids() != [before], 10, "the old worker has ended")
        assert site.events("revocations_given_up") == []
