"""Judges a run: joins what Django knows (ledger.py), what each client saw and what Redis held, and
names every violation of what bffd promises, with a trace of the session it happened to.

Pure: facts in, violations out. RULES is the list of the promises.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ledger import Ledger

# A line of bffd's log is written after the event, and its time is cut to the millisecond.
LOG_TICK = 0.001


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


@dataclass(frozen=True)
class Evidence:
    ledger: Ledger
    seen: list[Seen] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    lease_s: float = 20
    emptied_at: float | None = None  # Redis came back without its data: sessions may end from here


@dataclass(frozen=True)
class Violation:
    rule: str
    what: str
    trace: tuple[str, ...] = ()

    def __str__(self):
        return "\n    ".join([f"{self.rule}: {self.what}", *self.trace])


def one_refresh_per_generation(e):
    """At most one, unless a lease ran out: the next may follow a failure, or the lease's end."""
    before = {}
    for use in e.ledger.uses_of("refresh"):
        last = before.get(use.jti)
        if last and use.at < last.at + e.lease_s and not _failed_before(last, use.at):
            yield f"{use.jti} was sent by {last.request_id} and again by {use.request_id}", use.jti
        before[use.jti] = use


def _failed_before(use, at):
    return use.status != 200 and use.answered_at <= at


def nothing_rotated_is_sent_again(e):
    """Once its successor is stored."""
    stored_at = _stored_at(e)
    for use in e.ledger.uses:
        if use.kind in ("refresh", "revoke") and use.at > stored_at.get(use.jti, use.at) + LOG_TICK:
            late = use.at - stored_at[use.jti]
            what = f"{use.jti} was sent by {use.request_id} {late:.3f} s after its successor"
            yield f"{what} was stored", use.jti


def _stored_at(e):
    """{jti of a refresh token: when its successor was stored}"""
    by_request = {stored.request_id: stored.at for stored in e.stored}
    return {
        use.jti: by_request[use.request_id]
        for use in e.ledger.uses_of("refresh")
        if use.status == 200 and use.request_id in by_request
    }


def no_rotation_is_spent(e):
    """What Django issued for a refresh token is stored."""
    stored_at = _stored_at(e)
    held = {held.refresh for held in e.held}
    for parent, children in e.ledger.successors().items():
        if parent not in stored_at and held.isdisjoint(child.jti for child in children):
            if not _is_excused(e, children[0].issued_at):
                yield f"{parent} was rotated, and no successor was stored", parent


def _is_excused(e, at):
    """A Redis that lost all its data ends sessions; what was under way then is lost with it. The
    second is for what began before and was to be stored after."""
    return e.emptied_at is not None and at >= e.emptied_at - 1


def what_is_held_can_be_redeemed(e):
    successors = e.ledger.successors()
    generations = Counter(stored.session for stored in e.stored)
    for held in e.held:
        token = e.ledger.tokens.get(held.refresh)
        wrong = None
        if token is None:
            wrong = None if e.emptied_at else "no refresh token that Django knows is held"
        elif token.blacklisted:
            wrong = f"{token.jti} is held and blacklisted"
        elif token.jti in successors:
            wrong = f"{token.jti} is held and was rotated away"
        elif token.expires_at <= held.at:
            wrong = f"{token.jti} is held and expired"
        elif held.generation != 1 + generations[held.session]:
            wrong = f"generation {held.generation} after {generations[held.session]} refreshes"
        if wrong:
            yield f"session {held.session} of {held.user}: {wrong}", held.refresh or held.session


def one_refresh_and_one_replay_per_request(e):
    by_request = defaultdict(list)
    for use in e.ledger.uses:
        by_request[use.request_id].append(use)
    for request_id, uses in by_request.items():
        refreshes = [use for use in uses if use.kind == "refresh"]
        calls = [use for use in uses if use.kind == "api"]
        if len(refreshes) > 1:
            yield f"{request_id} refreshed {len(refreshes)} times", refreshes[0].jti
        if len(calls) > 2:
            yield f"{request_id} reached Django {len(calls)} times", calls[0].jti
        if len(calls) > 1 and calls[0].status != 401:
            yield f"{request_id} was replayed after {calls[0].status}", calls[0].jti


