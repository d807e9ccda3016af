"""Every backend of projects.py, by the bff.conf beside it: what a page sees of it through bffd."""

import pytest

from projects import totp_code
from sites import where

import client  # isort: skip  (projects.py says where it is)
from client import COOKIE_NAME, PENDING_NAME, at_once  # isort: skip
from token_text import tokens_in  # isort: skip

AT_ONCE = 8

# What has expired by the time it is needed is signed in first: alice calls once, bob in many tabs,
# and alice's second browser signs out. Everything else is carol's.
REGISTERS = where(lambda dialect: dialect.register)
REVOKES = where(lambda dialect: dialect.revoke)


def registering(ending):
    return where(lambda dialect: dialect.register and dialect.registration == ending)


@pytest.fixture(scope="module")
def aged(site):
    return {
        "one": site.signed_in("alice"),
        "many": site.signed_in("bob"),
        "leaving": site.signed_in("alice"),
    }


@pytest.fixture(scope="module")
def expired(site, aged):
    site.wait_until_expired([session.access for session in aged.values()])
    return aged


def identities(site, kind, user):
    return [token["jti"] for token in site.backend.issued(kind, user)]


def cookie_names(answer):
    return [value.partition("=")[0] for value in answer.all("Set-Cookie")]


def members(value):
    """All names of members, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(members, value.values()))
    return set().union(*map(members, value)) if isinstance(value, list) else set()


@pytest.mark.behaviour("sign-in")
def test_a_sign_in_ends_in_a_session_and_shows_no_token(site, aged):
    browser = site.browser()
    answer = site.sign_in(browser, "carol")
    assert answer.status == 200, answer
    assert cookie_names(answer) == [COOKIE_NAME]
    shown = members(answer.json())
    assert "session" in shown
    assert not shown & {"access_token", "refresh_token", "session_token", "token"}
    assert browser.session()["authenticated"] is True


@pytest.mark.behaviour("refusal")
def test_a_wrong_password_is_refused_in_the_backends_own_words(site, aged):
    browser = site.browser()
    answer = site.sign_in(browser, "carol", "not-her-password")
    own = site.backend.direct.sign_in("carol", "not-her-password")
    assert own.status >= 400
    assert (answer.status, answer.json()) == (own.status, own.json())
    assert browser.cookie is None


@pytest.mark.behaviour("call")
def test_a_call_carries_the_token_as_the_backend_wants_it(site, aged):
    carol = site.signed_in("carol")
    answer = site.me(carol.browser)
    assert (answer.status, answer.json()["username"]) == (200, "carol"), answer
    seen = carol.browser.get(site.dialect.api + "echo/").json()
    (jti,) = identities(site, "access", "carol")[-1:]
    cookies = dict(seen["cookies"])
    if site.dialect.access_cookie:
        assert cookies[site.dialect.access_cookie] == jti
        assert site.dialect.refresh_cookie not in cookies
    else:
        assert (seen["scheme"], seen["jti"]) == (site.dialect.scheme, jti)
        assert not cookies


@pytest.mark.behaviour("call", backends=where(lambda dialect: dialect.who))
def test_a_call_of_the_librarys_own_api_carries_it_too(site, aged):
    carol = site.signed_in("carol")
    answer = carol.browser.get(site.dialect.who)
    assert (answer.status, answer.json()["email"]) == (200, "carol@example.org"), answer


@pytest.mark.behaviour("replay")
def test_a_token_refused_though_unexpired_is_refreshed_and_the_call_replayed(site, aged):
    carol = site.signed_in("carol")
    site.backend.revoke_access("carol")
    calls = site.backend.calls_from_now()
    answer = site.me(carol.browser)
    assert (answer.status, answer.json()["username"]) == (200, "carol"), answer
    assert calls.statuses(site.dialect.me) == [401, 200]
    assert len(calls.refreshes) == 1


@pytest.mark.behaviour("replay")
def test_a_change_is_replayed_with_its_body_and_the_rotated_token_is_the_next(site, aged):
    carol = site.signed_in("carol")
    tasks = site.dialect.api + "tasks/"
    for title in ("first", "second"):
        newest = identities(site, "refresh", "carol")[-1]
        site.backend.revoke_access("carol")
        calls = site.backend.calls_from_now()
        answer = carol.browser.post(tasks, {"title": title})
        assert (answer.status, answer.json()["title"]) == (201, title), answer
        assert calls.statuses(tasks) == [401, 201]
        assert [call["jti"] for call in calls.refreshes] == [newest]
        rotated = identities(site, "refresh", "carol")[-1] != newest
        assert rotated == site.dialect.rotates


@pytest.mark.behaviour("csrf", backends={"cookies-csrf"})
def test_djangos_double_submit_is_answered_for_the_page(site, aged):
    carol = site.signed_in("carol")
    tasks = site.dialect.api + "tasks/"
    headers = site.backend.direct.with_access(carol.access)
    without = site.backend.direct.send("POST", tasks, {"title": "no"}, headers)
    assert without.status == 403 and b"CSRF" in without.body
    for method, path in (("POST", tasks), ("PUT", site.dialect.api + "echo/")):
        answer = carol.browser.send(
            method, path, {"Content-Type": "application/json"}, b'{"title": "yes"}'
        )
        assert answer.status in (200, 201), answer
        assert not answer.all("Set-Cookie")


@pytest.mark.behaviour("sign-out")
def test_a_sign_out_ends_the_session(site, aged):
    carol = site.signed_in("carol")
    cookie = carol.browser.cookie
    assert carol.browser.sign_out().status in (200, 204)
    assert carol.browser.cookie is None
    answer = site.me(site.browser(cookie))
    assert answer.status == 401 and not answer.all("WWW-Authenticate"), answer


@pytest.mark.behaviour("revoke", backends=REVOKES)
def test_the_refresh_token_is_dead_at_the_backend_after_a_sign_out(site, aged):
    carol = site.signed_in("carol")
    calls = site.backend.calls_from_now()
    assert carol.browser.sign_out().status in (200, 204)
    assert len(calls.all(site.dialect.revoke)) == 1
    assert site.backend.direct.refresh(carol.refresh).status >= 400


@pytest.mark.behaviour("revoke", backends={"cookies", "cookies-csrf", "allauth-headless"})
def test_a_sign_out_that_wants_an_access_token_revokes_though_that_one_is_refused(site, aged):
    carol = site.signed_in("carol")
    before = len(site.backend.issued("refresh", "carol"))
    site.backend.revoke_access("carol")
    assert carol.browser.sign_out().status in (200, 204)
    during = [token["token"] for token in site.backend.issued("refresh", "carol")[before:]]
    for token in [carol.refresh, *during]:
        assert site.backend.direct.refresh(token).status >= 400


@pytest.mark.behaviour("rejected")
def test_a_refused_refresh_ends_the_session(site, aged):
    carol = site.signed_in("carol")
    site.backend.revoke_access("carol")
    site.backend.revoke_refresh("carol")
    calls = site.backend.calls_from_now()
    answer = site.me(carol.browser)
    assert (answer.status, answer.code) == (401, "session_expired"), answer
    assert carol.browser.cookie is None
    assert calls.statuses(site.dialect.me) == [401]
    assert len(calls.refreshes) == 1


@pytest.mark.behaviour("register", backends=registering("session"))
def test_a_registration_that_signs_in_ends_in_a_session(site, aged):
    browser = site.browser()
    fields = site.backend.new_user("erin")
    calls = site.backend.calls_from_now()
    answer = browser.post(site.dialect.register, fields)
    assert answer.status == 201, answer
    assert calls.statuses(site.dialect.register) == [201]
    assert cookie_names(answer) == [COOKIE_NAME]
    assert "session" in members(answer.json())
    who = site.me(browser).json()
    assert who["email"] == fields["email"]
    site.backend.revoke_access(who["username"])
    assert site.me(browser).status == 200


@pytest.mark.behaviour("register", backends=registering("account"))
def test_a_registration_that_does_not_sign_in_passes_as_it_is(site, aged):
    browser = site.browser()
    answer = browser.post(site.dialect.register, site.backend.new_user("erin"))
    assert answer.status == 201 and not answer.all("Set-Cookie"), answer
    assert members(answer.json()) == {"id", "username", "email"}
    fields = site.backend.credentials("erin", "a-long-enough-secret")
    assert browser.post("/bff/login", fields).status == 200


@pytest.mark.behaviour("register", backends=registering("mail"))
def test_a_registration_that_waits_for_a_mail_ends_in_a_session_at_its_next_step(site, aged):
    browser = site.browser()
    answer = browser.post(site.dialect.register, site.backend.new_user("erin"))
    assert answer.status == 401 and cookie_names(answer) == [PENDING_NAME], answer
    assert "verify_email" in [flow["id"] for flow in answer.json()["data"]["flows"]]

    code = {"key": site.backend.mailed_code()}
    answer = browser.post("/_allauth/app/v1/auth/email/verify", code)
    assert answer.status == 200 and browser.cookie and not browser.pending, answer
    assert site.me(browser).json()["email"] == "erin@example.org"


@pytest.mark.behaviour("register", backends=REGISTERS)
def test_a_refused_registration_is_answered_in_the_backends_own_words(site, aged):
    browser = site.browser()
    fields = site.backend.new_user("alice")
    answer = browser.post(site.dialect.register, fields)
    own = site.backend.direct.send("POST", site.dialect.register, fields)
    assert own.status == 400
    assert (answer.status, answer.json()) == (own.status, own.json())
    assert browser.cookie is None


@pytest.mark.behaviour("2nd factor", backends={"allauth-headless"})
def test_a_second_factor_ends_in_a_session_and_its_challenge_shows_no_secret(site, aged):
    browser = site.browser()
    challenge = site.sign_in(browser, "dana")
    assert challenge.status == 401, challenge
    flows = challenge.json()["data"]["flows"]
    assert "mfa_authenticate" in [flow["id"] for flow in flows]
    assert "session_token" not in members(challenge.json())
    assert cookie_names(challenge) == [PENDING_NAME]
    assert "HttpOnly" in challenge.header("Set-Cookie")

    second = "/_allauth/app/v1/auth/2fa/authenticate"
    wrong = browser.post(second, {"code": "000000"})
    assert (wrong.status, browser.cookie) == (400, None), wrong
    answer = browser.post(second, {"code": totp_code()})
    assert answer.status == 200 and browser.cookie, answer
    assert browser.pending is None
    assert "session_token" not in members(answer.json())
    assert site.me(browser).json()["username"] == "dana"


@pytest.mark.behaviour("expiry")
def test_an_expired_token_is_refreshed(site, expired):
    alice = expired["one"]
    calls = site.backend.calls_from_now()
    for _ in range(2):
        answer = site.me(alice.browser)
        assert (answer.status, answer.json()["username"]) == (200, "alice"), answer
    assert [call["status"] for call in calls.refreshes] == [200]


@pytest.mark.behaviour("parallel")
def test_many_calls_with_one_expired_token_make_one_refresh(site, expired):
    bob = expired["many"]
    calls = site.backend.calls_from_now()
    answers = at_once(AT_ONCE, lambda _: site.me(bob.browser.twin()))
    assert [getattr(answer, "status", answer) for answer in answers] == [200] * AT_ONCE
    assert [call["status"] for call in calls.refreshes] == [200]


@pytest.mark.behaviour("revoke", backends=REVOKES)
def test_a_sign_out_revokes_the_newest_token_when_the_access_token_has_expired(site, expired):
    alice = expired["leaving"]
    before = len(site.backend.issued("refresh", "alice"))
    assert alice.browser.sign_out().status in (200, 204)
    during = [token["token"] for token in site.backend.issued("refresh", "alice")[before:]]
    for token in [alice.refresh, *during]:
        assert site.backend.direct.refresh(token).status >= 400


@pytest.mark.behaviour("no leak")
def test_no_byte_of_any_answer_or_log_is_part_of_a_token(site, aged):
    heard, written, issued = client.received.take(), site.logs(), site.backend.all_issued()
    assert len(issued) >= 10 and len(heard) > 1000 and len(written) > 1000
    assert tokens_in(heard, issued) == []
    assert tokens_in(written, issued) == []
    # The same search finds what the backend itself says.
    own = site.backend.direct.sign_in("carol")
    assert tokens_in(str(own.headers).encode() + own.body, site.backend.all_issued())
    assert not site.crashes()
