"""What a hostile or sloppy Django can make of an answer, and what all layers answer by themselves."""

import json

import pytest

from asker import Asker
from client import COOKIE_NAME, curl
from fullsite import LOGIN, REFRESH, running
from raw_django import RAW, RawDjango
from until import until
from wire import Wire, message, sign_in_with_curl

SITE = {
    "backend": RawDjango,
    "login_rate": 100_000,
    "env": {"access_seconds": 600},
    "overrides": {"attempts.failures": 0},
}

TARGET = RAW + "hostile/"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
OK = b"Content-Length: 2\r\n\r\nok"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

# Headers of an answer that no browser may see; `token` is set below.
HIDDEN = {
    "a cookie": b"Set-Cookie: a=1\r\n",
    "a cookie in odd case": b"sEt-cOOKIE: a=1\r\n",
    "our own cookie": f"Set-Cookie: {COOKIE_NAME}=AAAA; Path=/; Secure\r\n".encode(),
    "many cookies": b"".join(b"Set-Cookie: a%d=1\r\n" % i for i in range(50)),
    "an old cookie": b"Set-Cookie2: a=1\r\n",
    "a cookie behind a line feed": b"X-A: a\nSet-Cookie: a=1\r\n",
    "X-Accel-Redirect": b"X-Accel-Redirect: /_bff/auth\r\n",
    "X-Accel-Redirect to the retry": b"X-Accel-Redirect: @bff_retry\r\n",
    "X-Accel-Redirect in odd case": b"x-aCCEL-redirect: /bff/session\r\n",
    "X-Accel-Buffering": b"X-Accel-Buffering: no\r\n",
    "X-Accel-Expires": b"X-Accel-Expires: 3600\r\n",
    "X-Accel-Charset": b"X-Accel-Charset: utf-7\r\n",
    "X-Accel-Limit-Rate": b"X-Accel-Limit-Rate: 1\r\n",
    "a token": b"Authorization: Bearer a\r\n",
    "tokens": b"X-Access-Token: a\r\nX-Refresh-Token: a\r\n",
}
# Answers that are none: what the browser gets is nginx' own 502, or a part of a body, or what could
# be read; and nothing of it is the next one's.
BROKEN = {
    "a carriage return in a value": HEAD + b"X-A: a\rSet-Cookie: a=1\r\n" + OK,
    "a null byte": HEAD + b"X-A: a\x00b\r\n" + OK,
    "a folded header": HEAD + b"X-A: a\r\n Set-Cookie: a=1\r\n" + OK,
    "a blank in a name": HEAD + b"Set-Cookie : a=1\r\n" + OK,
    "a huge header": HEAD + b"X-A: " + b"a" * 20_000 + b"\r\n" + OK,
    "a thousand headers": HEAD + b"".join(b"X-%d: aaaa\r\n" % i for i in range(2000)) + OK,
    "a line without end": HEAD + b"X-A: " + b"a" * 100_000,
    "no answer": b"",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\nok",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\nok" + POISON,
    "a length and chunks": HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  b"2\r\nok\r\n0\r\n\r\n",
    "chunks that are none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
    "an unfinished body": HEAD + b"Content-Length: 200\r\n\r\nok",
    "two answers": HEAD + OK + POISON,
    "an answer behind chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + POISON,
    "an answer behind a 204": b"HTTP/1.1 204 No\r\n\r\n" + POISON,
    "an answer behind a 304": b"HTTP/1.1 304 No\r\n\r\n" + POISON,
    "a switch nobody asked for": b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n" + POISON,
}
# What begins with no status line nginx takes for HTTP/0.9, an answer that is all body.
HEADLESS = {
    "a word": b"poison",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a status that is none": b"HTTP/1.1 abc OK\r\nSet-Cookie: a=1\r\n" + OK,
    "an empty line first": b"\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n" + OK,
}
# What bffd says to nginx, in its answers and in nobody else's.
BFFDS_WORDS = b"".join(
    name + b": planted\r\n" for name in (b"Authorization", b"Cookie", b"Attach", b"X-CSRFToken", b"Note")
)
STATUSES = [200, 201, 299, 302, 400, 403, 404, 413, 418, 429, 444, 490, 492, 494, 497, 499, 500, 502,
            503, 504, 599, 999]


