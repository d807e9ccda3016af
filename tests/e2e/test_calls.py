"""What an API call carries to Django, and what it does not."""

import contextlib

import pytest

from client import COOKIE_NAME, Browser
from until import until


def newest_access(site, user="alice"):
    return site.backend.issued("access", user)[-1]["token"]


def test_a_call_carries_the_sessions_own_access_token(site):
    browser = site.signed_in()
    assert browser.echo()["headers"]["Authorization"] == f"Bearer {newest_access(site)}"


def test_two_users_calls_carry_each_their_own_token(site):
    alice, bob = site.signed_in(), site.signed_in("bob", "builder")
    assert alice.get("/api/whoami/").json()["username"] == "alice"
    assert bob.get("/api/whoami/").json()["username"] == "bob"


def test_the_browsers_own_authorization_is_replaced(site):
    browser = site.signed_in()
    headers = browser.echo(fields={"Authorization": "Bearer of-the-browser"})["headers"]
    assert headers["Authorization"] == f"Bearer {newest_access(site)}"


def test_no_cookie_of_the_browser_reaches_django(site):
    browser = site.signed_in()
    cookies = f"sessionid=1; {COOKIE_NAME}={browser.cookie}; csrftoken=2"
    headers = browser.echo(fields=[("Cookie", cookies)], cookie=False)["headers"]
    assert "Cookie" not in headers
    assert browser.cookie not in str(headers)


def test_x_forwarded_headers_are_our_own(site):
    headers = site.signed_in().echo(
        fields={
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Port": "1",
            "X-Forwarded-Prefix": "/evil",
            "X-Real-IP": "203.0.113.9",
            "Forwarded": "for=203.0.113.9",
        }
    )["headers"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert "203.0.113.9" not in str(headers)
    assert "evil" not in str(headers)


@pytest.mark.parametrize(
    "name, value",
    [
        ("Keep-Alive", "timeout=99"),
        ("Proxy-Authorization", "Basic of-the-browser"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Trailer", "X-Last"),
        ("Upgrade", "h2c"),
    ],
)
def test_a_hop_by_hop_header_ends_at_nginx(site, name, value):
    headers = site.signed_in().echo(fields={name: value})["headers"]
    assert name.lower() not in {header.lower() for header in headers}


def test_the_browsers_connection_header_is_not_passed_on(site):
    headers = site.signed_in().echo(fields={"Connection": "close, X-Secret"})["headers"]
    assert headers.get("Connection", "") in ("", "keep-alive")


@pytest.mark.parametrize("name", ["X-CSRF", "X-CSRFToken"])
def test_a_header_of_our_own_making_cannot_come_from_the_browser(site, name):
    headers = site.signed_in().echo(fields={name: "1"})["headers"]
    assert name.lower() not in {header.lower() for header in headers}


def test_headers_of_the_application_pass(site):
    headers = site.signed_in().echo(
        fields={"Accept-Language": "de", "X-Application": "tasks", "If-Match": '"7"'}
    )["headers"]
    assert headers["Accept-Language"] == "de"
    assert headers["X-Application"] == "tasks"
    assert headers["If-Match"] == '"7"'


def test_the_request_line_passes_byte_by_byte(site):
    seen = site.signed_in().echo(query="?a=%2F..%2f&b=c%20d+e&&c=%C3%A4")
    assert seen["raw_uri"] == "/api/echo/?a=%2F..%2f&b=c%20d+e&&c=%C3%A4"


@contextlib.contextmanager
def logging_everything(site):
    site.stack.write_config(**{"log.level": "debug"})
    site.stack.bffd.reload()
    yield
    before = set(site.stack.bffd.worker_pids())
    site.stack.write_config(**{"log.level": "info"})
    site.stack.bffd.reload()
    # Until then they answer on the connections that nginx has kept.
    until(lambda: not before & set(site.stack.bffd.worker_pids()), 10, "the old workers are gone")


def logged_ids(site):
    return {event["request_id"] for event in site.events("request")}


def test_the_request_id_that_django_sees_is_the_one_bffd_logged(site):
    calls = site.backend.calls_from_now()
    with logging_everything(site):
        site.signed_in().get("/api/whoami/", {"X-Request-ID": "of-the-browser"})
        (call,) = calls.all("/api/whoami/")
        assert call["request_id"] != "of-the-browser"
        until(lambda: call["request_id"] in logged_ids(site), 5, "it is in the log")


def test_a_call_that_passes_is_in_nginx_log_only_and_a_refused_one_in_both(site):
    calls, browser = site.backend.calls_from_now(), site.signed_in()
    assert browser.get("/api/whoami/").status == 200
    refused = site.browser().get("/api/whoami/").json()["request_id"]
    (call,) = calls.all("/api/whoami/")
    until(lambda: refused in logged_ids(site), 5, "the refusal is in the log")
    assert call["request_id"] not in logged_ids(site)
    access_log = site.stack.nginx.access_log
    until(lambda: f" {call['request_id']} " in access_log.read_text(), 5, "nginx has the call")


def test_no_header_of_ours_comes_back_with_djangos_answer(site):
    answer = site.signed_in().get("/api/whoami/")
    assert not [name for name, _ in answer.fields if name.lower().startswith("x-bff")]
    assert not answer.all("Set-Cookie")


def test_a_call_without_a_session_does_not_reach_django(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "not_authenticated")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.json()["request_id"]
    assert calls.all() == []


@pytest.mark.parametrize(
    "cookies",
    [
        [COOKIE_NAME + "="],
        [COOKIE_NAME + "=short"],
        [COOKIE_NAME + "=" + "A" * 42 + "!"],
        ["{good}; {good}"],
        ["{good}", "{good}"],
        [COOKIE_NAME + "=" + "A" * 43 + "; {good}"],
        ["session={value}"],
    ],
    ids=["empty", "short", "not base64url", "twice", "two headers", "planted first", "other name"],
)
def test_a_cookie_that_no_browser_would_send_is_no_session(site, cookies):
    value = site.signed_in().cookie
    calls = site.backend.calls_from_now()
    good = f"{COOKIE_NAME}={value}"
    fields = [("Cookie", cookie.format(good=good, value=value)) for cookie in cookies]
    assert site.browser().get("/api/whoami/", fields).status == 401
    assert calls.all() == []


def test_other_cookies_beside_the_sessions_are_fine(site):
    value = site.signed_in().cookie
    browser = Browser(site.url)
    fields = [("Cookie", f"a=1; {COOKIE_NAME}={value}; __Host-sessions=2")]
    assert browser.get("/api/whoami/", fields).status == 200


def test_the_four_methods_of_a_resource_work(site):
    browser = site.signed_in()
    made = browser.post("/api/tasks/", {"title": "write"})
    assert made.status == 201
    path = f"/api/tasks/{made.json()['id']}/"
    changed = browser.send(
        "PATCH", path, {"Content-Type": "application/json"}, b'{"done": true}'
    )
    assert changed.json()["done"] is True
    assert browser.get(path).json()["title"] == "write"
    assert browser.send("DELETE", path, body=b"").status == 204
    assert browser.get(path).status == 404
