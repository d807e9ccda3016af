"""What nginx carries between browser and Django without a word from bffd."""

import gzip
import hashlib
import time
import urllib.parse

import pytest
import websocket

from client import COOKIE_NAME, Exchange, RecordedSocket, curl
from fullsite import FakeBackend, running

SIZE = 3_000_000


@pytest.fixture(scope="module")
def socket_site():
    with running(FakeBackend) as odd:
        yield odd


@pytest.fixture(scope="module")
def secure_site():
    with running(https=True) as secure:
        yield secure


def open_websocket(browser, **fields):
    """A handshake over a socket whose bytes are kept, from a page of our own site."""
    fields = {"Sec-Fetch-Site": "same-origin", **fields}
    return websocket.create_connection(
        f"ws://{browser.host}:{browser.port}/api/ws/",
        socket=RecordedSocket.connect_to(browser.host, browser.port),
        origin=browser.origin,
        cookie=f"{COOKIE_NAME}={browser.cookie}",
        header=[f"{name}: {value}" for name, value in fields.items()],
    )


def test_events_of_a_stream_arrive_as_they_are_sent(site):
    browser, arrivals = site.signed_in(), []
    with browser.open("GET", "/api/stream/?count=4&interval=0.4") as exchange:
        assert exchange.status == 200
        assert exchange.header("Content-Type").startswith("text/event-stream")
        for line in exchange.lines():
            if line.startswith("id: "):
                arrivals.append(time.monotonic())
    gaps = [later - sooner for sooner, later in zip(arrivals, arrivals[1:])]
    assert len(gaps) == 3 and min(gaps) > 0.2, gaps


def test_a_websocket_passes_both_ways_with_the_token_attached(socket_site):
    connection = open_websocket(socket_site.signed_in())
    assert connection.recv() == "Bearer"
    for message in ("hello", "x" * 100_000):
        connection.send(message)
        assert connection.recv() == message
    connection.send_binary(bytes(range(256)))
    assert connection.recv() == bytes(range(256))
    connection.close()


def test_a_websocket_carries_the_sessions_own_token(socket_site):
    browser = socket_site.signed_in()
    access = socket_site.backend.issued("access", "alice")[-1]
    connection = open_websocket(browser, Authorization="Bearer of-the-browser")
    connection.recv()
    connection.close()
    handshake = dict(socket_site.backend.begun()[-1]["headers"])
    assert handshake["Authorization"] == f"Bearer {access['token']}"
    assert "Cookie" not in handshake


def test_a_websocket_without_a_session_is_refused(socket_site):
    before = len(socket_site.backend.begun())
    browser = socket_site.browser(cookie="A" * 43)
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        open_websocket(browser)
    assert refusal.value.status_code == 401
    assert len(socket_site.backend.begun()) == before


def test_head_answers_with_the_fields_of_a_get_and_no_body(site):
    answer = site.signed_in().send("HEAD", f"/api/download/?size={SIZE}")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("Content-Length") == str(SIZE)


def test_the_body_that_gunicorn_sends_for_head_never_reaches_the_next_asker(site):
    alice, bob = site.signed_in(), site.signed_in("bob", "builder")
    for _ in range(30):
        assert alice.send("HEAD", "/api/whoami/").status == 200
        assert bob.get("/api/whoami/").json()["username"] == "bob"


def test_options_is_answered_by_django(site):
    answer = site.signed_in().send("OPTIONS", "/api/tasks/")
    assert answer.status == 200
    assert {method.strip() for method in answer.header("Allow").split(",")} >= {"GET", "POST"}


def test_a_download_arrives_whole(site):
    browser = site.signed_in()
    whole = browser.get(f"/api/download/?size={SIZE}")
    assert (whole.status, len(whole.body)) == (200, SIZE)
    first = browser.get(f"/api/download/?size={SIZE}", {"Range": "bytes=0-999999"})
    rest = browser.get(f"/api/download/?size={SIZE}", {"Range": "bytes=1000000-"})
    assert first.status == rest.status == 206
    assert rest.header("Content-Range") == f"bytes 1000000-{SIZE - 1}/{SIZE}"
    digest = hashlib.sha256(first.body + rest.body).hexdigest()
    assert digest == hashlib.sha256(whole.body).hexdigest()


def test_a_range_that_cannot_be_is_djangos_416(site):
    answer = site.signed_in().get("/api/download/?size=10", {"Range": "bytes=99-"})
    assert answer.status == 416
    assert answer.header("Content-Range") == "bytes */10"


def test_a_204_passes_without_a_body(site):
    answer = site.signed_in().get("/api/empty/")
    assert (answer.status, answer.body) == (204, b"")


def test_a_304_passes_for_what_the_browser_has(site):
    browser = site.signed_in()
    etag = browser.get("/api/notmodified/").header("ETag")
    assert etag
    answer = browser.get("/api/notmodified/", {"If-None-Match": etag})
    assert (answer.status, answer.body, answer.header("ETag")) == (304, b"", etag)


