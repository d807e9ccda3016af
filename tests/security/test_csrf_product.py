"""Every method with every Origin, Sec-Fetch-Site and X-CSRF there can be, on every endpoint.

What is expected is written down here, from the contract in words, and not asked of bffd's code:

    Sec-Fetch-Site decides where it is there: same-origin may do all; none, a person who types an
    address, may do what is safe; all else is refused. Where it is not there, Origin decides: our
    own may do all, any other nothing. Where neither is there, a safe request passes, and an unsafe
    one needs X-CSRF: 1. Safe are GET, HEAD and OPTIONS that do not open a WebSocket. A header of
    these that comes twice is refused wherever bffd sees both.
"""

import itertools
import json

import pytest

from client import COOKIE_NAME
from fullsite import LOGIN, FakeBackend
from wire import Wire

# Refused sign-ins count for the rate of an address as others do.
SITE = {"backend": FakeBackend, "login_rate": 100_000}

SAFE = ["GET", "HEAD", "OPTIONS"]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL", "INVENTED"]
# Of these the backend knows no more than http.server does.
CARRIED = {*SAFE, "POST", "PUT", "PATCH", "DELETE"}

OWN, SIBLING, FOREIGN = "{own}", "http://evil.{host}", "https://evil.example"
# name: (values, what they are, once both are seen; what the first alone is)
ORIGINS = {
    "absent": ([], "absent"),
    "own": ([OWN], "own"),
    "sibling subdomain": ([SIBLING], "foreign"),
    "foreign": ([FOREIGN], "foreign"),
    "null": (["null"], "foreign"),
    "own, twice": ([OWN, OWN], "twice"),
    "own, then foreign": ([OWN, FOREIGN], "twice"),
    "foreign, then own": ([FOREIGN, OWN], "twice"),
    "own with a path": ([OWN + "/"], "foreign"),
    "own in capitals": (["HTTP://{HOST}"], "foreign"),
    "own as user of foreign": ([OWN + "@evil.example"], "foreign"),
}
SITES = {
    "absent": ([], "absent"),
    "same-origin": (["same-origin"], "same-origin"),
    "same-site": (["same-site"], "refused"),
    "cross-site": (["cross-site"], "refused"),
    "none": (["none"], "none"),
    "unknown": (["same-origin-ish"], "refused"),
    "in capitals": (["Same-Origin"], "refused"),
    "same-origin, twice": (["same-origin", "same-origin"], "twice"),
    "same-origin, then cross-site": (["same-origin", "cross-site"], "twice"),
    "cross-site, then same-origin": (["cross-site", "same-origin"], "twice"),
    "both in one line": (["same-origin, cross-site"], "refused"),
}
HEADERS = {
    "absent": ([], False),
    "1": (["1"], True),
    "0": (["0"], False),
    "1, twice": (["1", "1"], "twice"),
}
COMBINATIONS = list(itertools.product(ORIGINS, SITES, HEADERS))


def first_alone(table, name):
    """What a header that came twice is for who sees the first of them."""
    values, kind = table[name]
    if kind != "twice":
        return kind
    return next(kind for others, kind in table.values() if others == values[:1])


def is_allowed(method, origin, site, header, sees_all=True, upgrade=False):
    kinds = [table[name][1] for table, name in
             ((ORIGINS, origin), (SITES, site), (HEADERS, header))]
    if sees_all and "twice" in kinds:
        return False
    safe = method in SAFE and not upgrade
    site, origin = first_alone(SITES, site), first_alone(ORIGINS, origin)
    if site != "absent":
        return site == "same-origin" or (site == "none" and safe)
    if origin != "absent":
        return origin == "own"
    return safe or first_alone(HEADERS, header) is True


class Attacker:
    """Sends requests of all kinds over one connection, and notes which may come through."""

    def __init__(self, site, wire, cookie=None):
        self.own, self.wire, self.cookie = site.url, wire, cookie
        self.sent = 0

    def fields(self, origin, site, header):
        host = self.wire.authority
        texts = [("Origin", text) for text in ORIGINS[origin][0]]
        texts += [("Sec-Fetch-Site", text) for text in SITES[site][0]]
        texts += [("X-CSRF", text) for text in HEADERS[header][0]]
        fields = [(name, text.format(own=self.own, host=host, HOST=host.upper()))
                  for name, text in texts]
        return fields + ([("Cookie", f"{COOKIE_NAME}={self.cookie}")] if self.cookie else [])

    def send(self, method, target, combination, extra=(), body=None):
        self.sent += 1
        body = b"" if body is None and method not in SAFE else body
        fields = [*self.fields(*combination), *extra]
        return self.wire.call(method, target, fields, body)


@pytest.fixture
def wire(site):
    with Wire.to(site) as wire:
        yield wire


def assert_refused(answer, what, head=False):
    assert answer.status == 403, (what, answer)
    assert head or answer.code == "csrf_failed", (what, answer)
    assert not answer.all("Set-Cookie"), (what, answer)


