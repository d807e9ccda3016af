"""What a browser is to the site: its cookies, and bytes going to and fro.

Requests are written byte by byte over a socket of our own, because http clients tidy away what is
tested here (duplicate headers, a Secure cookie over plain http, hop-by-hop headers). Every byte
that a client receives, by whatever means, passes through `received`, and is searched for tokens at
the end of each module (site_fixtures.py).
"""

import contextlib
import json
import socket
import subprocess
import threading
import time
import urllib.parse

COOKIE_NAME, PENDING_NAME = "__Host-session", "__Host-pending"
ANSWER_SECONDS = 30


class Received:
    """Every byte that any client has seen, connection by connection."""

    def __init__(self):
        self._lock = threading.Lock()
        self._conversations = []

    def conversation(self):
        heard = bytearray()
        with self._lock:
            self._conversations.append(heard)
        return heard

    def add(self, data):
        self.conversation().extend(data)

    def take(self):
        with self._lock:
            taken, self._conversations = self._conversations, []
        return b"\n".join(bytes(heard) for heard in taken)


received = Received()


class RecordedSocket(socket.socket):
    """A connected socket whose received bytes are kept."""

    @classmethod
    def connect_to(cls, host, port, timeout=ANSWER_SECONDS):
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, socket.AF_INET, socket.SOCK_STREAM
        )[0]
        self = cls(family, kind, protocol)
        self.heard = received.conversation()
        self.settimeout(timeout)
        self.connect(address)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def recv(self, *args):
        data = super().recv(*args)
        self.heard.extend(data)
        return data


