"""Many users at once over kept connections, and a note of every answer."""

import asyncio
import contextlib
import json
import math
import threading
import time
from urllib.parse import urlsplit

from facts import Seen
from vault import session_tag

COOKIE = b"__Host-session="


class Line(asyncio.Protocol):
    """One kept connection to a site; a request at a time."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.address = parts.hostname, parts.port
        self._head = f"Host: {parts.netloc}\r\nSec-Fetch-Site: same-origin\r\n".encode()
        self._transport, self._heard, self._answer = None, b"", None
        self.repeated = 0

    async def connect(self):
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self.address[1])

    def connection_made(self, transport):
        self._transport = transport

    def connection_lost(self, error):
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed without an answer"))

    def data_received(self, data):
        self._heard += data
        head, blank, body = self._heard.partition(b"\r\n\r\n")
        if blank and self._is_whole(head.lower(), body) and not self._answer.done():
            self._answer.set_result((int(head[9:12]), head, body))

    @staticmethod
    def _is_whole(head, body):
        if b"\r\ntransfer-encoding: chunked" in head:
            return body.endswith(b"0\r\n\r\n")
        _, named, rest = head.partition(b"\r\ncontent-length: ")
        return not named or len(body) >= int(rest.partition(b"\r\n")[0])

    async def request(self, method, path, cookie=None, body=None):
        """(status, head, body); the body may be in chunks. A server may close a kept connection at
        any time: as browsers do, a GET that met with no answer there is sent once more on a new one
        (RFC 9112, 9.3.1)."""
        parts = [f"{method} {path} HTTP/1.1\r\n".encode(), self._head]
        if cookie:
            parts.append(b"Cookie: " + COOKIE + cookie.encode() + b"\r\n")
        if body is not None:
            kind = b"Content-Type: application/json\r\n"
            parts.append(kind + f"Content-Length: {len(body)}\r\n".encode())
        message = b"".join(parts) + b"\r\n" + (body or b"")
        is_kept = self._transport is not None and not self._transport.is_closing()
        if is_kept and method == "GET":
            with contextlib.suppress(ConnectionError):
                return await self._exchange(message)
            if self._heard:
                raise ConnectionError("closed within an answer")
            self.repeated += 1
            is_kept = False
        if not is_kept:
            await self.connect()
        return await self._exchange(message)

    async def _exchange(self, message):
        self._heard = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await asyncio.wait_for(self._answer, 60)

    def close(self):
        if self._transport:
            self._transport.abort()


def _field(head, name):
    """The value of a field of an answer's head, or None."""
    _, named, rest = head.lower().partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0].decode() if named else None


class Visitor:
    def __init__(self, user):
        self.user, self.cookie, self.tag = user, None, None

    async def sign_in(self, line, patience_s=0):
        """For so long he tries again when he is told to."""
        body = json.dumps({"username": self.user, "password": self.user}).encode()
        give_up_at = time.monotonic() + patience_s
        while True:
            status, head, answer = await line.request("POST", "/bff/login", body=body)
            if status != 503 or time.monotonic() > give_up_at:
                break
            await asyncio.sleep(1)  # its Retry-After
        assert status == 200, (status, head, answer)
        self.cookie = head.partition(COOKIE)[2].partition(b";")[0].decode()
        self.tag = session_tag(self.cookie)

    async def call(self, line, path="/api/echo/"):
        """What became of one call, as the visitor saw it."""
        sent_at = time.time()
        status, head, body = await line.request("GET", path, self.cookie)
        at = time.time()
        named = request_id = code = None
        start, end = body.find(b"{"), body.rfind(b"}")  # inside chunks, if it came in any
        if start >= 0:
            content = json.loads(body[start : end + 1])
            named = content.get("user")
            if isinstance(named, dict):  # of /bff/session
                named = named.get("username")
            code = content.get("code")
            request_id = content.get("request_id") or content.get("headers", {}).get("X-Request-ID")
        return Seen(
            session=self.tag,
            user=self.user,
            sent_at=sent_at,
            at=at,
            status=status,
            request_id=request_id,
            named=named,
            clears_cookie=b"set-cookie" in head.lower(),
            code=code,
            retry_after=_field(head, b"retry-after"),
        )


def p99(latencies):
    return sorted(latencies)[math.ceil(len(latencies) * 0.99) - 1]


@contextlib.asynccontextmanager
async def lines_to(urls, count):
    """`count` open connections, spread over the sites."""
    lines = [Line(urls[i % len(urls)]) for i in range(count)]
    gate = asyncio.Semaphore(64)

    async def open_one(line):
        async with gate:
            await line.connect()

    try:
        await asyncio.gather(*map(open_one, lines))
        yield lines
    finally:
        for line in lines:
            line.close()


async def sign_in_all(visitors, urls, at_once=16):
    """No more at once than the burst that nginx lets through."""
    waiting = list(visitors)

    async def work(line):
        while waiting:
            # A machine that is busy with other tests may be late for a time-out of bffd's.
            await waiting.pop().sign_in(line, patience_s=30)

    async with lines_to(urls, at_once) as lines:
        await asyncio.gather(*map(work, lines))


class Load:
    """Visitors who call again and again over `tabs` connections each, in a thread of their own,
    from start to stop(); `pause_s` is what a visitor thinks between calls."""

    def __init__(self, visitors, urls, tabs=2, pause_s=0.05):
        self._visitors, self._urls, self._tabs, self._pause_s = visitors, urls, tabs, pause_s
        self.seen, self.broken = [], []
        self.repeated = 0  # how often a kept connection was closed under a request
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._over.set()
        self._thread.join()

    async def _run(self):
        async with lines_to(self._urls, len(self._visitors) * self._tabs) as lines:
            # A visitor's tabs stand side by side, so that he comes to all sites.
            owners = [visitor for visitor in self._visitors for _ in range(self._tabs)]
            await asyncio.gather(*map(self._browse, owners, lines))
            self.repeated = sum(line.repeated for line in lines)

    async def _browse(self, visitor, line):
        while not self._over.is_set():
            try:
                self.seen.append(await visitor.call(line))
            except (OSError, asyncio.TimeoutError) as error:
                self.broken.append((time.time(), visitor.user, repr(error)))
            await asyncio.sleep(self._pause_s)
