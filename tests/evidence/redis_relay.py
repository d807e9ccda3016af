"""Between bffd and its Redis: a relay on a unix socket that delays what Redis answers, cuts
connections in the middle of an answer, swallows it, or falls silent."""

import contextlib
import random
import socket
import threading
import time

PIECE = 65536
SUBSCRIBE = b"\r\nSUBSCRIBE\r\n"


class Pair:
    """One connection of bffd's, and ours to Redis for it."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.subscribes = False
        self.is_silent = False  # for ever: nothing passes, and no end hears of the other's

    def end(self):
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


class RedisRelay:
    def __init__(self, path, target):
        self.path, self._target = str(path), str(target)
        self._lock, self._open = threading.Lock(), set()
        self._random = random.Random(1)
        self._delay_s = self._every = None
        self._is_silent = False
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
            for pair in self._open:
                pair.end()

    @property
    def url(self):
        return f"unix://{self.path}"

    def open_pairs(self):
        with self._lock:
            return list(self._open)

    # What goes wrong from now on

    def behave(self):
        """Connections that fell silent remain so."""
        self._delay_s = self._every = None
        self._is_silent = False

    def delay_answers(self, least_s, most_s):
        """Each by a time between these."""
        self._delay_s = (least_s, most_s)

    def cut_answers(self, every):
        """One in `every` answers ends somewhere in its middle, and the connection with it."""
        self._every = every

    def fall_silent(self):
        """A network that drops what it is given: on what is open, and on what is opened."""
        with self._lock:
            self._is_silent = True
            for pair in self._open:
                pair.is_silent = True

    def silence_subscribers(self):
        """Those that are open; how many they were."""
        with self._lock:
            subscribers = [pair for pair in self._open if pair.subscribes]
            for pair in subscribers:
                pair.is_silent = True
        return len(subscribers)

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
        pair = Pair(client, server)
        with self._lock:
            self._open.add(pair)
            pair.is_silent = self._is_silent
        back = threading.Thread(target=self._pump, args=(pair, server, client, True))
        back.daemon = True
        back.start()
        self._pump(pair, client, server, False)
        back.join()
        with self._lock:
            self._open.remove(pair)
        client.close()
        server.close()

    def _pump(self, pair, source, sink, answers):
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if not answers:
                    pair.subscribes = pair.subscribes or SUBSCRIBE in piece
                elif not pair.is_silent and not self._spoil(piece, sink):
                    break
                if not pair.is_silent:
                    sink.sendall(piece)
        if not pair.is_silent:
            pair.end()

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
