"""Sites that are configured in another way than simplejwt's own."""

import json

import pytest

from client import InFlight
from fullsite import REVOKE, FakeBackend, running
from until import until

ALLOWED = [("X-CSRF", "1")]


@pytest.fixture(scope="module")
def revoking_with_access():
    with running(FakeBackend, overrides={"revoke.auth": "access"}) as site:
        yield site


@pytest.fixture(scope="module")
def strict():
    overrides = {
        "csrf.require_header": "yes",
        "csrf.origins": "https://app.example https://www.app.example",
        "log.format": "json",
        "backend.attach": "cookie access",
    }
    with running(FakeBackend, overrides=overrides) as site:
        yield site


def scripts_run(site):
    return site.redis.info("commandstats")["cmdstat_evalsha"]["calls"]


def headers_of(call):
    return {name.lower(): value for name, value in call["headers"]}


def test_a_logout_view_that_wants_a_live_access_token_gets_the_one_at_hand(revoking_with_access):
    site = revoking_with_access
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    assert browser.sign_out().status == 204
    (revocation,) = calls.all(REVOKE)
    access = site.backend.issued("access", "alice")[-1]["token"]
    assert headers_of(revocation)["authorization"] == f"Bearer {access}"
    assert calls.refreshes == []


def test_and_a_fresh_one_when_that_has_expired(revoking_with_access):
    site = revoking_with_access
    site.backend.control(settings={"access_seconds": 1})
    browser = site.signed_in()
    site.let_access_expire()
    site.backend.control(settings={"access_seconds": 30})
    calls = site.backend.calls_from_now()
    assert browser.sign_out().status == 204
    assert len(calls.refreshes) == 1
    (revocation,) = calls.all(REVOKE)
    access = site.backend.issued("access", "alice")[-1]
    refresh = site.backend.issued("refresh", "alice")[-1]
    assert headers_of(revocation)["authorization"] == f"Bearer {access['token']}"
    assert revocation["jti"] == refresh["jti"]


def test_and_waits_for_one_that_is_being_fetched(revoking_with_access):
    site, flight = revoking_with_access, InFlight()
    site.backend.control(settings={"access_seconds": 1})
    browser = site.signed_in()
    tab = browser.twin()
    site.let_access_expire()
    site.backend.control(settings={"access_seconds": 30}, refresh={"hang_answer": True})
    calls = site.backend.calls_from_now()
    flight.send(lambda: tab.get("/api/whoami/"))
    until(lambda: calls.refreshes, 10, "the refresh is under way")
    before = scripts_run(site)
    flight.send(browser.sign_out)
    until(lambda: scripts_run(site) >= before + 3, 10, "the sign-out asks for it again and again")
    assert calls.all(REVOKE) == []
    site.backend.control(release=True, refresh=None)
    assert 204 in flight.statuses()
    (refreshed,), (revocation,) = calls.refreshes, calls.all(REVOKE)
    refresh = site.backend.issued("refresh", "alice")[-1]
    assert revocation["jti"] == refresh["jti"] and refresh["parent_jti"] == refreshed["jti"]
    access = site.backend.issued("access", "alice")[-1]
    assert headers_of(revocation)["authorization"] == f"Bearer {access['token']}"


def test_a_session_without_a_refresh_token_is_revoked_by_its_access_token():
    overrides = {
        "revoke.auth": "access",
        "revoke.request": f"DELETE {REVOKE}",
        "revoke.send": "none",
        "revoke.success": "200 401",
    }
    with running(FakeBackend, overrides=overrides) as site:
        site.backend.control(login={"status": 200, "body": '{"access": "$access"}'})
        site.backend.control(revoke={"status": 401, "body": "{}"})
        browser = site.signed_in()
        calls = site.backend.calls_from_now()
        assert browser.sign_out().status == 204
        (revocation,) = calls.all(REVOKE)
        access = site.backend.issued("access", "alice")[-1]["token"]
        assert (revocation["method"], revocation["body"]) == ("DELETE", "")
        assert headers_of(revocation)["authorization"] == f"Bearer {access}"
        assert site.events("signed_out")[-1]["revoked"] == "yes"


