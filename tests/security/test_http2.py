"""The same over HTTP/2, frame by frame: what a request line could not say, pseudo-headers can."""

import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest

from asker import Asker
from client import COOKIE_NAME, received
from raw_django import RAW, RawDjango
from test_requests import LIE, NEVER, OURS, assert_truthful
from wire import sign_in_with_curl

SITE = {"backend": RawDjango, "https": True, "env": {"access_seconds": 600}}

TARGET = RAW + "x/"
REFUSED = "refused"


class Connection:
    """One HTTP/2 connection whose outgoing headers nobody checks."""

    def __init__(self, port):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.port = port
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding=None, validate_outbound_headers=False,
            normalize_outbound_headers=False, validate_inbound_headers=False,
        ))
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def authority(self):
        return f"localhost:{self.port}"

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def pseudo(self, **changed):
        fields = {"method": "GET", "scheme": "https", "authority": self.authority, "path": TARGET}
        return [(f":{name}", value) for name, value in {**fields, **changed}.items()
                if value is not None]

    def begin(self, fields, body=None):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, fields, end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        return stream

    def answers(self, streams):
        """{stream: (status, body)}, or REFUSED for those that were reset, or if all is over."""
        open_streams, found = set(streams), {stream: [None, b""] for stream in streams}
        self.flush()
        while open_streams:
            try:
                data = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                data = b""
            received.add(data)
            if not data:
                break
            for event in self.h2.receive_data(data):
                self.take(event, found, open_streams)
            self.flush()
        return {stream: REFUSED if stream in open_streams or status is None else (status, body)
                for stream, (status, body) in found.items()}

    def take(self, event, found, open_streams):
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ConnectionTerminated):
            return
        if stream not in found:
            return
        if isinstance(event, h2.events.ResponseReceived):
            found[stream][0] = int(dict(event.headers)[b":status"])
        elif isinstance(event, h2.events.DataReceived):
            found[stream][1] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamReset):
            found[stream][0] = None
            open_streams.discard(stream)
        elif isinstance(event, h2.events.StreamEnded):
            open_streams.discard(stream)

    def ask(self, fields, body=None):
        stream = self.begin(fields, body)
        return self.answers([stream])[stream]


class H2Asker(Asker):
    def __init__(self, site):
        self.cookie = sign_in_with_curl(site)
        self.token = site.backend.issued("access", "alice")[-1]["token"].encode()

    def fields(self, *more):
        own = [("sec-fetch-site", "same-origin"), ("cookie", f"{COOKIE_NAME}={self.cookie}")]
        return [*own, *more]


@pytest.fixture(scope="module")
def alice(site):
    return H2Asker(site)


def try_fields(site, asker, pseudo, *more, body=None):
    """What came of a request on a connection of its own. What Django saw is the truth."""
    seen = site.backend.seen_from_now()
    with Connection(site.stack.nginx.port) as connection:
        fields = connection.pseudo(**pseudo) + asker.fields(*more)
        try:
            outcome = connection.ask(fields, body)
        except h2.exceptions.ProtocolError:
            outcome = REFUSED
        for request in seen():
            assert_truthful(request, asker, connection.authority, "https")
    return outcome, seen()


def test_a_plain_request_passes(site, alice):
    outcome, seen = try_fields(site, alice, {})
    assert outcome == (200, b"{}") and len(seen) == 1


def test_no_spelling_of_a_header_that_is_ours_comes_from_a_client(site, alice):
    names = sorted(OURS - {"HOST", "CONTENT_LENGTH", "CONNECTION", "UPGRADE"} | set(NEVER)
                   - {"COOKIE", "TRANSFER_ENCODING", "TE", "KEEP_ALIVE", "PROXY_CONNECTION"})
    with Connection(site.stack.nginx.port) as connection:
        seen = site.backend.seen_from_now()
        lies = [(name.lower().replace("_", "-"), LIE) for name in names]
        lies += [(name.lower(), LIE) for name in names]
        fields = alice.fields(*dict.fromkeys(lies))
        assert connection.ask(connection.pseudo() + fields) == (200, b"{}")
        (request,) = seen()
        assert_truthful(request, alice, connection.authority, "https")


