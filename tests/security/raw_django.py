"""A Django of which every byte is seen, and that says any bytes at all: in front of the backend that
issues tokens. What nginx sends here is what an application behind it would have to believe."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from fullsite import FakeBackend

RAW = "/api/raw/"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    connection: int
    line: bytes
    fields: tuple  # of (name, value), in their order
    body: bytes

    @property
    def method(self):
        return self.line.split(b" ")[0].decode("latin-1")

    @property
    def target(self):
        return self.line.split(b" ")[1].decode("latin-1")

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower().encode()]

    def as_wsgi(self):
        """The names as CGI and WSGI have them (RFC 3875, 4.1.18): more than one header may have the
        same."""
        return [name.decode("latin-1").upper().replace("-", "_") for name, _ in self.fields]


class RawDjango(FakeBackend):
    def __init__(self, directory, **settings):
        super().__init__(directory, **settings)
        self._lock, self._seen, self._answers, self._open = threading.Lock(), [], {}, set()

    def start(self):
        super().start()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().stop()

    @property
    def front_url(self):
        """Where nginx and bffd are told that Django is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def say(self, path, answer, then_close=False):
        """These bytes in answer to everything that begins with the path."""
        self._answers[path] = (answer, then_close)

    def be_normal(self):
        self._answers.clear()

    def seen(self):
        with self._lock:
            return list(self._seen)

    def seen_from_now(self):
        """A function that tells what has come since."""
        before = len(self.seen())
        return lambda: self.seen()[before:]

    # One connection

    def _accept(self):
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            with self._lock:
                self._open.add(client)
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client, number):
        with client, client.makefile("rb") as incoming, contextlib.suppress(OSError):
            while (raw := self._read(incoming, number)) and self._reply(client, *raw):
                pass
        with self._lock:
            self._open.discard(client)

    def _read(self, incoming, number):
        """The request as it came, and what is known of it; None at the connection's end."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = incoming.readline()
            if not line:
                return None
            head += line
        line, *lines = head[:-4].split(b"\r\n")
        fields = tuple(tuple(field.split(b": ", 1)) for field in lines)
        length = next((int(v) for n, v in fields if n.lower() == b"content-length"), 0)
        body = incoming.read(length)
        seen = Seen(number, line, fields, body)
        with self._lock:
            self._seen.append(seen)
        return head, seen

    def _reply(self, client, head, seen):
        """Whether the connection is kept."""
        told = [said for start, said in self._answers.items() if seen.target.startswith(start)]
        if not told and not seen.target.startswith(RAW):
            self._forward(client, head, seen.body)
            return False
        answer, then_close = told[0] if told else (PLAIN, False)
        if seen.method == "HEAD":
            answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        client.sendall(answer)
        return not then_close

    def _forward(self, client, head, body):
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            server.sendall(head[:-2] + b"Connection: close\r\n\r\n" + body)
            while piece := server.recv(65536):
                client.sendall(piece)
