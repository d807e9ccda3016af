"""Made-up runs: a good one, and for each rule the smallest change that breaks it, and it only."""

from dataclasses import replace

import pytest

from checker import trace, violations
from facts import Evidence, Held, Seen, Stored
from ledger import Ledger, Token, Use
from rules import RULES, lost_sessions

LEASE_S = 20
NEVER = 1e9

# Alice's session: a login (r1), one refresh of it by request q2 (r2), a call after it.
TOKENS = {
    "r1": Token("r1", "refresh", "alice", None, 1.0, NEVER, 5.1, "rotated", True),
    "a1": Token("a1", "access", "alice", "r1", 1.0, 4.0),
    "a2": Token("a2", "access", "alice", "r1", 5.1, NEVER),
    "r2": Token("r2", "refresh", "alice", "r1", 5.1, NEVER),
    "rb": Token("rb", "refresh", "bob", None, 1.0, NEVER),
    "ab": Token("ab", "access", "bob", "rb", 1.0, NEVER),
}
USES = [
    Use("api", "a1", "q1", 2.0, 2.1, 200),
    Use("api", "a1", "q2", 4.5, 4.6, 401),
    Use("refresh", "r1", "q2", 5.0, 5.2, 200),
    Use("api", "a2", "q2", 5.4, 5.5, 200),
    Use("api", "ab", "qb", 5.4, 5.5, 200),
]
SEEN = [
    Seen("s-a", "alice", 1.9, 2.2, 200, "q1", "alice"),
    Seen("s-a", "alice", 4.4, 5.6, 200, "q2", "alice"),
    Seen("s-b", "bob", 5.3, 5.6, 200, "qb", "bob"),
]
STORED = [Stored("s-a", 2, "q2", 5.3)]
HELD = [
    Held("s-a", "alice", 2, "a2", "r2", 9.0),
    Held("s-b", "bob", 1, "ab", "rb", 9.0),
]


def run(tokens=(), uses=(), seen=(), stored=STORED, held=HELD, drop_uses=(), **more):
    """The good run with these changes."""
    changed = {**TOKENS, **{token.jti: token for token in tokens}}
    kept = [use for use in USES if use not in drop_uses]
    ledger = Ledger(changed.values(), [*kept, *uses])
    more.setdefault("lease_s", LEASE_S)
    return Evidence(ledger, [*SEEN, *seen], list(stored), list(held), **more)


def rules_broken(evidence):
    return {violation.rule for violation in violations(evidence)}


def test_a_good_run_breaks_no_rule():
    assert violations(run()) == []


