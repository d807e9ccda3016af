"""The session's cookie: its exact bytes, and everything that is not it."""

import re

import pytest

from client import COOKIE_NAME, curl
from fullsite import FakeBackend, running
from wire import Wire, sign_in_with_curl

SITE = {"backend": FakeBackend, "login_rate": 100_000}

SESSION = re.compile(r"__Host-session=[A-Za-z0-9_-]{43}; Path=/; Secure; HttpOnly; SameSite=Strict")
CLEARED = "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
SAME_ORIGIN = ("Sec-Fetch-Site", "same-origin")


@pytest.fixture
def wire(site):
    with Wire.to(site) as wire:
        yield wire


def ask(wire, *cookies, path="/api/whoami/"):
    return wire.call("GET", path, [SAME_ORIGIN, *(("Cookie", cookie) for cookie in cookies)])


def test_its_bytes_are_these_and_no_others(site):
    """A prefix that needs Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3), and no script reads it.
    No Max-Age: it goes with the browser."""
    (value,) = site.browser().sign_in().all("Set-Cookie")
    assert SESSION.fullmatch(value)
    browser = site.signed_in()
    assert browser.sign_out().all("Set-Cookie") == [CLEARED]


def test_each_sign_in_has_another_one_and_ends_the_one_before(site):
    """What was planted before a sign-in is not what counts after it (session fixation)."""
    browser = site.browser("A" * 43)
    seen = {browser.cookie}
    for _ in range(20):
        before = browser.cookie
        assert browser.sign_in().status == 200
        assert browser.cookie not in seen
        seen.add(browser.cookie)
        assert site.browser(before).get("/api/whoami/").status == 401


def test_its_bits_look_random(site):
    """256 of them: over 64 cookies each character comes from its whole alphabet."""
    cookies = [site.signed_in().cookie for _ in range(64)]
    for place in zip(*cookies):
        assert len(set(place)) > 1
    letters = "".join(cookie[:42] for cookie in cookies)  # the last one has but four bits
    assert len(set(letters)) == 64
    assert max(letters.count(letter) for letter in set(letters)) < 3 * len(letters) / 64


def test_no_answer_but_those_of_signing_in_and_out_touches_it(site):
    browser = site.signed_in()
    for path in ("/api/whoami/", "/bff/session", "/", "/bff/none", "/api/token/"):
        assert not browser.get(path).all("Set-Cookie"), path


def not_a_session(cookie):
    """Values that a session's is easily taken for."""
    swapped = cookie[:-1] + chr(ord(cookie[-1]) ^ 1)
    yield from (cookie[:-1], cookie + "A", cookie[1:], "", " ", '"' + cookie + '"', swapped)
    yield from (cookie.swapcase(), cookie[::-1], cookie.replace(cookie[3], "+"), "A" * 43)
    yield from (cookie + "=", cookie + "%00", "%" + cookie, cookie[:20] + " " + cookie[20:])
    yield from ("../" + cookie, "*" * 43, "bff:s:{" + cookie + "}", cookie + ",")


def test_what_is_not_a_session_s_value_is_none(site, wire):
    cookie = site.signed_in().cookie
    calls = site.backend.calls_from_now()
    for value in not_a_session(cookie):
        if value != cookie:
            answer = ask(wire, f"{COOKIE_NAME}={value}")
            assert (answer.status, answer.code) == (401, "not_authenticated"), value
            assert not answer.all("Set-Cookie")
    assert calls.all() == []


NAMES = ["__host-session", "__HOST-session", "__Host-Session", "session", "__Secure-session",
         "__Host-session2", " __Host-sessio", "__Host-session ", "$__Host-session", "__Host_session"]


def test_another_name_is_another_cookie(site, wire):
    """Those without the prefix a sibling subdomain could set."""
    cookie = site.signed_in().cookie
    for name in NAMES:
        assert ask(wire, f"{name}={cookie}").status == 401, name