@pytest.fixture
def hostile(site):
    yield site
    site.backend.be_normal()


def assert_bobs_next_answer_is_his(site, wire, bob):
    """Three times, for nginx keeps connections to Django by process."""
    for i in range(3):
        seen = site.backend.seen_from_now()
        answer = wire.call("GET", f"{RAW}bob/{i}", bob.fields())
        assert (answer.status, answer.body) == (200, b"{}"), answer
        assert seen()[-1].all("Authorization") == [b"Bearer " + bob.token]


def assert_plain(answer):
    names = {name.lower() for name, _ in answer.fields}
    assert not {name for name in names if name.startswith(("x-accel", "set-cookie"))}, answer
    assert not names & {"authorization", "x-access-token", "x-refresh-token"}, answer


@pytest.mark.parametrize("headers", HIDDEN)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_what_django_may_not_tell_a_browser_is_not_told(hostile, alice, bob, headers, method):
    hostile.backend.say(TARGET, HEAD + HIDDEN[headers] + OK)
    with Wire.to(hostile) as wire:
        answer = wire.call(method, TARGET, alice.fields(), b"" if method == "POST" else None)
        assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"ok"), answer
        assert answer.header("Content-Type") == "text/plain"
        assert_plain(answer)
        assert_bobs_next_answer_is_his(hostile, wire, bob)


@pytest.mark.parametrize("raw", BROKEN)
def test_a_broken_answer_is_one_answer_only(hostile, alice, bob, raw):
    hostile.backend.say(TARGET, BROKEN[raw], then_close=True)
    with Wire.to(hostile) as wire:
        try:
            answer = wire.call("GET", TARGET, alice.fields())
        except ConnectionError:
            wire.close()  # cut off where the body ends too early
        else:
            assert answer.status in (101, 200, 204, 304, 502), answer
            if answer.status == 101:
                wire.close()  # no HTTP any more
            assert b"HTTP/1.1" not in answer.body[:1] and answer.header("X-A") in (None, "a")
            assert_plain(answer)
        assert_bobs_next_answer_is_his(hostile, wire, bob)


@pytest.mark.parametrize("raw", HEADLESS)
def test_an_answer_without_a_head_is_nobody_elses(hostile, alice, bob, raw):
    """Over HTTP/1.1 nginx passes such bytes as they are, and no directive forbids it. It needs a
    Django that is no HTTP server any more, and reaches nobody but who asked."""
    hostile.backend.say(TARGET, HEADLESS[raw], then_close=True)
    with Wire.to(hostile) as wire:
        sock = wire.connect()
        sock.sendall(message("GET", TARGET, [("Host", wire.authority), *alice.fields()]) * 2)
        heard = b""
        while len(heard) < 2 * len(HEADLESS[raw]):
            heard += sock.recv(65536)
        assert heard == HEADLESS[raw] * 2
        wire.close()
        assert_bobs_next_answer_is_his(hostile, wire, bob)


def test_over_http_2_an_answer_without_a_head_has_nginx_own():
    with running(RawDjango, https=True) as site:
        cookie = sign_in_with_curl(site)
        for raw in HEADLESS.values():
            site.backend.be_normal()
            site.backend.say(TARGET, raw, then_close=True)
            said = curl("--http2", f"{site.url}{TARGET}", cookie=cookie)
            head, _, body = said.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/2 ") and b"set-cookie" not in head.lower()
            assert body == raw