def paths_seen(calls):
    return {call["path"] for call in calls.all() if call["kind"] == "api"}


def try_calls(site, wire, methods, upgrade=False):
    """Each call has a path of its own: those that Django saw are those that came through."""
    attacker = Attacker(site, wire, site.signed_in().cookie)
    calls, expected = site.backend.calls_from_now(), set()
    extra = [("Upgrade", "websocket"), ("Connection", "Upgrade")] if upgrade else []
    for method, combination in itertools.product(methods, COMBINATIONS):
        path = f"/api/{attacker.sent}/"
        sees_all = method not in SAFE or upgrade
        allowed = is_allowed(method, *combination, sees_all=sees_all, upgrade=upgrade)
        answer = attacker.send(method, path, combination, extra)
        if allowed:
            expected.add(path)
            assert answer.status == (200 if method in CARRIED else 501), (method, combination)
        else:
            assert_refused(answer, (method, combination), head=method == "HEAD")
    carried = paths_seen(calls)
    assert carried == expected, carried ^ expected
    return attacker.sent, len(expected)


def test_api_calls_pass_exactly_as_the_contract_says(site, wire):
    sent, passed = try_calls(site, wire, [*SAFE, "POST", "PUT", "PATCH", "DELETE"])
    assert (sent, passed > 0) == (7 * len(COMBINATIONS), True)


def test_methods_that_nobody_knows_are_unsafe(site, wire):
    """The backend answers 501 to them, and does not count what it cannot read."""
    attacker = Attacker(site, wire, site.signed_in().cookie)
    for method in set(UNSAFE) - CARRIED:
        for combination in COMBINATIONS:
            answer = attacker.send(method, "/api/echo/", combination)
            if is_allowed(method, *combination):
                assert answer.status == 501, (method, combination, answer)
            else:
                assert_refused(answer, (method, combination))


def test_a_websocket_is_opened_by_our_own_pages_only(site, wire):
    try_calls(site, wire, ["GET"], upgrade=True)


def test_signing_in_passes_exactly_as_the_contract_says(site, wire):
    """Foreign sign-ins are refused as well: a victim in the attacker's account is an attack."""
    attacker, expected = Attacker(site, wire), set()
    calls = site.backend.calls_from_now()
    json_type = [("Content-Type", "application/json")]
    for method, combination in itertools.product([*SAFE, *UNSAFE], COMBINATIONS):
        user = f"user-{attacker.sent}"
        body = json.dumps({"username": user, "password": "x"}).encode()
        answer = attacker.send(method, "/bff/login", combination, json_type, body)
        if not is_allowed(method, *combination):
            assert_refused(answer, (method, combination), head=method == "HEAD")
        elif method == "POST":
            expected.add(user)
            assert answer.status == 401 and answer.code is None, (combination, answer)
        else:
            assert answer.status == 405, (method, combination, answer)
    asked = calls.all()
    assert {call["path"] for call in asked} == {LOGIN}
    assert {json.loads(call["body"])["username"] for call in asked} == expected


def test_signing_out_passes_exactly_as_the_contract_says(site, wire):
    browser, calls = site.signed_in(), site.backend.calls_from_now()
    refused, allowed = Attacker(site, wire, browser.cookie), Attacker(site, wire)
    for method, combination in itertools.product([*SAFE, *UNSAFE], COMBINATIONS):
        if not is_allowed(method, *combination):
            answer = refused.send(method, "/bff/logout", combination)
            assert_refused(answer, (method, combination), head=method == "HEAD")
        else:
            answer = allowed.send(method, "/bff/logout", combination)
            expected = 204 if method == "POST" else 405
            assert answer.status == expected, (method, combination, answer)
    assert calls.all() == []
    assert browser.get("/api/whoami/").status == 200


def test_the_session_is_told_to_our_own_pages_only(site, wire):
    attacker = Attacker(site, wire, site.signed_in().cookie)
    for method, combination in itertools.product(["GET", "HEAD"], COMBINATIONS):
        answer = attacker.send(method, "/bff/session", combination)
        if is_allowed(method, *combination):
            assert answer.status == 200, (method, combination, answer)
        else:
            assert_refused(answer, (method, combination), head=method == "HEAD")


def test_no_foreign_page_may_read_an_answer(site, wire):
    """Nothing here speaks CORS: no answer, and no preflight, allows another origin anything."""
    attacker = Attacker(site, wire, site.signed_in().cookie)
    preflight = [("Access-Control-Request-Method", "POST"),
                 ("Access-Control-Request-Headers", "x-csrf, content-type")]
    for target in ("/bff/login", "/bff/logout", "/bff/session", "/api/tasks/", "/"):
        answer = attacker.send("OPTIONS", target, ("foreign", "cross-site", "absent"), preflight)
        assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]
        assert answer.status in (403, 405), (target, answer)
