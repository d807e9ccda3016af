"""Between bffd and Django's token endpoints: a door, which may be shut, walled up, or have nobody
behind it. Who knocks is counted."""

import contextlib
import socket
import struct
import threading
import time

PIECE = 65536
BACKLOG = 256


class Door:
    def __init__(self, port):
        """`port` of Django on loopback."""
        self._behind = ("127.0.0.1", port)
        self._lock, self._connections, self._unserved = threading.Lock(), set(), []
        self._listener = self._accepting = None
        self._is_mute = False
        self.knocks = []  # when somebody came in
        self._port_holder = self._bound(0)  # so that it stays ours while nobody listens
        self.port = self._port_holder.getsockname()[1]

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.shut()
        self._port_holder.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    # What is so from now on

    def open(self):
        self.shut()
        self._is_mute = False
        self._listen(BACKLOG)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def shut(self):
        """Connections are refused, and those that stand are cut."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)  # closed only, it would go on listening
            if self._accepting:
                self._accepting.join()
            self._listener.close()
        with self._lock:
            standing = [*self._connections, *self._unserved]
        for connection in standing:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._unserved.clear()
        self._listener = self._accepting = None

    def wall_up(self):
        """Nobody answers a SYN: the queue of those who wait to be accepted is full."""
        self.shut()
        self._listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._unserved.append(filler)

    def fall_silent(self):
        """Who comes in from now on is not listened to."""
        self._is_mute = True

    @staticmethod
    def _bound(port):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def _listen(self, backlog):
        self._listener = self._bound(self.port)
        self._listener.listen(backlog)

    # One connection

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.knocks.append(time.time())
            if self._is_mute:
                self._unserved.append(client)
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _hold(self, *connections):
        with self._lock:
            self._connections.update(connections)

    def _serve(self, client):
        server = socket.socket()
        self._hold(client, server)
        try:
            server.connect(self._behind)
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            self._pump(client, server)
            back.join()
        except OSError:
            pass  # nobody is behind: the visitor is sent away
        with self._lock:
            self._connections -= {client, server}
        client.close()
        server.close()

    def _pump(self, source, sink):
        way = socket.SHUT_WR
        try:
            while piece := source.recv(PIECE):
                sink.sendall(piece)
        except ConnectionResetError:
            # A reset on one side becomes one on the other, when that is closed: nothing is said
            # before, but who reads there is woken.
            way = socket.SHUT_RD
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            way = socket.SHUT_RDWR
        with contextlib.suppress(OSError):
            sink.shutdown(way)