REFRESH = USES[2]
# The worker of q2 was killed before it stored; when the lease was over, q3 was refused.
CUT_OFF = {
    "uses": [Use("refresh", "r1", "q3", 5.0 + LEASE_S, 5.1 + LEASE_S, 401)],
    "drop_uses": USES[3:4],
    "stored": [],
    "held": [replace(HELD[0], generation=None, access=None, refresh=None), HELD[1]],
    "interrupted": frozenset({"q2"}),
}
BROKEN = {
    "a generation refreshed twice at once": (
        {"uses": [replace(REFRESH, request_id="q3", at=5.1, answered_at=5.25, status=503)]},
        {"one_refresh_per_generation"},
    ),
    "a rotated token sent after its successor was stored": (
        {"uses": [Use("refresh", "r1", "q3", 5.0 + LEASE_S + 1, 26.1, 503)]},
        {"nothing_rotated_is_sent_again"},
    ),
    "a rotated token revoked after its successor was stored": (
        {"uses": [Use("revoke", "r1", "q3", 7.0, 7.1, 200)]},
        {"nothing_rotated_is_sent_again"},
    ),
    "a successor that was never stored": (
        {"stored": [], "held": [replace(HELD[0], generation=1, refresh="r1"), HELD[1]]},
        {"no_rotation_is_spent", "what_is_held_can_be_redeemed"},
    ),
    "a successor lost after it had been stored": (
        {"held": [replace(HELD[0], generation=1, access="a1", refresh="r1"), HELD[1]]},
        {"what_is_held_can_be_redeemed"},
    ),
    "a record that is gone or does not open": (
        {"held": [replace(HELD[0], generation=None, access=None, refresh=None), HELD[1]]},
        {"what_is_held_can_be_redeemed"},
    ),
    "a generation that went up without a refresh": (
        {"held": [replace(HELD[0], generation=3), HELD[1]]},
        {"what_is_held_can_be_redeemed"},
    ),
    "a token held that has expired": (
        {"tokens": [replace(TOKENS["rb"], expires_at=8.0)]},
        {"what_is_held_can_be_redeemed"},
    ),
    "a rotated token refused although its successor was stored": (
        {"uses": [Use("refresh", "r1", "q3", 5.0 + LEASE_S + 1, 26.1, 401)]},
        {"nothing_rotated_is_sent_again", "no_session_is_lost"},
    ),
    "a good token refused": (
        {"uses": [Use("refresh", "rb", "q4", 6.0, 6.1, 401)]},
        {"no_session_is_lost"},
    ),
    "a session lost although Django repeats its answers": (
        {**CUT_OFF, "django": "grace"},
        {"no_session_is_lost"},
    ),
    "a session lost although Django does not blacklist": (
        {**CUT_OFF, "django": "no-blacklist"},
        {"no_session_is_lost"},
    ),
    "a session lost and nothing was cut off": (
        {**CUT_OFF, "interrupted": frozenset()},
        {"no_session_is_lost", "no_rotation_is_spent"},
    ),
    "a lease that another did not wait for": (
        {
            "uses": [Use("refresh", "r1", "q3", 10.0, 10.1, 503)],
            "stored": [],
            "held": CUT_OFF["held"],
            "interrupted": frozenset({"q2"}),
        },
        {"one_refresh_per_generation", "what_is_held_can_be_redeemed"},
    ),
    "a request that refreshed twice": (
        {"uses": [Use("refresh", "rb", "q2", 6.0, 6.1, 503)], "seen": ()},
        {"one_refresh_and_one_replay_per_request", "nobody_gets_anothers_token"},
    ),
    "a request that reached Django three times": (
        {"uses": [Use("api", "a2", "q2", 5.6, 5.7, 401)]},
        {"one_refresh_and_one_replay_per_request"},
    ),
    "a replay after something else than a 401": (
        {"uses": [Use("api", "a1", "q1", 2.2, 2.3, 200)]},
        {"one_refresh_and_one_replay_per_request"},
    ),
    "an answer for somebody else": (
        {"seen": [Seen("s-a", "alice", 6.0, 6.1, 200, "q9", "bob")]},
        {"nobody_gets_anothers_token"},
    ),
    "a call that carried somebody else's token": (
        {"uses": [Use("api", "ab", "q1", 2.2, 2.3, 401)], "drop_uses": USES[:1]},
        {"nobody_gets_anothers_token"},
    ),
    "a token issued for somebody else's": (
        {"tokens": [replace(TOKENS["a2"], user="bob")], "drop_uses": USES[3:4]},
        {"nobody_gets_anothers_token"},
    ),
    "a session that holds somebody else's token": (
        {"held": [HELD[0], replace(HELD[1], access="a2")]},
        {"nobody_gets_anothers_token"},
    ),
    "a sign-out that nobody asked for": (
        {"seen": [Seen("s-b", "bob", 6.0, 6.1, 401, "q9")]},
        {"a_session_ends_only_by_rejection"},
    ),
    "Django's 401 with a token that was good": (
        {
            "drop_uses": USES[3:4],
            "uses": [Use("api", "a2", "q2", 5.4, 5.5, 401)],
            "seen": [Seen("s-a", "alice", 4.4, 5.6, 401, code="token_not_valid")],
        },
        {"a_session_ends_only_by_rejection"},
    ),
    "Django's 401 that was not replayed": (
        {
            "drop_uses": USES[:1],
            "uses": [Use("api", "a1", "q1", 4.2, 4.3, 401)],
            "seen": [Seen("s-a", "alice", 4.1, 4.35, 401, code="token_not_valid")],
        },
        {"a_session_ends_only_by_rejection"},
    ),
    "a cookie cleared by an outage": (
        {"seen": [Seen("s-b", "bob", 6.0, 6.1, 503, "q9", clears_cookie=True)]},
        {"a_session_ends_only_by_rejection"},
    ),
}


@pytest.mark.parametrize("changes, expected", BROKEN.values(), ids=BROKEN.keys())
def test_the_rule_is_named_for(changes, expected):
    found = violations(run(**changes))
    assert {violation.rule for violation in found} >= expected
    # A token of another user, held or carried, may break more than one rule; nothing else does.
    assert {violation.rule for violation in found} == expected, "\n".join(map(str, found))


