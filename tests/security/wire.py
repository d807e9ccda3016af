"""Requests as bytes, over a connection that is kept for as long as the server keeps it."""

from client import COOKIE_NAME, Exchange, RecordedSocket, curl


def message(method, target, fields, body=None):
    """The bytes of a request. Names and values may be str or bytes, and anything at all."""
    def raw(text):
        return text if isinstance(text, bytes) else text.encode("latin-1")

    lines = [raw(f"{method} ") + raw(target) + b" HTTP/1.1"]
    lines += [raw(name) + b": " + raw(value) for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


class Wire:
    """One client's connection. It is made anew where the server has closed it between two requests
    or says that it will."""

    def __init__(self, host, port):
        self.host, self.port, self._sock = host, port, None
        self.connections = 0

    @classmethod
    def to(cls, site):
        browser = site.browser()
        return cls(browser.host, browser.port)

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._sock:
            self._sock.close()
        self._sock = None

    def connect(self):
        self.close()
        self._sock = RecordedSocket.connect_to(self.host, self.port)
        self.connections += 1
        return self._sock

    def _exchange(self, data, head_only):
        (self._sock or self.connect()).sendall(data)
        exchange = Exchange(self._sock, head_only)
        answer = exchange.answer()
        if (exchange.header("Connection") or "").lower() == "close":
            self.close()
        return answer

    def ask(self, data, head_only=False):
        """The answer to one request. Only one that met a connection closed meanwhile is repeated."""
        kept = self._sock is not None
        try:
            return self._exchange(data, head_only)
        except ConnectionError:
            self.close()
            if not kept:
                raise
            return self._exchange(data, head_only)

    def call(self, method, target, fields=(), body=None, host=True):
        own = [("Host", self.authority)] if host else []
        return self.ask(message(method, target, [*own, *fields], body), method == "HEAD")


def sign_in_with_curl(site):
    """alice's cookie, over HTTP/2."""
    said = curl("--http2", "--header", "Sec-Fetch-Site: same-origin", "--data",
                "username=alice&password=wonderland", f"{site.url}/bff/login").decode()
    return said.split(COOKIE_NAME + "=")[1].split(";")[0]
