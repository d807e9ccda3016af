"""What all rows of a run share, and what a row is."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import measure
from contender import check
from sites import Bare, Bffd, SignIn
from upstream import Upstream


WARM_AFTER = 15_000  # calls


@dataclass
class Row:
    """found is in the words of the target; met is None where there is nothing to be met."""

    name: str
    target: str = ""
    found: str = ""
    met: bool | None = None
    figures: dict = field(default_factory=dict)  # medians, as measure.figures() names them
    more: dict = field(default_factory=dict)  # whatever else was found out, for the JSON


@dataclass
class Size:
    """How much is done. `stored` are the numbers of sessions that Redis is filled up to."""

    rounds: int = 5
    seconds: int = 3
    sessions: int = 10_000
    herd: int = 1_000
    herd_life_s: int = 40
    idle: int = 10_000
    stored: tuple = (1_000, 10_000, 100_000)
    peers: bool = True
    warm_up_s: int = 20


SMALL = Size(
    rounds=1,
    seconds=1,
    sessions=40,
    herd=20,
    herd_life_s=10,
    idle=100,
    stored=(10, 40, 400),
    peers=False,
    warm_up_s=0,
)


class Stand:
    """The upstream, bare nginx, and bffd with `size.sessions` signed in; the rows add what they
    need besides, and stop it."""

    def __init__(self, directory, size, progress):
        self.directory, self.size, self.progress = directory, size, progress
        self._at_end = ExitStack()
        self.upstream = Upstream(directory / "upstream")
        self.sign_in = SignIn(directory / "sign-in", max(size.sessions, size.herd))
        self.bare = Bare(directory / "bare", self.upstream)
        self.bffd = Bffd(directory / "bffd", self.upstream, self.sign_in)
        self.sessions_file = directory / "sessions"

    def run(self, part, at_end=None):
        """Start something that stops when `at_end` does; by default with the whole."""
        (at_end or self._at_end).callback(part.stop)
        part.start()
        return part

    def another_bffd(self, name, **wishes):
        """Not yet started. Beside ours: the same Redis, the same sessions."""
        wishes.setdefault("beside", self.bffd)
        directory = self.directory / name.replace(" ", "-").replace(",", "")
        return Bffd(directory, self.upstream, self.sign_in, name=name, **wishes)

    def __enter__(self):
        try:
            for part in (self.upstream, self.sign_in, self.bare, self.bffd):
                self.run(part)
            self.progress(f"signing in {self.size.sessions:,} users")
            began = time.monotonic()
            cookies = self.bffd.cookies(self.size.sessions)
            self.sign_in_s = (time.monotonic() - began) / self.size.sessions  # of one user
            for contender in (self.bare, self.bffd):
                check(contender, cookies[:3])
            self.write_sessions(self.sessions_file, cookies)
        except BaseException:
            self._at_end.close()
            raise
        return self

    def __exit__(self, *_):
        self._at_end.close()

    @staticmethod
    def write_sessions(file, cookies):
        return measure.write_sessions(file, [f"Cookie: {cookie}" for cookie in cookies])

    def another_sign_in(self, name, users):
        return SignIn(self.directory / name, users)

    def measure(self, contender, connections, path=None, sessions_file=None):
        file = sessions_file or self.sessions_file
        return measure.measure(contender, file, connections, self.size.seconds, path=path)

    def warm_up(self, contender, sessions_file):
        """Until it has seen what it is to do as often as compilers at run time want to see it."""
        where = contender.url, sessions_file, [contender.path], 64
        seen, give_up_at = 0, time.monotonic() + self.size.warm_up_s
        while seen < WARM_AFTER and time.monotonic() < give_up_at:
            seen += measure.run_wrk(*where, self.size.seconds)["requests"]

    def side_by_side(self, takes, rounds=None):
        """{name: [figures]} of {name: function}, interleaved."""
        return measure.interleaved(rounds or self.size.rounds, takes, self.progress)
