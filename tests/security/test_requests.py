"""Requests that no browser sends, byte by byte: whatever nginx makes of them, Django is told nothing
but the truth about who asks, and the next request on the same connection is its own."""

import itertools
import json
import re

import pytest

from client import COOKIE_NAME
from raw_django import RAW, RawDjango
from wire import Wire, message

SITE = {"backend": RawDjango, "login_rate": 100_000, "env": {"access_seconds": 600}}

TARGET = RAW + "x/"
LIE = "6.6.6.6"

# What an application believes of a request, by its WSGI name; all but these come from the client.
OURS = {
    "AUTHORIZATION", "HOST", "REFERER", "X_REQUEST_ID", "X_FORWARDED_FOR", "X_FORWARDED_PROTO",
    "X_FORWARDED_HOST", "X_FORWARDED_PORT", "CONNECTION", "UPGRADE", "CONTENT_LENGTH",
}
# Never there, for some library somewhere believes them.
NEVER = """
    COOKIE PROXY FORWARDED TE TRAILER KEEP_ALIVE PROXY_CONNECTION PROXY_AUTHORIZATION
    TRANSFER_ENCODING REMOTE_ADDR REMOTE_USER X_REMOTE_USER X_REMOTE_ADDR
    X_REMOTE_IP X_REAL_IP X_CLIENT_IP CLIENT_IP X_CLUSTER_CLIENT_IP TRUE_CLIENT_IP CF_CONNECTING_IP
    FASTLY_CLIENT_IP X_ORIGINATING_IP X_PROXYUSER_IP X_HOST X_ORIGINAL_HOST X_SCHEME X_URL_SCHEME
    FRONT_END_HTTPS X_FORWARDED X_FORWARDED_BY X_FORWARDED_PATH X_FORWARDED_PREFIX
    X_FORWARDED_PROTOCOL X_FORWARDED_SCHEME X_FORWARDED_SERVER X_FORWARDED_SSL X_FORWARDED_URI
    X_FORWARDED_USER X_FORWARDED_EMAIL X_FORWARDED_GROUPS X_FORWARDED_PREFERRED_USERNAME
    X_FORWARDED_CLIENT_CERT X_ORIGINAL_URL X_REWRITE_URL X_ACCEL_REDIRECT X_SENDFILE X_HTTP_METHOD
    X_HTTP_METHOD_OVERRIDE X_METHOD_OVERRIDE X_USER X_AUTH_REQUEST_USER X_AUTH_REQUEST_EMAIL
    X_CLIENT_CERT X_SSL_CLIENT_CERT X_SSL_CLIENT_VERIFY SSL_CLIENT_CERT SSL_CLIENT_VERIFY X_CSRF
""".split()


def assert_truthful(seen, asker, authority, scheme="http"):
    """One request as Django got it."""
    names = seen.as_wsgi()
    twice = {name for name in names if names.count(name) > 1} & OURS
    assert not twice, (twice, seen)
    assert not set(names) & set(NEVER), (set(names) & set(NEVER), seen)
    assert not [name for name, _ in seen.fields if b"_" in name], seen
    assert seen.all("Authorization") == [b"Bearer " + asker.token], seen
    assert seen.all("X-Forwarded-For") == [b"127.0.0.1"], seen
    assert seen.all("Host") == seen.all("X-Forwarded-Host") == [authority.encode()], seen
    assert seen.all("X-Forwarded-Proto") == [scheme.encode()], seen
    assert len(seen.all("X-Request-ID")[0]) == 32, seen


class Attack:
    """Requests of alice over one connection, and after each of them one of bob: an answer that is
    his, and a request that Django takes for his."""

    def __init__(self, site, alice, bob):
        self.site, self.alice, self.bob, self.wire = site, alice, bob, Wire.to(site)
        self.passed = self.refused = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, data, what, head_only=False):
        """The answer to alice. What reached Django was told the truth."""
        seen = self.site.backend.seen_from_now()
        answer = self.wire.ask(data, head_only)
        arrived = seen()
        for request in arrived:
            assert_truthful(request, self.alice, self.wire.authority)
        assert len(arrived) == (1 if answer.status == 200 else 0), (what, answer, arrived)
        if arrived:
            self.passed += 1
        else:
            assert 400 <= answer.status < 600, (what, answer)
            assert answer.code, (what, answer)
            self.refused += 1
        self.next_is_bobs(what)
        return answer

    def next_is_bobs(self, what):
        seen = self.site.backend.seen_from_now()
        answer = self.wire.call("GET", TARGET + "bob", self.bob.fields())
        assert (answer.status, answer.body) == (200, b"{}"), (what, answer)
        (request,) = seen()
        assert request.target == TARGET + "bob", (what, request)
        assert_truthful(request, self.bob, self.wire.authority)

    def get(self, *more, target=TARGET):
        fields = [("Host", self.wire.authority), *self.alice.fields(*more)]
        return self.send(message("GET", target, fields), more or target)


