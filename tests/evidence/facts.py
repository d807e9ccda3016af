"""What a run left behind: what Django knows (ledger.py), what each client saw, what bffd stored and
what Redis held."""

from dataclasses import dataclass, field

from ledger import Ledger

# A lease is counted from BEGIN, and Django sees the refresh a little later, as Redis its answer.
BEGIN_TO_DJANGO_S = DJANGO_TO_COMMIT_S = 1


@dataclass(frozen=True)
class Seen:
    """An answer, as the client got it."""

    session: str  # as bffd's log names it
    user: str  # whose session it is
    sent_at: float
    at: float
    status: int
    request_id: str | None = None
    named: str | None = None  # the user for whom Django answered
    clears_cookie: bool = False
    code: str | None = None  # what the answer's body calls the trouble
    retry_after: str | None = None


@dataclass(frozen=True)
class Stored:
    """bffd's `refreshed`: Redis has taken the successor."""

    session: str
    generation: int
    request_id: str
    at: float


@dataclass(frozen=True)
class Held:
    """A session's record in Redis when all was quiet: the jti of the tokens in it. None: there is
    no record, or it does not open, or what it holds was never issued."""

    session: str
    user: str
    generation: int | None
    access: str | None
    refresh: str | None
    at: float


# A rotated refresh token is taken again; answered with the same successor again, until that is used
# (scripts/django/bffd_grace.py); refused.
DJANGO = ("no-blacklist", "grace", "stock")


@dataclass(frozen=True)
class Evidence:
    ledger: Ledger
    seen: list[Seen] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    lease_s: float = 20
    emptied_at: float | None = None  # Redis came back without its data: sessions may end from here
    django: str = "stock"  # what becomes of a rotated token: one of DJANGO
    timeout_s: float = 1e9  # bffd waits so long for an answer
    # Requests whose refresh was cut off on bffd's side: its worker was killed or stopped, or lost
    # its connection to Django or Redis.
    interrupted: frozenset[str] = frozenset()
    gave_up: frozenset[str] = frozenset()  # those of them that got as far as FAIL
    # When a primary of Redis died, and with it what no replica had: leases, and the successors that
    # these requests had been told were stored.
    failovers: tuple[float, ...] = ()
    forgotten: frozenset[str] = frozenset()

    def was_spoilt(self, use):
        """A refresh that may have rotated, and whose answer bffd did not have whole and in time,
        or could not store."""
        return use.status != 401 and (
            use.status != 200
            or not use.whole
            or use.answered_at - use.at >= self.timeout_s
            or use.request_id in self.interrupted | self.forgotten
            or self.lost_its_lease(use, use.answered_at + DJANGO_TO_COMMIT_S)
        )

    def lost_its_lease(self, use, until):
        """A primary died between BEGIN, which is a little earlier than Django's call, and then."""
        return any(use.at - BEGIN_TO_DJANGO_S <= at <= until for at in self.failovers)

    def spoilt(self, jti):
        """The refreshes with this token that were."""
        return [u for u in self.ledger.uses_of("refresh") if u.jti == jti and self.was_spoilt(u)]


@dataclass(frozen=True)
class Violation:
    rule: str
    what: str
    trace: tuple[str, ...] = ()

    def __str__(self):
        return "\n    ".join([f"{self.rule}: {self.what}", *self.trace])
