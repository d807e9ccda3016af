"""A TCP relay that keeps a copy of every byte that passes, either way."""

import http.client
import io
import socket
import threading
import zlib

PIECE = 65536


class Relay:
    """Listens on (address, port) and relays to `target`; received() is what clients got."""

    def __init__(self, target, address="127.0.0.1", port=0):
        self.target = target
        self._to_client = []
        self._to_server = []
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server((address, port), backlog=256)
        self.address, self.port = self._listener.getsockname()[:2]

    def __enter__(self):
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_):
        # A listener closed under an accept() would go on listening: wake it first.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.target)
        except OSError:
            client.close()
            return
        down, up = bytearray(), bytearray()
        with self._lock:
            self._open.update((client, server))
            self._to_client.append(down)
            self._to_server.append(up)
        back = threading.Thread(target=self._pump, args=(server, client, down), daemon=True)
        back.start()
        self._pump(client, server, up)
        back.join()
        with self._lock:
            self._open.difference_update((client, server))
        client.close()
        server.close()

    def _pump(self, source, sink, copy):
        try:
            while piece := source.recv(PIECE):
                with self._lock:
                    copy += piece
                sink.sendall(piece)
        except OSError:
            pass
        for end, way in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(way)
            except OSError:
                pass

    def received(self):
        """Every byte that clients were sent, one value for each connection."""
        with self._lock:
            return [bytes(b) for b in self._to_client]

    def sent(self):
        """Every byte that clients sent."""
        with self._lock:
            return [bytes(b) for b in self._to_server]


class _Recorded(io.BytesIO):
    """A connection's bytes as http.client wants them, which closes what it has read to the end."""

    def makefile(self, _mode):
        return self

    def close(self):
        pass


def bodies(raw):
    """The bodies of all answers of one connection, free of chunk frames and compression."""
    connection = _Recorded(raw)
    found = []
    while connection.tell() < len(raw):
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        try:
            body = answer.read()
        except http.client.IncompleteRead as cut_off:
            body = cut_off.partial
        packing = answer.getheader("Content-Encoding")
        assert packing in (None, "gzip"), f"cannot look into {packing}"
        found.append(zlib.decompressobj(wbits=31).decompress(body) if packing else body)
    return found