@pytest.fixture
def attack(site, alice, bob):
    with Attack(site, alice, bob) as attack:
        yield attack


VALUES = ["User-Agent", "X-Forwarded-For", "Authorization", "X-Request-ID", "Referer", "Accept",
          "Accept-Language", "X-Anything", "Connection", "X-Accel-Redirect", "Forwarded"]


@pytest.mark.parametrize("name", VALUES)
def test_any_byte_in_a_headers_value(attack, name):
    """A line feed in it begins another header, which is a lie as well."""
    for byte in range(256):
        for value in (b"%c" % byte, b"1%cX-Forwarded-For: 6.6.6.6" % byte):
            attack.get((name, value))
    assert attack.passed > 400


NAMES = ["X-Forwarded-For", "Authorization", "X-Real-IP", "Remote-User", "X-CSRF"]


@pytest.mark.parametrize("name", NAMES)
def test_any_byte_in_a_headers_name(attack, name):
    """Before it, behind it, and in the place of its hyphen."""
    raw = name.encode()
    for byte in (bytes([value]) for value in range(256)):
        spellings = {byte + raw, raw + byte, raw.replace(b"-", byte)}
        for spelt in spellings - {b"\n" + raw}:  # which would end the head
            attack.get((spelt, LIE))
    assert attack.passed > 100 and attack.refused > 0


DECIDING = ["Sec-Fetch-Site", "Origin", "X-CSRF"]


@pytest.mark.parametrize("name", DECIDING)
def test_any_byte_in_a_header_that_decides_is_no_yes(site, alice, bob, name):
    """An unsafe call whose one good word has a byte too much does not pass."""
    good = {"Sec-Fetch-Site": "same-origin", "Origin": site.url, "X-CSRF": "1"}[name].encode()
    cookie = ("Cookie", f"{COOKIE_NAME}={alice.cookie}")
    seen = site.backend.seen_from_now()
    with Attack(site, alice, bob) as attack:
        # Blanks around a value are no part of it (RFC 9110, 5.5).
        for byte in (bytes([value]) for value in range(256) if value not in b" \t\r\n"):
            for value in (byte + good, good + byte, good[:1] + byte + good[1:]):
                answer = attack.wire.call("POST", TARGET, [cookie, (name, value)], b"")
                assert answer.status in (400, 403), (value, answer)
    assert seen() == []


def test_any_byte_in_the_cookie_is_another_cookie_or_none(site, alice, bob):
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        for byte in (bytes([value]) for value in range(256)):
            own = alice.cookie.encode()
            for value in (own[:20] + byte + own[20:], own[:20] + byte + own[21:]):
                if value == own or byte in b"\r\n":
                    continue
                fields = [("Sec-Fetch-Site", "same-origin"),
                          ("Cookie", COOKIE_NAME.encode() + b"=" + value)]
                answer = wire.call("GET", TARGET, fields)
                assert answer.status in (400, 401), (value, answer)
    assert seen() == []


def test_any_byte_in_the_target(attack):
    """In the path and in the query. Some make another path of it, but never another asker."""
    for byte in (bytes([value]) for value in range(256) if value not in b"\r\n "):
        for target in (TARGET.encode() + byte, TARGET.encode() + b"?" + byte, byte):
            seen = attack.site.backend.seen_from_now()
            answer = attack.wire.ask(
                message("GET", target, [("Host", attack.wire.authority), *attack.alice.fields()])
            )
            for request in seen():
                assert_truthful(request, attack.alice, attack.wire.authority)
            assert answer.status in (200, 400, 404, 405), (target, answer)
            attack.next_is_bobs(target)


@pytest.mark.parametrize("fold", ["\r\n ", "\r\n\t", "\n ", "\r\n \r\n "])
def test_a_folded_header_is_no_other_header(attack, fold):
    attack.get(("X-Anything", f"a{fold}X-Forwarded-For: {LIE}"))


SPELLINGS = [str.lower, str.upper, str.title, lambda name: name.replace("-", "_"),
             lambda name: name.upper().replace("-", "_"), lambda name: "HTTP_" + name,
             lambda name: name + " ", lambda name: name + "\t"]