HOP_BY_HOP = [("connection", "authorization"), ("transfer-encoding", "chunked"), ("te", "gzip"),
              ("upgrade", "websocket"), ("keep-alive", "1"), ("proxy-connection", "close"),
              ("X-Forwarded-For", LIE), ("Authorization", LIE), (":authority", "evil.example"),
              (":path", "/api/token/"), (":method", "DELETE"), (":none", "x"), ("", LIE),
              ("x-forwarded-for ", LIE), (" x-forwarded-for", LIE), ("x-forwarded-for:", LIE),
              ("x\x00forwarded-for", LIE), ("x-a\r\nx-forwarded-for", LIE)]


@pytest.mark.parametrize("name, value", HOP_BY_HOP)
def test_a_field_that_http_2_does_not_know_changes_nothing(site, alice, name, value):
    outcome, seen = try_fields(site, alice, {}, (name, value))
    assert outcome == REFUSED or outcome[0] in (200, 400)
    assert len(seen) == (1 if outcome != REFUSED and outcome[0] == 200 else 0)


@pytest.mark.parametrize("byte", [0, 9, 10, 11, 13, 127, 128, 255])
@pytest.mark.parametrize("name", ["user-agent", "cookie", "x-forwarded-for", "referer"])
def test_a_byte_in_a_value_begins_no_other_header(site, alice, byte, name):
    """HTTP/2 counts its lengths: a line feed could stand in a value, and must not come out as one."""
    value = b"a" + bytes([byte]) + b"X-Forwarded-For: " + LIE.encode()
    outcome, seen = try_fields(site, alice, {}, (name, value))
    assert outcome == REFUSED or outcome[0] in (200, 400, 401)


PSEUDO = [{"path": ""}, {"path": "*"}, {"path": "http://evil.example" + TARGET}, {"path": "api/raw/x"},
          {"path": TARGET + " HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"}, {"path": None},
          {"method": "GET /api/token/ HTTP/1.1\r\nHost: x"}, {"method": "TRACE"}, {"method": ""},
          {"method": None}, {"scheme": None}, {"authority": "evil/../x"}, {"authority": ""},
          {"path": "/api/raw/../token/"}, {"path": "//evil" + TARGET}, {"method": "CONNECT"}]


@pytest.mark.parametrize("pseudo", PSEUDO, ids=repr)
def test_a_pseudo_header_is_one_word(site, alice, pseudo):
    outcome, seen = try_fields(site, alice, pseudo)
    assert outcome == REFUSED or outcome[0] in (200, 400, 404, 405), outcome
    for request in seen:
        assert request.target.startswith(("/api/raw/", "//evil")), request
        assert request.method == "GET" and b"\r" not in request.line[:-1]


def test_a_length_that_is_not_the_body_s_is_refused(site, alice):
    for length, body in (("2", b"abcd"), ("9", b"abcd"), ("0", b"abcd")):
        outcome, seen = try_fields(site, alice, {"method": "POST"}, ("content-length", length),
                                   body=body)
        assert outcome == REFUSED or outcome[0] == 400, (length, outcome)
        assert seen == [], length


def test_streams_of_one_connection_have_each_their_own_identity(site, alice):
    """A hundred at once, by turns of two sessions and of nobody."""
    other, seen = H2Asker(site), site.backend.seen_from_now()
    with Connection(site.stack.nginx.port) as connection:
        askers = {}
        for i in range(99):
            asker = (alice, other, None)[i % 3]
            own = asker.fields() if asker else [("sec-fetch-site", "same-origin")]
            stream = connection.begin(connection.pseudo(path=f"{TARGET}{i}/") + own)
            askers[stream] = (i, asker)
        answers = connection.answers(list(askers))
        for stream, (_, asker) in askers.items():
            assert answers[stream][0] == (200 if asker else 401)
        by_number = dict(askers.values())
        requests = [request for request in seen() if request.target.startswith(TARGET)]
        assert len(requests) == 66
        for request in requests:
            asker = by_number[int(request.target.split("/")[-2])]
            assert_truthful(request, asker, connection.authority, "https")


def test_h2c_opens_no_tunnel_past_bffd(site, alice):
    """An upgrade to HTTP/2 in clear text, which some proxies pass on to what stands behind them."""
    outcome, seen = try_fields(site, alice, {}, ("http2-settings", "AAMAAABkAAQAAP__"))
    assert outcome == (200, b"{}")
    assert not seen[0].all("Upgrade") and seen[0].all("Connection") in ([], [b"close"])
