"""OAuth 2.0: opaque tokens with an `expires_in`, forms, and a client that identifies itself."""

import base64
import urllib.parse

import pytest

from fullsite import FakeBackend, running

TOKEN, REVOKE = "/o/token/", "/o/revoke_token/"
SECRET = "a secret: 100%"
OAUTH = {
    "opaque": True,
    "names": {"access": "access_token", "refresh": "refresh_token"},
    "extra": {"expires_in": 30, "token_type": "Bearer", "scope": "read"},
    "login": TOKEN,
    "refresh": TOKEN,
    "revoke": REVOKE,
}


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("client") / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


def oauth_site(secret_file, auth):
    overrides = {
        "backend.preset": "oauth-toolkit",
        "client.id": "the:app",
        "client.secret_file": secret_file,
        "client.auth": auth,
    }
    return running(FakeBackend, env=OAUTH, overrides=overrides)


@pytest.fixture(scope="module")
def site(secret_file):
    with oauth_site(secret_file, "basic") as running_site:
        yield running_site


def form_of(call):
    return dict(urllib.parse.parse_qsl(call["body"], strict_parsing=True))


def headers_of(call):
    return {name.lower(): value for name, value in call["headers"]}


def credentials(call):
    """As RFC 6749, 2.3.1 has them: form-encoded on both sides of the colon."""
    scheme, _, value = headers_of(call)["authorization"].partition(" ")
    assert scheme == "Basic"
    user, _, password = base64.b64decode(value).decode().partition(":")
    return urllib.parse.unquote_plus(user), urllib.parse.unquote_plus(password)


def test_the_page_sends_json_and_the_backend_gets_a_form(site):
    calls = site.backend.calls_from_now()
    site.signed_in()
    (call,) = calls.all(TOKEN)
    assert form_of(call) == {
        "grant_type": "password",
        "username": "alice",
        "password": "wonderland",
    }
    assert headers_of(call)["content-type"] == "application/x-www-form-urlencoded"


def test_the_answer_keeps_all_but_the_tokens(site):
    answer = site.browser().sign_in()
    assert answer.json().keys() == {"expires_in", "token_type", "scope", "session"}


def test_each_call_identifies_the_client(site):
    browser = site.browser()
    calls = site.backend.calls_from_now()
    browser.sign_in()
    site.backend.control(revoke_access=True)
    assert browser.echo()["user"] == "alice"
    assert browser.sign_out().status == 204
    asked = [c for c in calls.all() if c["path"] in (TOKEN, REVOKE)]
    assert [c["kind"] for c in asked] == ["login", "refresh", "revoke"]
    assert {credentials(c) for c in asked} == {("the:app", SECRET)}


def test_or_in_the_form(secret_file):
    with oauth_site(secret_file, "form") as site:
        calls = site.backend.calls_from_now()
        site.signed_in()
        (call,) = calls.all(TOKEN)
        form = form_of(call)
        assert (form["client_id"], form["client_secret"]) == ("the:app", SECRET)
        assert "authorization" not in headers_of(call)


def test_expires_in_is_known_before_the_backend_says_401(site):
    site.backend.control(settings={"access_seconds": 1, "extra": {"expires_in": 1}})
    browser = site.signed_in()
    site.let_access_expire()
    site.backend.control(reset=True)
    calls = site.backend.calls_from_now()
    assert browser.echo()["user"] == "alice"
    assert calls.statuses("/api/echo/") == [200]
    assert [c["kind"] for c in calls.all(TOKEN)] == ["refresh"]


def test_a_sign_out_revokes_the_newest_refresh_token(site):
    browser = site.signed_in()
    newest = site.backend.issued("refresh", "alice")[-1]
    calls = site.backend.calls_from_now()
    assert browser.sign_out().status == 204
    (call,) = calls.all(REVOKE)
    assert form_of(call)["token"] == newest["token"] and call["status"] == 200


def test_an_invalid_grant_ends_the_session(site):
    browser = site.signed_in()
    site.backend.control(
        revoke_access=True,
        paths={TOKEN: {"status": 400, "body": {"error": "invalid_grant"}, "times": 1}},
    )
    answer = browser.get("/api/echo/")
    assert (answer.status, answer.code) == (401, "session_expired")


def test_an_invalid_client_does_not(site):
    browser = site.signed_in()
    site.backend.control(
        revoke_access=True,
        paths={TOKEN: {"status": 401, "body": {"error": "invalid_client"}, "times": 1}},
    )
    answer = browser.get("/api/echo/")
    assert (answer.status, answer.code) == (503, "refresh_unavailable")
    assert browser.session()["authenticated"] is True


def test_a_misnamed_pointer_passes_no_opaque_token_on(secret_file):
    """Nothing in it looks like a token; its name does."""
    overrides = {"backend.preset": "oauth-toolkit", "login.access": "json:/acces_token"}
    with running(FakeBackend, env=OAUTH, overrides=overrides) as site:
        answer = site.browser().sign_in()
        assert (answer.status, answer.code) == (502, "backend_unreadable")


def test_neither_secret_nor_token_is_in_the_log(site):
    log = site.stack.bffd.log.read_text()
    assert "secret" not in log
    assert not [t for t in site.backend.all_issued() if t["token"] in log]
