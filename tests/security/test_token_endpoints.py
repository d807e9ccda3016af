"""Where Django gives tokens away, in every spelling it would understand: out of a page's reach.

A page that could ask for tokens of its own could keep them. What counts is not which paths nginx
refuses but what Django does: the ledger of the real libraries must not grow."""

import json
import sys
from pathlib import Path

import pytest

from client import COOKIE_NAME
from wire import Wire

sys.path.append(str(Path(__file__).resolve().parents[1] / "backends"))
import sites  # noqa: E402

PASSWORD = {"username": "alice", "password": "wonderland"}
JSON = [("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json")]
BYTES = [f"%{byte:02x}" for byte in range(256)]
ENDS = ["", "/", "//", "/.", "/..", ";", ";x=y", "/;", "#", "#/x", "?", "?x", "%3f", "%23", ".json",
        ".api", "/.json", "X", "s", "/x", "/x/y/", "\\", "%5c", "/%2e", "%2f", "/%20", "%0a", "/%0a",
        "%0d%0a", "/%0d%0a", "%00", "%c0%af", "%e2%80%a9", "%c2%85", "/%c2%85", "/%0b", "/%1c"]
BEGINNINGS = ["", "/", "//", "/.", "/x/..", "/%2e", "/x/%2e%2e", "/x%2f..", "/;", "/;x/..", "\\",
              "/%5c..", "http://evil.example", "//evil.example/.."]


def spellings(path):
    """Ways to write a path: what is put before, behind, instead of and between its characters."""
    bare = path.rstrip("/")
    yield from (beginning + path for beginning in BEGINNINGS)
    yield from (bare + end for end in ENDS)
    yield from (bare + byte for byte in BYTES)
    yield from (bare + "/" + byte for byte in BYTES)
    yield from (path + byte + "/" for byte in BYTES)
    yield bare.upper()
    for i, letter in enumerate(bare):
        yield bare[:i] + f"%{ord(letter):02X}" + bare[i + 1 :] + "/"
        yield bare[:i] + f"%25{ord(letter):02x}" + bare[i + 1 :] + "/"
        if letter == "/":
            for between in ("//", "/./", "/x/../", "%2f", "/%2f", "%5c", "/;x/", "/%2e/", "/%00/"):
                yield bare[:i] + between + bare[i + 1 :] + "/"


def ask_for_tokens(site, cookie, path, body):
    """Every spelling, by somebody who is signed in. Returns those for which Django gave a token
    away."""
    given, body = [], json.dumps(body).encode()
    with Wire.to(site) as wire:
        for target in dict.fromkeys(spellings(path)):
            before = len(site.backend.all_issued())
            answer = wire.call("POST", target, [*JSON, ("Cookie", f"{COOKIE_NAME}={cookie}")], body)
            if len(site.backend.all_issued()) > before or b'"access"' in answer.body:
                given.append((target, answer))
    return given


@pytest.fixture(scope="module")
def djoser():
    site = sites.start("djoser", "debian")
    try:
        yield site
    finally:
        site.close()


def test_simplejwts_login_gives_nothing_to_a_page(site):
    assert ask_for_tokens(site, site.signed_in().cookie, "/api/token/", PASSWORD) == []


def test_simplejwts_refresh_gives_nothing_to_a_page_that_has_stolen_a_token(site):
    """However it came by one."""
    cookie = site.signed_in("bob", "builder").cookie
    token = site.backend.issued("refresh", "bob")[-1]["token"]
    assert ask_for_tokens(site, cookie, "/api/token/refresh/", {"refresh": token}) == []


def test_djosers_login_gives_nothing_to_a_page(djoser):
    """Its URL patterns have no end: /auth/jwt/createX is its login, too."""
    cookie = djoser.signed_in("alice").browser.cookie
    assert ask_for_tokens(djoser, cookie, "/auth/jwt/create/", PASSWORD) == []


def test_no_other_method_reaches_a_token_endpoint(site):
    calls = site.backend.calls_from_now()
    browser = site.signed_in("carol", "carroll")
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "INVENTED"):
        for path in ("/api/token/", "/api/token/refresh/", "/api/token/blacklist/"):
            answer = browser.send(method, path, body=b"")
            assert answer.status == 404, (method, path, answer)
    assert [call["path"] for call in calls.all()] == ["/api/token/"]  # carol's own sign-in
