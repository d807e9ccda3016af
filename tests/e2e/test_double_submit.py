"""A backend that authenticates by cookies and has Django's CSRF check switched on."""

import pytest

from fullsite import LOGIN, REFRESH, REVOKE, FakeBackend, running

COOKIES = {"access": "access_token", "refresh": "refresh_token"}
SITE = {
    "backend": FakeBackend,
    "env": {"cookies": COOKIES, "csrf_cookie": "csrftoken"},
    "overrides": {
        "backend.attach": "cookie access_token",
        "backend.csrf_cookie": "csrftoken",
        "login.access": "cookie:access_token",
        "login.refresh": "cookie:refresh_token",
        "refresh.access": "cookie:access_token",
        "refresh.refresh": "cookie:refresh_token",
        "refresh.send": "cookie refresh_token",
        "revoke.send": "cookie refresh_token",
    },
}


def headers_of(call):
    return {name.lower(): value for name, value in call["headers"]}


def cookies_of(call):
    return dict(pair.split("=", 1) for pair in headers_of(call)["cookie"].split("; "))


def post(browser, *fields):
    return browser.send("POST", "/api/echo/", fields, b"{}")


def test_an_unsafe_call_brings_what_django_asks_for(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    assert post(browser).status == 200
    (call,) = calls.all("/api/echo/")
    cookies = cookies_of(call)
    assert cookies.keys() == {"csrftoken", "access_token"}
    assert headers_of(call)["x-csrftoken"] == cookies["csrftoken"]
    assert len(cookies["csrftoken"]) >= 32


def test_what_the_browser_brings_is_not_it(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    answer = browser.send("POST", "/api/echo/", [("X-CSRFToken", "made-up")], b"{}")
    assert answer.status == 200
    (call,) = calls.all("/api/echo/")
    values = [value for name, value in call["headers"] if name.lower() == "x-csrftoken"]
    assert len(values) == 1 and "made-up" not in str(call["headers"])


def test_it_is_another_one_each_time_and_never_reaches_the_browser(site):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    answers = [browser.send("POST", "/api/upload/", body=b"x") for _ in range(3)]
    values = {headers_of(call)["x-csrftoken"] for call in calls.all("/api/upload/")}
    assert len(values) == 3
    for answer in answers:
        assert answer.status == 200
        assert answer.header("X-CSRFToken") is None
        assert not any(value in str(answer.fields) for value in values)


def test_a_replay_brings_it_too(site):
    browser = site.signed_in()
    site.backend.control(revoke_access=True)
    calls = site.backend.calls_from_now()
    assert post(browser).status == 200
    assert calls.statuses("/api/echo/") == [401, 200]
    assert calls.statuses(REFRESH) == [200]


@pytest.mark.parametrize("path, act", [(LOGIN, "in"), (REVOKE, "out"), (REFRESH, "renew")])
def test_bffds_own_calls_bring_it_too(site, path, act):
    browser = site.signed_in()
    calls = site.backend.calls_from_now()
    if act == "in":
        browser.sign_in()
    if act == "out":
        browser.sign_out()
    if act == "renew":
        site.backend.control(revoke_access=True)
        browser.get("/api/echo/")
    call = calls.all(path)[0]
    assert headers_of(call)["x-csrftoken"] == cookies_of(call)["csrftoken"]
    assert headers_of(call)["referer"].startswith(f"{site.url}/")


@pytest.mark.parametrize(
    "sent, received",
    [
        (None, "{own}/"),
        ("{own}/tasks?page=2", "{own}/tasks?page=2"),
        ("https://evil.example/", "{own}/"),
        ("{own}.evil.example/", "{own}/"),
        ("", "{own}/"),
    ],
)
def test_the_referer_is_always_of_this_site(site, sent, received):
    browser, own = site.signed_in(), site.url
    fields = [] if sent is None else [("Referer", sent.format(own=own))]
    answer = post(browser, *fields)
    assert answer.status == 200
    assert answer.json()["headers"]["Referer"] == received.format(own=own)


def test_without_the_key_no_such_header_goes_out():
    with running(FakeBackend) as site:
        sent = site.signed_in().echo("POST", [("X-CSRFToken", "made-up")], b"{}")
        assert "X-CSRFToken" not in sent["headers"] and "Cookie" not in sent["headers"]