def test_without_anything_to_say_the_backend_is_not_told():
    with running(FakeBackend) as site:
        site.backend.control(login={"status": 200, "body": '{"access": "$access"}'})
        browser = site.signed_in()
        calls = site.backend.calls_from_now()
        assert browser.sign_out().status == 204
        assert calls.all() == []


@pytest.mark.parametrize("body, told", [('{"ok": true}', "yes"), ('{"ok": false}', "no")])
def test_success_of_a_revocation_can_be_a_value(body, told):
    with running(FakeBackend, overrides={"revoke.success": "json:/ok=true"}) as site:
        site.backend.control(revoke={"status": 200, "body": body})
        assert site.signed_in().sign_out().status == 204
        assert site.events("signed_out")[-1]["revoked"] == told


def test_a_refresh_can_carry_the_old_access_token():
    with running(FakeBackend, overrides={"refresh.auth": "access"}) as site:
        browser = site.signed_in()
        old = site.backend.issued("access", "alice")[-1]["token"]
        site.backend.control(revoke_access=True)
        calls = site.backend.calls_from_now()
        assert browser.get("/api/echo/").status == 200
        assert headers_of(calls.refreshes[0])["authorization"] == f"Bearer {old}"


def test_the_token_can_be_attached_in_a_header_of_another_name():
    overrides = {"backend.attach": 'header X-Token "JWT $access"'}
    with running(FakeBackend, overrides=overrides) as site:
        browser = site.signed_in()
        calls = site.backend.calls_from_now()
        browser.get("/api/upload/", [("Authorization", "Bearer x"), ("X-Token", "of-the-browser")])
        first, replayed = calls.all("/api/upload/")  # this backend wants another header
        for call in (first, replayed):
            headers = [(n.lower(), v) for n, v in call["headers"]]
            assert [v[:6] for n, v in headers if n == "x-token"] == ["JWT ey"]
            assert "authorization" not in dict(headers)


def test_the_api_may_stand_under_other_prefixes():
    overrides = {
        "login.request": "POST /auth/jwt/create/",
        "refresh.request": "POST /auth/jwt/refresh/",
        "revoke.request": "",
    }
    settings = {"login": "/auth/jwt/create/", "refresh": "/auth/jwt/refresh/"}
    with running(FakeBackend, env=settings, overrides=overrides, prefixes=["/v2/"]) as site:
        browser = site.signed_in()
        for path in ("/auth/users/me/", "/v2/things/", "/api/things/"):
            assert browser.get(path).json()["path"] == path
        calls = site.backend.calls_from_now()
        for path in ("/auth/jwt/create/", "/auth/jwt/refresh", "/auth/jwt/create/;x"):
            assert browser.post(path, {}).code == "token_endpoint"
        assert calls.all() == []
        assert site.browser().get("/auth/users/me/").status == 401


def test_the_token_can_be_attached_as_a_cookie(strict):
    browser = strict.browser()
    assert browser.sign_in(fields=ALLOWED).status == 200
    calls = strict.backend.calls_from_now()
    assert browser.get("/api/echo/").status == 401  # this backend wants a header
    headers = headers_of(calls.all("/api/echo/")[0])
    assert headers["cookie"].startswith("access=ey")
    assert "authorization" not in headers


def test_the_header_can_be_required_of_our_own_page_too(strict):
    calls = strict.backend.calls_from_now()
    assert strict.browser().sign_in(site="same-origin").code == "csrf_failed"
    assert calls.all() == []


@pytest.mark.parametrize(
    "origin, status",
    [
        ("https://app.example", 200),
        ("https://www.app.example", 200),
        ("https://evil.app.example", 403),
        ("{own}", 403),
    ],
)
def test_configured_origins_replace_the_one_that_nginx_sees(strict, origin, status):
    origin = origin.format(own=strict.url)
    assert strict.browser().sign_in(fields=ALLOWED, site=None, origin=origin).status == status


def test_log_lines_can_be_json(strict):
    strict.browser().get("/bff/session")
    lines = [line for line in open(strict.stack.bffd.log) if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    assert {"ready", "request", "worker_started"} <= {event["event"] for event in events}