def test_no_spelling_of_a_header_that_is_ours_comes_from_a_client(attack):
    names = sorted(OURS - {"HOST", "CONTENT_LENGTH"} | set(NEVER) - {"COOKIE", "TRANSFER_ENCODING"})
    for name, spell in itertools.product(names, SPELLINGS):
        attack.get((spell(name.title().replace("_", "-")), LIE))
    assert attack.passed > len(names) * 3


def test_connection_takes_no_header_of_ours_away(attack):
    """A proxy may take Connection's word for which headers are hop by hop. nginx does not."""
    for nominated in ["Authorization", "X-Forwarded-For", "Host", "Cookie", "X-Forwarded-Proto",
                      "close, Authorization", "keep-alive, X-Request-ID", "Upgrade, Authorization"]:
        answer = attack.get(("Connection", nominated))
        assert answer.status == 200


FRAMINGS = {
    "chunked and a length": ([("Transfer-Encoding", "chunked"), ("Content-Length", "4")],
                             b"0\r\n\r\n"),
    "a length and chunked": ([("Content-Length", "4"), ("Transfer-Encoding", "chunked")],
                             b"0\r\n\r\n"),
    "chunked twice": ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], b""),
    "chunked, then identity": ([("Transfer-Encoding", "chunked"),
                                ("Transfer-Encoding", "identity")], b"0\r\n\r\n"),
    "a list": ([("Transfer-Encoding", "gzip, chunked")], b"0\r\n\r\n"),
    "chunked, chunked": ([("Transfer-Encoding", "chunked, chunked")], b"0\r\n\r\n"),
    "nearly chunked": ([("Transfer-Encoding", "xchunked")], b""),
    "chunked with a tab": ([("Transfer-Encoding", "\tchunked")], b"0\r\n\r\n"),
    "chunked with a vertical tab": ([("Transfer-Encoding", "\x0bchunked")], b""),
    "Chunked": ([("Transfer-Encoding", "Chunked")], b"0\r\n\r\n"),
    "underscore": ([("Transfer_Encoding", "chunked"), ("Content-Length", "0")], b""),
    "two lengths": ([("Content-Length", "0"), ("Content-Length", "4")], b""),
    "the same length twice": ([("Content-Length", "0"), ("Content-Length", "0")], b""),
    "a list of lengths": ([("Content-Length", "0, 0")], b""),
    "a negative length": ([("Content-Length", "-1")], b""),
    "a length with a sign": ([("Content-Length", "+0")], b""),
    "a length in hex": ([("Content-Length", "0x0")], b""),
    "a length with a blank": ([("Content-Length", "0 0")], b""),
    "a huge length": ([("Content-Length", "99999999999999999999")], b""),
    "a bad chunk size": ([("Transfer-Encoding", "chunked")], b"zz\r\n\r\n"),
    "a negative chunk": ([("Transfer-Encoding", "chunked")], b"-1\r\n\r\n"),
    "a chunk with an extension": ([("Transfer-Encoding", "chunked")], b"0;a=b\r\n\r\n"),
    "a trailer": ([("Transfer-Encoding", "chunked")],
                  b"0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"),
}
SMUGGLED = "/api/raw/smuggled/"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_no_request_hides_in_another_ones_body(site, alice, bob, framing):
    """What stands behind the body is another request to all or to nobody: if Django gets it, then
    as one that nginx has asked bffd about, without the cookie that it does not have."""
    fields, body = FRAMINGS[framing]
    with Attack(site, alice, bob) as attack:
        head = message("POST", TARGET, [("Host", attack.wire.authority), *alice.fields(*fields)])
        hidden = message("GET", SMUGGLED, [("Host", attack.wire.authority)])
        seen = site.backend.seen_from_now()
        answer = attack.wire.ask(head + body + hidden)
        assert answer.status in (200, 400, 413, 501), answer
        attack.wire.close()
        assert SMUGGLED not in [request.target for request in seen()]
        for request in seen():
            assert_truthful(request, alice, attack.wire.authority)
            assert len(request.body) == int(request.all("Content-Length")[0] or 0)
            assert b"smuggled" not in request.body
        attack.next_is_bobs(framing)


