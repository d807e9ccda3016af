"""The server's side of RFC 6455, as much of it as an echo needs: no extensions, no subprotocols."""

import base64
import hashlib
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PROTOCOL_ERROR, TOO_BIG = 1002, 1009
MESSAGE_MAX = 16 << 20


class Closed(Exception):
    def __init__(self, code=None):
        self.code = code


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def is_upgrade(headers):
    return (
        headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in headers.get("Connection", "").lower()
        and headers.get("Sec-WebSocket-Version") == "13"
        and "Sec-WebSocket-Key" in headers
    )


class WebSocket:
    def __init__(self, rfile, wfile):
        self.rfile = rfile
        self.wfile = wfile

    def read(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise Closed()
        return data

    def frame(self):
        first, second = self.read(2)
        if not second & 0x80:  # a client must mask: RFC 6455, 5.1
            raise Closed(PROTOCOL_ERROR)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.read(8))
        if size > MESSAGE_MAX:
            raise Closed(TOO_BIG)
        mask = self.read(4) * (size // 4 + 1)
        masked = int.from_bytes(self.read(size), "big") ^ int.from_bytes(mask[:size], "big")
        return first & 0x80, first & 0x0F, masked.to_bytes(size, "big")

    def send(self, opcode, data):
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        self.wfile.write(head + data)

    def message(self):
        """The next whole message; answers pings on the way."""
        kind, parts = None, []
        while True:
            last, opcode, data = self.frame()
            if opcode == CLOSE:
                raise Closed(struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1000)
            if opcode == PING:
                self.send(PONG, data)
            elif opcode in (TEXT, BINARY, CONTINUATION):
                if (opcode == CONTINUATION) != (kind is not None):
                    raise Closed(PROTOCOL_ERROR)
                kind = opcode if kind is None else kind
                parts.append(data)
                if sum(map(len, parts)) > MESSAGE_MAX:
                    raise Closed(TOO_BIG)
                if last:
                    return kind, b"".join(parts)

    def echo(self, greeting):
        self.send(TEXT, greeting.encode())
        try:
            while True:
                self.send(*self.message())
        except Closed as closed:
            if closed.code:
                self.send(CLOSE, struct.pack("!H", closed.code))