class Answer:
    """A complete answer: status, header fields as they came, body."""

    def __init__(self, status, fields, body=b""):
        self.status, self.fields, self.body = status, fields, body

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The `code` of a problem document; None for anything else."""
        if (self.header("Content-Type") or "").split(";")[0] != "application/problem+json":
            return None
        return self.json()["code"]

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:500]!r}>"


class Exchange:
    """One request on its way: the head is read at once, the body as it comes."""

    def __init__(self, sock, head_only=False):
        self._sock, self._buffer, self._head_only = sock, b"", head_only
        self.status, self.fields = self._read_head()
        self.arrived = time.monotonic()

    def _more(self):
        data = self._sock.recv(262144)
        self._buffer += data
        return data

    def _line(self):
        while b"\r\n" not in self._buffer:
            if not self._more():
                raise ConnectionError(f"the connection ended after {self._buffer!r}")
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def _read_head(self):
        # The space before the phrase is part of a status line even if there is none (RFC 9112, 4).
        version, status, _ = self._line().split(b" ", 2)
        assert version == b"HTTP/1.1", version
        fields = []
        while line := self._line():
            name, value = line.split(b":", 1)
            fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        if status == b"100":
            return self._read_head()
        return int(status), fields

    def header(self, name):
        return Answer(self.status, self.fields).header(name)

    def pieces(self):
        """The body as it arrives; ends where the framing (RFC 9112, section 6) says."""
        if self._head_only or self.status in (101, 204, 304):
            return
        if (self.header("Transfer-Encoding") or "").lower() == "chunked":
            yield from self._chunks()
        elif self.header("Content-Length") is not None:
            yield from self._counted(int(self.header("Content-Length")))
        else:
            yield from self._until_close()

    def _counted(self, left):
        while left:
            if not self._buffer and not self._more():
                raise ConnectionError(f"the connection ended with {left} bytes missing")
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(piece)
            yield piece

    def _chunks(self):
        while size := int(self._line().split(b";")[0], 16):
            yield from self._counted(size)
            assert self._line() == b""
        while self._line():
            pass

    def _until_close(self):
        while self._buffer or self._more():
            piece, self._buffer = self._buffer, b""
            yield piece

    def lines(self):
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line.rstrip(b"\r").decode() for line in whole)

    def answer(self):
        return Answer(self.status, self.fields, b"".join(self.pieces()))

    def close(self):
        self._sock.close()


class Browser:
    """A page of our own site in a browser: same-origin requests, and the cookies it was given."""

    def __init__(self, url, cookie=None, pending=None):
        self.origin = url.rstrip("/")
        parts = urllib.parse.urlsplit(self.origin)
        self.host, self.port = parts.hostname, parts.port
        self.cookie, self.pending = cookie, pending

    def twin(self):
        """Another tab: the same cookies."""
        return Browser(self.origin, self.cookie, self.pending)

    def cookies(self):
        held = {COOKIE_NAME: self.cookie, PENDING_NAME: self.pending}
        return "; ".join(f"{name}={value}" for name, value in held.items() if value)

    def fields(self, extra=(), *, cookie=True, site="same-origin", origin=True):
        fields = [("Host", f"{self.host}:{self.port}"), ("Accept", "*/*")]
        if site is not None:
            fields.append(("Sec-Fetch-Site", site))
        if origin:
            fields.append(("Origin", self.origin if origin is True else origin))
        if cookie and self.cookies():
            fields.append(("Cookie", self.cookies()))
        return fields + list(extra.items() if isinstance(extra, dict) else extra)

    def begin(self, method, path, fields=(), body=None, **as_browser):
        """Send a request; nothing is read yet."""
        sock = RecordedSocket.connect_to(self.host, self.port)
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.fields(fields, **as_browser)]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        if body:
            sock.sendall(body)
        return sock

    @contextlib.contextmanager
    def open(self, method, path, fields=(), body=None, **as_browser):
        """An answer to be read piece by piece."""
        with self.begin(method, path, fields, body, **as_browser) as sock:
            yield Exchange(sock, head_only=method == "HEAD")

    def send(self, method, path, fields=(), body=None, **as_browser):
        with self.open(method, path, fields, body, **as_browser) as exchange:
            answer = exchange.answer()
        self._obey(answer)
        return answer

    def _obey(self, answer):
        for value in answer.all("Set-Cookie"):
            name, _, rest = value.partition("=")
            if name == COOKIE_NAME:
                self.cookie = rest.split(";")[0] or None
            if name == PENDING_NAME:
                self.pending = rest.split(";")[0] or None

    def get(self, path, fields=(), **as_browser):
        return self.send("GET", path, fields, **as_browser)

    def post(self, path, value=None, fields=(), **as_browser):
        body = b"" if value is None else json.dumps(value).encode()
        return self.send(
            "POST", path, [("Content-Type", "application/json"), *fields], body, **as_browser
        )

    def sign_in(self, user="alice", password="wonderland", **as_browser):
        return self.post("/bff/login", {"username": user, "password": password}, **as_browser)

    def sign_out(self, **as_browser):
        return self.send("POST", "/bff/logout", body=b"", **as_browser)

    def echo(self, method="GET", fields=(), body=None, query="", **as_browser):
        """What Django received."""
        answer = self.send(method, f"/api/echo/{query}", fields, body, **as_browser)
        assert answer.status == 200, answer
        return answer.json()

    def session(self):
        return self.get("/bff/session").json()


def at_once(count, act):
    """`act(i)` in `count` threads that start together; the results in order."""
    gate, results = threading.Barrier(count), [None] * count

    def run(i):
        gate.wait()
        try:
            results[i] = act(i)
        except Exception as error:  # shown by whoever looks at the result
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class InFlight:
    """Requests that have been sent and are not answered yet."""

    def __init__(self):
        self._threads, self.answers = [], []

    def send(self, act):
        def run():
            try:
                self.answers.append(act())
            except Exception as error:  # counted like any other outcome
                self.answers.append(error)

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def __len__(self):
        return len(self._threads)

    def statuses(self):
        for thread in self._threads:
            thread.join()
        return [getattr(answer, "status", answer) for answer in self.answers]


def curl(*arguments, cookie=None, timeout=ANSWER_SECONDS):
    """curl's standard output, with answers' heads; what it received is searched like all else."""
    command = ["curl", "--silent", "--show-error", "--insecure", "--include", *arguments]
    if cookie:
        command += ["--header", f"Cookie: {COOKIE_NAME}={cookie}"]
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=True)
    received.add(done.stdout)
    return done.stdout