@pytest.mark.parametrize("raw", [name for name in BROKEN if BROKEN[name].startswith(HEAD)])
def test_a_poisoned_connection_to_django_is_not_the_next_ones(hostile, alice, bob, raw):
    """The same, but Django leaves the connection open for the next request to be mistaken."""
    hostile.backend.say(TARGET, BROKEN[raw])
    with Wire.to(hostile) as wire, Wire.to(hostile) as other:
        wire.connect().sendall(b"")
        sock = wire.connect()
        lines = [f"GET {TARGET} HTTP/1.1", f"Host: {wire.authority}"]
        lines += [f"{name}: {value}" for name, value in alice.fields()]
        seen = hostile.backend.seen_from_now()
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        until(lambda: seen(), 5, "Django has said its piece")
        assert_bobs_next_answer_is_his(hostile, other, bob)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_status_makes_nginx_ask_twice(hostile, alice, status, method):
    """490 and 492 are numbers that nginx uses for itself."""
    told = f"HTTP/1.1 {status} Told\r\nX-Accel-Redirect: /bff/session\r\n".encode()
    hostile.backend.say(TARGET, told + OK)
    seen = hostile.backend.seen_from_now()
    with Wire.to(hostile) as wire:
        answer = wire.call(method, TARGET, alice.fields(), b"" if method == "POST" else None)
    assert len(seen()) == 1, (status, answer)
    assert answer.status == (502 if status == 490 else status)
    assert_plain(answer)


def test_a_redirect_to_itself_is_not_followed(hostile, alice):
    told = f"HTTP/1.1 302 Found\r\nLocation: {TARGET}\r\n".encode()
    hostile.backend.say(TARGET, told + OK)
    seen = hostile.backend.seen_from_now()
    with Wire.to(hostile) as wire:
        answer = wire.call("GET", TARGET, alice.fields())
    assert (answer.status, answer.header("Location")) == (302, TARGET)
    assert len(seen()) == 1


def test_a_401_for_ever_costs_one_refresh_and_one_replay(hostile, alice):
    hostile.backend.say(TARGET, b"HTTP/1.1 401 No\r\nSet-Cookie: a=1\r\n" + OK)
    seen = hostile.backend.seen_from_now()
    with Wire.to(hostile) as wire:
        answer = wire.call("POST", TARGET, alice.fields(), b"x")
    assert (answer.status, answer.body) == (401, b"ok")
    assert_plain(answer)
    assert [request.target for request in seen()] == [TARGET, REFRESH, TARGET]
    alice.token = hostile.backend.issued("access", "alice")[-1]["token"].encode()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_bffds_words_count_nothing_in_djangos_mouth(hostile, alice, bob, method):
    """A 401 with all of them is refreshed and repeated like any other, with the token alone."""
    hostile.backend.say(TARGET, b"HTTP/1.1 401 No\r\n" + BFFDS_WORDS + OK)
    seen = hostile.backend.seen_from_now()
    with Wire.to(hostile) as wire:
        answer = wire.call(method, TARGET, alice.fields(), b"x" if method == "POST" else None)
        assert (answer.status, answer.body) == (401, b"ok")
        assert_plain(answer)
        before, _, after = seen()
        assert before.all("Authorization") == [b"Bearer " + alice.token]
        alice.token = hostile.backend.issued("access", "alice")[-1]["token"].encode()
        assert after.all("Authorization") == [b"Bearer " + alice.token]
        assert not [value for _, value in after.fields if b"planted" in value]
        assert_bobs_next_answer_is_his(hostile, wire, bob)


# What Django answers to a sign-in, which bffd reads and passes on.
SIGN_IN_HEADERS = [
    b"Location: /\rSet-Cookie: a=1", b"Location: /\x00", b"WWW-Authenticate: x\rSet-Cookie: a=1",
    b"Retry-After: 1\rSet-Cookie: a=1", b"Content-Type: text/html\rSet-Cookie: a=1",
    b"Content-Type: text/html\x01", b"Location: " + b"/" * 10_000,
    b"X-Accel-Redirect: /api/raw/accel", b"Set-Cookie: a=1", b"Authorization: Bearer a",
    b"X-Accel-Expires: 60", b"Status: 200 OK", b"Location: /\nSet-Cookie: a=1",
    b"WWW-Authenticate: \xff\xfe", b"Access-Control-Allow-Origin: *",
]


@pytest.mark.parametrize("header", SIGN_IN_HEADERS)
@pytest.mark.parametrize("status", [b"401 No", b"302 Found", b"200 OK"])
def test_a_sign_in_is_answered_with_nothing_that_django_made_up(hostile, header, status):
    body = b'{"detail": "no"}'
    hostile.backend.say(LOGIN, b"HTTP/1.1 %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s"
                        % (status, header, len(body), body))
    seen = hostile.backend.seen_from_now()
    answer = hostile.browser().sign_in()
    assert answer.status in (int(status[:3]), 502), answer
    assert_plain(answer)
    assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]
    for name, value in answer.fields:
        assert not [c for c in value if ord(c) < 0x20 or ord(c) == 0x7F], (name, value)
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert [request.target for request in seen()] == [LOGIN]