def test_one_among_others_is_found(site, wire):
    cookie = f"{COOKIE_NAME}={site.signed_in().cookie}"
    others = "; ".join(f"n{i}=v" for i in range(200))
    for header in (f"a=b; {cookie}", f"{cookie}; a=b", f"{others}; {cookie}; {others}", f" {cookie} ",
                   f";;{cookie};", f'a="x"; {cookie}', f"=x; {cookie}"):
        assert ask(wire, header).status == 200, header


def test_two_of_them_are_none(site, wire):
    """Whichever is the planted one: nobody can tell."""
    own, planted = site.signed_in().cookie, site.signed_in("bob", "builder").cookie
    calls = site.backend.calls_from_now()
    for first, second in ((own, planted), (planted, own), (own, own), (own, ""), ("", own)):
        pair = (f"{COOKIE_NAME}={first}", f"{COOKIE_NAME}={second}")
        assert ask(wire, "; ".join(pair)).status == 401
        assert ask(wire, "; ".join(pair), path="/bff/session").json() == {"authenticated": False}
    assert calls.all() == []


def test_two_headers_are_one_session_or_none_and_never_another(site, wire):
    """RFC 6265, 5.4: a browser sends one. Which nginx shows, its version decides."""
    own, planted = site.signed_in(), site.signed_in("bob", "builder")
    first, second = (f"{COOKIE_NAME}={b.cookie}" for b in (own, planted))
    answer = wire.call("POST", "/api/whoami/", [SAME_ORIGIN, ("Cookie", first), ("Cookie", second)], b"")
    assert answer.status == 401
    answer = ask(wire, first, second)
    assert answer.status == 401 or answer.json()["user"] == "alice"


@pytest.mark.parametrize("pairs", [1000, 2000])
def test_a_thousand_pairs_hide_nothing(site, wire, pairs):
    """Too many for nginx' buffers, or for bffd: refused, and never half read."""
    cookie = f"{COOKIE_NAME}={site.signed_in().cookie}"
    many = "; ".join(f"n{i}=v" for i in range(pairs))
    for header in (f"{many}; {cookie}", f"{cookie}; {many}"):
        assert ask(wire, header).status in (200, 400, 401)
        assert ask(wire, header + f"; {cookie}").status in (400, 401)


def test_64_kb_of_it_are_refused(site, wire):
    calls = site.backend.calls_from_now()
    for header in (f"{COOKIE_NAME}=" + "A" * 65536, "a=" + "b" * 65536, ";" * 65536, "=" * 65536):
        answer = ask(wire, header)
        assert (answer.status, answer.code) == (400, "bad_request")
    assert calls.all() == []


def test_the_cookie_of_a_session_that_has_ended_opens_nothing(site, wire):
    browser = site.signed_in()
    cookie = browser.cookie
    assert browser.sign_out().status == 204
    calls = site.backend.calls_from_now()
    for _ in range(50):
        assert ask(wire, f"{COOKIE_NAME}={cookie}").status == 401
    answer = wire.call("POST", "/bff/logout", [SAME_ORIGIN, ("Cookie", f"{COOKIE_NAME}={cookie}")], b"")
    assert answer.status == 204
    assert calls.all() == []


def test_over_http_2_split_cookies_are_one_header(site):
    """RFC 9113, 8.2.3: nginx joins them. Twice is twice there, too."""
    with running(FakeBackend, https=True) as secure:
        own, other = sign_in_with_curl(secure), sign_in_with_curl(secure)

        def status(*cookies):
            fields = [word for cookie in cookies for word in ("--header", f"Cookie: {cookie}")]
            said = curl("--http2", "--header", "Sec-Fetch-Site: same-origin", *fields,
                        f"{secure.url}/api/whoami/")
            return int(said.split()[1])

        assert status(f"a=b; {COOKIE_NAME}={own}; c=d") == 200
        assert status("a=b", f"{COOKIE_NAME}={own}", "c=d") == 200
        assert status(f"{COOKIE_NAME}={own}", f"{COOKIE_NAME}={other}") == 401