def test_every_request_of_a_pipeline_is_its_own(site, alice, bob):
    """Sent at once, without waiting, by turns of two users and nobody."""
    with Wire.to(site) as wire:
        sock, authority = wire.connect(), wire.authority
        askers = [alice, bob, None] * 20
        for i, asker in enumerate(askers):
            own = asker.fields() if asker else [("Sec-Fetch-Site", "same-origin")]
            sock.sendall(message("GET", f"{TARGET}{i}/", [("Host", authority), *own]))
        seen = site.backend.seen_from_now()
        heard = b""
        while heard.count(b"HTTP/1.1 ") < len(askers):
            piece = sock.recv(65536)
            assert piece, heard[-500:]
            heard += piece
        assert re.findall(rb"HTTP/1\.1 (\d+) ", heard) == [b"200", b"200", b"401"] * 20
        for request in seen():
            asker = askers[int(request.target.split("/")[-2])]
            assert_truthful(request, asker, authority)


HOSTS = ["evil.example", "evil.example:{port}", "localhost:1"]


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_in_the_target_is_not_whom_django_hears_of(attack, host):
    """Absolute form (RFC 9112, 3.2.2): bffd goes by the target, Django by Host, and both are one
    client's own. Another origin's page cannot send either."""
    host = host.format(port=attack.wire.port)
    attack.get(target=f"http://{host}{TARGET}")


def test_two_hosts_or_none_are_refused(site, alice):
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        own = ("Host", wire.authority)
        for hosts in ([], [own, own], [own, ("Host", "evil.example")], [("Host", "a b")],
                      [("Host", "evil/../x")], [("Host", "")]):
            answer = wire.call("GET", TARGET, [*hosts, *alice.fields()], host=False)
            assert (answer.status, answer.code) == (400, "bad_request"), (hosts, answer)
    assert seen() == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "GET\t", "G\x00T", "\xc7ET"])
def test_a_method_that_is_none_goes_no_further(site, alice, method):
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        answer = wire.call(method, TARGET, alice.fields())
        assert answer.status in (400, 405) and answer.code, answer
        assert alice.cookie.encode() not in answer.body, "TRACE would show a page its own cookie"
    assert seen() == []


INTERNAL = ["/_bff/auth", "/_bff/endpoint", "/_bff/refused", "/_bff/", "/_BFF/auth", "/%5fbff/auth",
            "//_bff/auth", "/_bff/auth/", "/@bff_retry", "@bff_retry", "/%40bff_retry"]


@pytest.mark.parametrize("target", INTERNAL)
def test_no_location_of_ours_opens_from_outside(site, alice, target):
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        answer = wire.call("GET", target, alice.fields(("X-Accel-Redirect", "@bff_retry")))
    assert answer.status in (400, 404) or b"<!doctype html>" in answer.body, answer
    assert not [name for name, _ in answer.fields if name.lower().startswith("x-bff")]
    assert alice.token not in answer.body
    assert seen() == []


def test_a_client_chooses_no_leg_and_no_param(site, alice):
    """FastCGI params of clients are HTTP_...: none of bffd's own is."""
    lies = [("BFF-LEG", "health"), ("BFF_LEG", "health"), ("Bff-Status", "401"),
            ("Request-Method", "GET"), ("Remote-Addr", LIE), ("Content-Type", "x"),
            ("HTTP-COOKIE", f"{COOKIE_NAME}={alice.cookie}"), ("BFF-HOST", "evil.example")]
    with Wire.to(site) as wire:
        answer = wire.call("GET", "/bff/session", [("Sec-Fetch-Site", "same-origin"), *lies])
        assert answer.json() == {"authenticated": False}
        answer = wire.call("POST", "/bff/logout", [("Sec-Fetch-Site", "cross-site"), *lies], b"")
        assert (answer.status, answer.code) == (403, "csrf_failed")


def test_a_header_too_much_costs_one_request_and_no_more(site, alice, bob):
    with Attack(site, alice, bob) as attack:
        attack.get(("X-Anything", "a" * 40_000))
        attack.get(*[(f"X-{i}", "a") for i in range(2000)])
        attack.get(target="/api/" + "a" * 40_000)
        assert attack.refused == 3


def test_a_login_says_nothing_of_the_client_but_what_nginx_saw(site):
    """bffd's own calls: the same rules as for those that nginx carries."""
    lies = [(name, LIE) for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Authorization",
                                     "Proxy", "X-Request-ID", "Cookie2")]
    body = json.dumps({"username": "alice", "password": "wonderland"}).encode()
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        fields = [("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json"), *lies]
        assert wire.call("POST", "/bff/login", fields, body).status == 200
        (request,) = seen()
        assert request.all("X-Forwarded-For") == [b"127.0.0.1"]
        assert not [value for _, value in request.fields if LIE.encode() in value]
        assert request.all("Host") == [wire.authority.encode()]