def login_answer(site, value, *headers):
    body = json.dumps(value).encode()
    head = b"".join(header + b"\r\n" for header in headers)
    site.backend.say(LOGIN, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s"
                     b"Content-Length: %d\r\n\r\n%s" % (head, len(body), body))


ODD_PLACES = [
    lambda t: {"again": t["access"]},
    lambda t: {"again": [{"deep": t["refresh"]}]},
    lambda t: {t["access"]: "as a name"},
    lambda t: {"text": f"your token is {t['refresh']}."},
    lambda t: {"another": t["other"]},
    lambda t: {"id_token": t["other"]},
]


@pytest.mark.parametrize("place", ODD_PLACES)
def test_a_sign_in_whose_answer_has_a_token_too_many_is_refused(hostile, place):
    """Its session would be none: the page would have what opens the API without it."""
    tokens = {kind: hostile.backend.issued("access", "alice")[-1]["token"]
              for kind in ("access", "refresh", "other")}
    hostile.signed_in("carol", "carroll")
    tokens["refresh"] = hostile.backend.issued("refresh", "carol")[-1]["token"]
    tokens["access"] = hostile.backend.issued("access", "carol")[-1]["token"]
    login_answer(hostile, {"access": tokens["access"], "refresh": tokens["refresh"], **place(tokens)})
    answer = hostile.browser().sign_in()
    assert (answer.status, answer.code) == (502, "backend_unreadable"), answer
    assert not answer.all("Set-Cookie")


@pytest.mark.parametrize("header", ["Location: /?t={}", "WWW-Authenticate: Bearer {}",
                                    "Retry-After: {}", "Content-Type: application/json; t={}"])
def test_a_sign_in_whose_headers_have_a_token_is_refused(hostile, header):
    hostile.signed_in("carol", "carroll")
    tokens = {kind: hostile.backend.issued(kind, "carol")[-1]["token"]
              for kind in ("access", "refresh")}
    login_answer(hostile, tokens, header.format(tokens["access"]).encode())
    answer = hostile.browser().sign_in()
    assert (answer.status, answer.code) == (502, "backend_unreadable"), answer


# Every layer's own answers.