def test_a_redirect_passes_unfollowed_and_leads_back_through_nginx(site):
    browser = site.signed_in()
    answer = browser.get("/api/redirect/")
    assert answer.status == 302
    target = urllib.parse.urljoin(browser.origin, answer.header("Location"))
    assert target == browser.origin + "/api/whoami/"


@pytest.mark.parametrize(
    "path, status", [("forbidden", 403), ("missing", 404), ("broken", 500)]
)
def test_an_error_of_django_passes_as_it_is(site, path, status):
    calls = site.backend.calls_from_now()
    answer = site.signed_in().get(f"/api/{path}/")
    assert answer.status == status
    assert answer.code is None
    assert calls.statuses(f"/api/{path}/") == [status]
    if status == 500:
        assert answer.header("Content-Type").startswith("text/html")


def test_pages_of_a_list_link_to_addresses_that_the_browser_can_follow(site):
    browser = site.signed_in("bob", "builder")
    for n in range(3):
        assert browser.post("/api/tasks/", {"title": f"task {n}"}).status == 201
    first = browser.get("/api/tasks/?page_size=2").json()
    assert first["next"].startswith(browser.origin + "/api/tasks/")
    second = browser.get(first["next"][len(browser.origin) :]).json()
    assert second["count"] == 3 and len(second["results"]) == 1


def test_a_multipart_upload_arrives_whole(site):
    content = hashlib.sha256(b"seed").digest() * 50_000
    head = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
    answer = site.signed_in().send(
        "POST",
        "/api/upload/",
        {"Content-Type": "multipart/form-data; boundary=edge"},
        head + content + b"\r\n--edge--\r\n",
    )
    assert answer.json() == {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_a_chunked_upload_reaches_django_with_its_length(site):
    """Under WSGI a chunked body would be an empty one: nginx gives it a Content-Length."""
    browser = site.signed_in()
    chunked = [("Transfer-Encoding", "chunked")]
    with browser.begin("POST", "/api/upload/", chunked) as sock:
        sock.sendall(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        answer = Exchange(sock).answer()
    assert answer.json()["sha256"] == hashlib.sha256(b"hello world").hexdigest()


def test_a_compressed_body_is_not_unpacked_on_the_way(site):
    packed = gzip.compress(b"x" * 1000)
    seen = site.signed_in().echo("POST", {"Content-Encoding": "gzip"}, packed)
    assert seen["body_sha256"] == hashlib.sha256(packed).hexdigest()
    assert seen["headers"]["Content-Encoding"] == "gzip"


def test_many_requests_over_one_connection_are_each_authorized(site):
    browser = site.signed_in()
    with browser.begin("GET", "/api/whoami/") as sock:
        assert Exchange(sock).answer().json()["username"] == "alice"
        for cookie, status in ((browser.cookie, 200), (None, 401), (browser.cookie, 200)):
            line = f"Cookie: {COOKIE_NAME}={cookie}\r\n" if cookie else ""
            host = f"Host: {browser.host}:{browser.port}\r\n"
            sock.sendall(f"GET /api/whoami/ HTTP/1.1\r\n{host}{line}\r\n".encode())
            assert Exchange(sock).answer().status == status


def test_http2_works_from_signing_in_to_signing_out(secure_site):
    url = secure_site.url
    credentials = '{"username":"alice","password":"wonderland"}'
    page = ["--http2", "--header", "Sec-Fetch-Site: same-origin"]
    json = ["--header", "Content-Type: application/json"]
    signed_in = curl(*page, *json, "--data", credentials, url + "/bff/login").decode()
    assert signed_in.startswith("HTTP/2 200")
    cookie = signed_in.split(COOKIE_NAME + "=")[1].split(";")[0]
    called = curl(*page, url + "/api/whoami/", cookie=cookie).decode()
    assert called.startswith("HTTP/2 200") and '"username":"alice"' in called
    secure_site.backend.revoke_access("alice")
    posted = curl(
        *page, *json, "--data", '{"title":"two"}', url + "/api/tasks/", cookie=cookie
    ).decode()
    assert posted.startswith("HTTP/2 201")
    left = curl(*page, "--request", "POST", url + "/bff/logout", cookie=cookie).decode()
    assert left.startswith("HTTP/2 204")
    refused = curl(*page, url + "/api/whoami/", cookie=cookie).decode()
    assert refused.startswith("HTTP/2 401")


def test_over_https_django_is_told_so(secure_site):
    page = ["--http2", "--header", "Sec-Fetch-Site: same-origin"]
    signed_in = curl(
        *page,
        "--data",
        "username=alice&password=wonderland",
        secure_site.url + "/bff/login",
    ).decode()
    cookie = signed_in.split(COOKIE_NAME + "=")[1].split(";")[0]
    echoed = curl(*page, secure_site.url + "/api/echo/", cookie=cookie).decode()
    assert '"X-Forwarded-Proto":"https"' in echoed
