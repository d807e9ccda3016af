"""Requests as nginx writes them to bffd's socket (FastCGI 1.0, 3.3 and 5), and as it never would."""

import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
KEEP = 1


def record(kind, content, request=1):
    return struct.pack(">BBHHBB", 1, kind, request, len(content), 0, 0) + content


def pairs(**params):
    return b"".join(
        bytes([len(name), len(value)]) + name.encode() + value.encode()
        for name, value in params.items()
    )


def request(body=b"", kept=False, **params):
    begin = record(BEGIN, struct.pack(">HB5x", 1, KEEP if kept else 0))
    named = record(PARAMS, pairs(**params)) if params else b""
    content = record(STDIN, body) if body else b""
    return begin + named + record(PARAMS, b"") + content + record(STDIN, b"")


class Connection:
    """A connection to bffd. What is written to it is up to the test."""

    def __init__(self, site):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(site.stack.socket))
        self._got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, *args, **params):
        self.send(request(*args, **params))
        return self.answer()

    def answer(self):
        """What comes until the end of one request: status line, header and body; None: closed."""
        out = b""
        while True:
            head = self._read(8)
            if head is None:
                return None
            _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", head)
            content = self._read(size + padding)[:size]
            if kind == STDOUT:
                out += content
            if kind == END:
                return out.decode()

    def is_closed(self):
        """Or reset, over what was not read there. Waits until there is something to be seen."""
        try:
            return self._read(1) is None
        except ConnectionResetError:
            return True

    def _read(self, n):
        while len(self._got) < n:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self._got += piece
        taken, self._got = self._got[:n], self._got[n:]
        return taken