def assert_own(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer
    document = answer.json()
    assert set(document) == {"type", "title", "status", "code", "request_id"}, document
    assert (document["type"], document["status"]) == ("about:blank", status)
    assert len(document["request_id"]) == 32 and document["title"].endswith(".")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "same-origin"
    assert (answer.header("Retry-After") is not None) == (status in (429, 503))


CANARY = "canary-8c1f"
OWN_ANSWERS = {
    "broken": ("GET", "/api/x", [("Content-Length", "-1")], None, 400, "bad_request"),
    "header too long": ("GET", "/api/" + CANARY, [("X-A", CANARY * 4000)], None, 400, "bad_request"),
    "cookie too long": ("GET", "/api/x", [("Cookie", CANARY * 4000)], None, 400, "bad_request"),
    "target too long": ("GET", "/" + CANARY * 4000, [], None, 414, "bad_request"),
    "dots": ("GET", f"/api/{CANARY}/../x", [], None, 400, "bad_request"),
    "TRACE": ("TRACE", "/api/x", [("X-A", CANARY)], None, 405, "method_not_allowed"),
    "TRACE of ours": ("TRACE", "/bff/login", [("X-A", CANARY)], None, 405, "method_not_allowed"),
    "coding": ("POST", "/api/x", [("Transfer-Encoding", CANARY)], None, 501, "bad_request"),
    "POST of the page": ("POST", "/" + CANARY, [], b"", 405, "method_not_allowed"),
    "nobody": ("GET", f"/api/{CANARY}", [], None, 401, "not_authenticated"),
    "foreign": ("POST", f"/api/{CANARY}", [("Origin", f"http://{CANARY}")], b"", 403, "csrf_failed"),
    "login foreign": ("POST", "/bff/login", [("Origin", "null")], b"", 403, "csrf_failed"),
    "login GET": ("GET", "/bff/login", [], None, 405, "method_not_allowed"),
    "login too large": ("POST", "/bff/login", [("X-CSRF", "1")], b"a" * 70_000, 413,
                        "body_too_large"),
    "unknown": ("GET", "/bff/" + CANARY, [], None, 404, "not_found"),
    "token endpoint": ("POST", f"/api/token/{CANARY}", [("X-CSRF", "1")], b"", 404,
                       "token_endpoint"),
    "token endpoint too large": ("POST", "/api/token/", [("X-CSRF", "1")], b"a" * 70_000, 413,
                                 "body_too_large"),
}


@pytest.mark.parametrize("case", OWN_ANSWERS)
def test_what_is_refused_is_told_in_the_documented_words_and_no_others(site, case):
    method, target, fields, body, status, code = OWN_ANSWERS[case]
    seen = site.backend.seen_from_now()
    with Wire.to(site) as wire:
        answer = wire.call(method, target, fields, body)
    assert_own(answer, status, code)
    assert CANARY.encode() not in answer.body
    assert seen() == []


def test_with_redis_gone_bffd_says_so_and_nothing_else(site, alice):
    site.stack.redis.stop()
    try:
        with Wire.to(site) as wire:
            fields = alice.fields()
            until(lambda: wire.call("GET", "/bff/session", fields).status == 503, 10, "it is gone")
            for method, target in (("GET", "/bff/session"), ("POST", "/bff/logout"),
                                   ("GET", "/api/x"), ("POST", "/bff/login")):
                body = b'{"username": "alice", "password": "x"}' if method == "POST" else None
                answer = wire.call(method, target, fields, body)
                assert_own(answer, 503, "session_store_unavailable")
    finally:
        site.stack.redis.start()


def test_with_bffd_gone_nginx_says_so_and_nothing_else():
    with running(RawDjango, login_rate=100_000) as site:
        cookie = site.signed_in().cookie
        site.stack.bffd.stop()
        seen = site.backend.seen_from_now()
        with Wire.to(site) as wire:
            fields = [("Sec-Fetch-Site", "same-origin"), ("Cookie", f"{COOKIE_NAME}={cookie}")]
            for method, target in (("GET", "/bff/session"), ("POST", "/bff/logout"),
                                   ("GET", "/api/x"), ("POST", "/api/x"), ("POST", "/bff/login"),
                                   ("POST", "/api/token/"), ("GET", "/bff/x")):
                answer = wire.call(method, target, fields, b"" if method == "POST" else None)
                assert_own(answer, 503, "bff_unavailable")
        assert seen() == []


# nginx cannot tell its own 413, 502 and 504 of an API call from Django's: these are its plain pages,
# in which there is nothing of a request.
PLAIN_PAGE = (b"<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n"
              b"<hr><center>nginx%s</center>\r\n</body>\r\n</html>\r\n")


def assert_nginx_page(answer, words, version):
    assert answer.body == PLAIN_PAGE % (words, words, version), answer
    assert_plain(answer)


def test_nginx_own_pages_of_an_api_call_show_nothing(hostile):
    alice = Asker(hostile, "alice", "wonderland")
    hostile.backend.say(TARGET, b"", then_close=True)
    with Wire.to(hostile) as wire:
        answer = wire.call("GET", TARGET + CANARY, alice.fields())
        version = answer.header("Server").partition("nginx")[2].encode()
        assert_nginx_page(answer, b"502 Bad Gateway", version)
        too_large = [("Content-Length", str(10**12))]
        answer = wire.call("POST", TARGET + CANARY, [*alice.fields(), *too_large])
        assert_nginx_page(answer, b"413 Request Entity Too Large", version)


def test_over_https_the_version_of_nginx_is_nobodys_business():
    with running(RawDjango, https=True) as site:
        said = curl("--http1.1", f"{site.url}/api/x").decode()
        assert "Server: nginx\r\n" in said
        assert "Strict-Transport-Security: max-age=31536000" in said
