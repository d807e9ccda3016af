"""Judges a run: joins what Django knows, what each client saw and what Redis held (facts.py), and
names every violation of what bffd promises (rules.py), with a trace of the session it happened to.

Pure: facts in, violations out.
"""

from facts import Violation
from rules import RULES


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