GOOD = {
    "a second refresh once the lease has run out": {
        "uses": [Use("refresh", "r1", "q3", 4.9 - LEASE_S, 5.3, None)],
    },
    "a second refresh after one that failed": {
        "uses": [Use("refresh", "r1", "q3", 4.7, 4.8, 503)],
    },
    "a session lost to a cut off rotation, where Django blacklists": CUT_OFF,
    "a cut off rotation that nobody has asked with again": {
        **CUT_OFF,
        "uses": (),
        "held": [replace(HELD[0], generation=1, access="a1", refresh="r1"), HELD[1]],
    },
    "a cut off rotation whose successor Django gives again": {
        "uses": [
            Use("refresh", "r1", "q1", 5.0 - LEASE_S, 5.1 - LEASE_S, 200),
        ],
        "django": "grace",
        "interrupted": frozenset({"q1"}),
    },
    "a worker that died between storing and saying so": {
        "stored": [],
        "interrupted": frozenset({"q2"}),
    },
    "a token that a worker sent late, for it had stood still": {
        "uses": [Use("refresh", "r1", "q1", 5.0 + LEASE_S, 5.1 + LEASE_S, 503)],
        "interrupted": frozenset({"q1"}),
    },
    "a token that died on its way to Django, which says so": {
        "tokens": [replace(TOKENS["a2"], expires_at=5.3)],
        "drop_uses": USES[3:4],
        "uses": [Use("api", "a2", "q2", 5.4, 5.5, 401)],
        "seen": [Seen("s-a", "alice", 4.4, 5.6, 401, code="token_not_valid")],
    },
    "a token that a worker sent late, and that Django refused": {
        "uses": [Use("refresh", "r1", "q1", 5.0 + LEASE_S, 5.1 + LEASE_S, 401)],
        "interrupted": frozenset({"q1"}),
    },
    "a request asked again by nginx, whose worker had died": {
        "uses": [Use("refresh", "r1", "q2", 5.0 - LEASE_S, 5.1 - LEASE_S, 503)],
        "interrupted": frozenset({"q2"}),
    },
    "a refresh that follows one which was cut off and got as far as FAIL": {
        "uses": [Use("refresh", "r1", "q3", 4.5, 4.6, 503)],
        "interrupted": frozenset({"q3"}),
        "gave_up": frozenset({"q3"}),
    },
    "a predecessor refused because its successor was revoked": {
        **CUT_OFF,
        "django": "grace",
        "tokens": [replace(TOKENS["r2"], ended_at=6.0, ended_how="revoked")],
    },
    "a 401 after Django rejected the refresh token": {
        "tokens": [replace(TOKENS["rb"], ended_at=5.9, ended_how="revoked", blacklisted=True)],
        "uses": [Use("refresh", "rb", "q4", 6.0, 6.1, 401)],
        "seen": [Seen("s-b", "bob", 6.0, 6.2, 401, "q4", clears_cookie=True)],
        "held": [HELD[0], replace(HELD[1], generation=None, access=None, refresh=None)],
    },
    "a sign-out after Redis lost everything": {
        "held": [replace(held, generation=None, access=None, refresh=None) for held in HELD],
        "seen": [Seen("s-b", "bob", 8.0, 8.1, 401, "q9", clears_cookie=True)],
        "emptied_at": 7.0,
    },
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_nothing_is_wrong_with(changes):
    assert violations(run(**changes)) == []


def test_every_rule_is_broken_by_some_run():
    named = set().union(*(expected for _, expected in BROKEN.values()))
    assert named == {rule.__name__ for rule in RULES}


def test_a_lost_session_is_explained_by_the_refresh_that_was_cut_off():
    assert lost_sessions(run(**CUT_OFF)) == {"alice": REFRESH}
    assert lost_sessions(run()) == {}


def test_a_violation_comes_with_the_story_of_its_session_in_order():
    again = Use("refresh", "r1", "q3", 30.0, 30.1, 503)
    (violation,) = violations(run(uses=[again]))
    story = "\n".join(violation.trace)
    for part in ("q1 api with a1: 200", "issued refresh r2", "stored generation 2", "q3 refresh"):
        assert part in story
    assert "bob" not in story
    times = [float(line.split()[0]) for line in violation.trace]
    assert times == sorted(times)


def test_a_request_whose_worker_died_may_refresh_once_more():
    again = [replace(CUT_OFF["uses"][0], request_id="q2")]
    assert rules_broken(run(**{**CUT_OFF, "uses": again})) == set()
    rule = {"one_refresh_and_one_replay_per_request"}
    alive = {**CUT_OFF, "uses": again, "interrupted": frozenset()}
    assert rule <= rules_broken(run(**alive))


def test_what_redis_forgot_may_cost_a_session_of_stock_django_only():
    again = [Use("refresh", "r1", "q3", 7.0, 7.1, 401)]
    forgot = {**CUT_OFF, "uses": again, "interrupted": frozenset(), "failovers": (5.25,)}
    forgot["forgotten"] = frozenset({"q2"})
    assert rules_broken(run(**forgot)) == set()
    assert rules_broken(run(**forgot, django="grace")) == {"no_session_is_lost"}
    for kept in ({"failovers": ()}, {"failovers": (3.0,)}):
        assert "one_refresh_per_generation" in rules_broken(run(**{**forgot, **kept}))


def test_a_failover_may_lose_a_lease_and_no_more():
    twice = [Use("refresh", "r1", "q3", 5.31, 5.4, 200)]
    assert rules_broken(run(uses=twice, failovers=(5.1,))) == set()
    assert rules_broken(run(uses=twice)) >= {"one_refresh_per_generation"}
    late = [replace(twice[0], at=8.0, answered_at=8.1)]
    late = rules_broken(run(uses=late, failovers=(5.1,)))
    assert late == {"nothing_rotated_is_sent_again"}


def test_a_session_can_be_traced_by_its_name():
    assert any("served as bob" in line for line in trace(run(), "s-b"))
