"""Requests that another site makes a browser send: refused before anything else happens."""

import json

import pytest

from client import COOKIE_NAME, Exchange, RecordedSocket

CREDENTIALS = json.dumps({"username": "alice", "password": "wonderland"}).encode()
JSON = ("Content-Type", "application/json")

FOREIGN = {
    "cross-site": [("Sec-Fetch-Site", "cross-site")],
    "same-site": [("Sec-Fetch-Site", "same-site")],
    "none": [("Sec-Fetch-Site", "none")],
    "cross-site with our origin": [("Sec-Fetch-Site", "cross-site"), ("Origin", "{own}")],
    "cross-site with X-CSRF": [("Sec-Fetch-Site", "cross-site"), ("X-CSRF", "1")],
    "foreign origin": [("Origin", "https://evil.example")],
    "null origin": [("Origin", "null")],
    "other scheme": [("Origin", "{other_scheme}")],
    "other port": [("Origin", "http://localhost:1")],
    "origin that starts with ours": [("Origin", "{own}.evil.example")],
    "foreign origin with X-CSRF": [("Origin", "https://evil.example"), ("X-CSRF", "1")],
    "both absent": [],
    "both absent, odd X-CSRF": [("X-CSRF", "0")],
    "Sec-Fetch-Site twice": [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")],
    "same-origin, then cross-site": [
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "cross-site"),
    ],
    "Origin twice": [("Origin", "{own}"), ("Origin", "https://evil.example")],
    "X-CSRF twice": [("X-CSRF", "1"), ("X-CSRF", "1")],
}
foreign = pytest.mark.parametrize("fields", FOREIGN.values(), ids=FOREIGN.keys())


def as_foreign(browser, method, path, fields, body=b"", extra=()):
    own = browser.origin
    other_scheme = own.replace("http://", "https://")
    fields = [(n, v.format(own=own, other_scheme=other_scheme)) for n, v in fields]
    return browser.send(method, path, [*fields, *extra], body, site=None, origin=False)


def assert_refused(answer):
    assert (answer.status, answer.code) == (403, "csrf_failed"), answer
    assert not answer.all("Set-Cookie")


@foreign
def test_an_unsafe_call_is_refused_and_never_reaches_django(site, fields):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    assert_refused(
        as_foreign(browser, "POST", "/api/tasks/", fields, b'{"title": "theirs"}', [JSON])
    )
    assert calls.all() == []


@foreign
def test_signing_in_is_refused_and_never_reaches_django(site, fields):
    calls = site.backend.calls_from_now()
    assert_refused(as_foreign(site.browser(), "POST", "/bff/login", fields, CREDENTIALS, [JSON]))
    assert calls.all() == []


@foreign
def test_signing_out_is_refused_and_the_session_goes_on(site, fields):
    browser = site.signed_in()
    assert_refused(as_foreign(browser, "POST", "/bff/logout", fields))
    assert browser.get("/api/whoami/").status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_is_guarded(site, method):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    assert_refused(
        as_foreign(browser, method, "/api/echo/", FOREIGN["cross-site"], b"x")
    )
    assert calls.all() == []


@pytest.mark.parametrize(
    "fields",
    [
        [("Sec-Fetch-Site", "same-origin")],
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "{own}")],
        [("Origin", "{own}")],
        [("X-CSRF", "1")],
    ],
    ids=["Sec-Fetch-Site", "both", "Origin", "X-CSRF of a script"],
)
def test_our_own_page_may_post(site, fields):
    browser = site.signed_in()
    answer = as_foreign(browser, "POST", "/api/tasks/", fields, b'{"title": "mine"}', [JSON])
    assert answer.status == 201


@pytest.mark.parametrize("case", ["cross-site", "same-site", "foreign origin", "null origin"])
def test_even_a_read_is_refused_when_it_says_that_it_is_foreign(site, case):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    assert_refused(as_foreign(browser, "GET", "/api/whoami/", FOREIGN[case], None))
    assert calls.all() == []


@pytest.mark.parametrize("case", ["none", "both absent"])
def test_a_read_that_a_person_or_a_script_makes_is_not(site, case):
    browser = site.signed_in()
    assert as_foreign(browser, "GET", "/api/whoami/", FOREIGN[case], None).status == 200


def test_the_raw_host_header_does_not_decide_what_is_our_own_origin(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    with RecordedSocket.connect_to(browser.host, browser.port) as sock:
        sock.sendall(
            b"POST /api/tasks/ HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:1\r\n"
            b"Content-Length: 2\r\nCookie: %s=%s\r\n\r\n{}"
            % (COOKIE_NAME.encode(), browser.cookie.encode())
        )
        assert_refused(Exchange(sock).answer())
    assert calls.all() == []


@pytest.mark.parametrize("case", ["cross-site", "foreign origin", "both absent"])
def test_a_foreign_page_cannot_open_a_websocket(site, case):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    handshake = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    assert_refused(as_foreign(browser, "GET", "/api/ws/", FOREIGN[case], None, handshake))
    assert calls.all() == []


def test_who_asks_for_an_upgrade_of_any_kind_is_no_mere_reader(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    typed = [("Sec-Fetch-Site", "none")]
    assert browser.get("/api/whoami/", typed, site=None, origin=False).status == 200
    h2c = [*typed, ("Upgrade", "h2c")]
    assert_refused(browser.get("/api/whoami/", h2c, site=None, origin=False))
    assert len(calls.all()) == 1
