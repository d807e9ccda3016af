"""Between bffd and its Redis: a relay on a unix socket that delays what Redis answers, cuts
connections in the middle of an answer, or swallows it."""

import random
import socket
import threading
import time

PIECE = 65536


class RedisRelay:
    def __init__(self, path, target):
        self.path, self._target = str(path), str(target)
        self._lock, self._open = threading.Lock(), set()
        self._random = random.Random(1)
        self._delay_s = self._every = None
        self._wanted = None
        self.delays_s, self.cuts = [], 0
        self.lost = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(256)

    def __enter__(self):
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # closed only, it would go on listening
        self._accepting.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    @property
    def url(self):
        return f"unix://{self.path}"

    # What goes wrong from now on

    def behave(self):
        self._delay_s = self._every = None

    def delay_answers(self, least_s, most_s):
        """Each by a time between these."""
        self._delay_s = (least_s, most_s)

    def cut_answers(self, every):
        """One in `every` answers ends somewhere in its middle, and the connection with it."""
        self._every = every

    def cut_next(self, holding):
        """The next answer that holds this text is not passed on; `lost` tells when."""
        self.lost, self._wanted = False, holding.encode()

    # One connection

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:
            client.close()
            server.close()
            return
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=self._pump, args=(server, client, True), daemon=True)
        back.start()
        self._pump(client, server, False)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pump(self, source, sink, answers):
        try:
            while piece := source.recv(PIECE):
                if answers and not self._spoil(piece, sink):
                    break
                sink.sendall(piece)
        except OSError:
            pass
        for end in (sink, source):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _spoil(self, piece, sink):
        """False: the connection is to end here."""
        delay_s, every = self._delay_s, self._every
        with self._lock:
            if self._wanted and self._wanted in piece:
                self._wanted, self.lost = None, True
                return False
        if delay_s:
            with self._lock:
                wait_s = self._random.uniform(*delay_s)
                self.delays_s.append(wait_s)
            time.sleep(wait_s)
        if every:
            with self._lock:
                is_due, at = self._random.randrange(every) == 0, self._random.random()
                self.cuts += is_due
            if is_due:
                sink.sendall(piece[: int(at * len(piece))])
                return False
        return True