def nobody_gets_anothers_token(e):
    tokens = e.ledger.tokens
    for seen in e.seen:
        if seen.named not in (None, seen.user):
            yield f"{seen.user} was served as {seen.named} ({seen.request_id})", seen.session
    owners = {seen.request_id: seen.user for seen in e.seen if seen.request_id}
    for use in e.ledger.uses:
        # A refresh may be made by the request of another tab, but never for another user.
        owner, token = owners.get(use.request_id), tokens.get(use.jti)
        if owner and token and token.user != owner:
            yield f"{use.request_id} of {owner} carried {token.user}'s {use.jti}", use.jti
    for token in tokens.values():
        parent = tokens.get(token.parent)
        if parent and parent.user != token.user:
            yield f"{token.jti} of {token.user} descends from {parent.user}'s", token.jti
    for held in e.held:
        for jti in (held.access, held.refresh):
            if jti in tokens and tokens[jti].user != held.user:
                yield f"{held.user}'s session holds {tokens[jti].user}'s {jti}", jti


def a_session_ends_only_by_rejection(e):
    """Nobody signs out in these runs."""
    rejected = {}
    for use in e.ledger.uses_of("refresh"):
        token = e.ledger.tokens.get(use.jti)
        if token and use.status == 401:
            rejected.setdefault(token.user, use.answered_at)
    for seen in e.seen:
        if seen.status == 401 or seen.clears_cookie:
            explained = rejected.get(seen.user, seen.at) < seen.at
            if not explained and not (e.emptied_at and seen.at >= e.emptied_at):
                cleared = ", and the cookie was cleared" if seen.clears_cookie else ""
                what = f"{seen.user} was told {seen.status}{cleared} ({seen.request_id})"
                yield what, seen.session


RULES = [
    one_refresh_per_generation,
    nothing_rotated_is_sent_again,
    no_rotation_is_spent,
    what_is_held_can_be_redeemed,
    one_refresh_and_one_replay_per_request,
    nobody_gets_anothers_token,
    a_session_ends_only_by_rejection,
]


def violations(evidence):
    found = []
    for rule in RULES:
        for what, where in rule(evidence):
            found.append(Violation(rule.__name__, what, tuple(trace(evidence, where))))
    return found


def trace(e, where):
    """All that is known of a session, in order of time. `where`: a token's jti, or a session."""
    sessions, users = {where}, set()
    if where in e.ledger.tokens:
        users = {e.ledger.tokens[where].user}
        sessions = {seen.session for seen in e.seen if seen.user in users}
    families = {e.ledger.family(where)} if where in e.ledger.tokens else set()
    users = users or {seen.user for seen in e.seen if seen.session == where}
    family = {
        jti
        for jti, token in e.ledger.tokens.items()
        if token.user in users and (not families or e.ledger.family(jti) in families)
    }
    lines = [
        (t.issued_at, f"Django issued {t.kind} {t.jti} for {t.parent} to {t.user}")
        for t in map(e.ledger.tokens.get, family)
    ]
    lines += [
        (t.ended_at, f"Django ended {t.jti}{', blacklisted' if t.blacklisted else ''}")
        for t in map(e.ledger.tokens.get, family)
        if t.ended_at
    ]
    lines += [
        (use.at, f"{use.request_id} {use.kind} with {use.jti}: {use.status}")
        for use in e.ledger.uses
        if use.jti in family
    ]
    lines += [
        (s.at, f"{s.request_id} stored generation {s.generation} of {s.session}")
        for s in e.stored
        if s.session in sessions
    ]
    lines += [
        (s.at, f"{s.request_id} {s.user} saw {s.status}, served as {s.named}")
        for s in e.seen
        if s.session in sessions
    ]
    lines += [
        (h.at, f"Redis held generation {h.generation} of {h.session}: {h.access} {h.refresh}")
        for h in e.held
        if h.session in sessions
    ]
    return [f"{at:.3f} {line}" for at, line in sorted(lines)]
