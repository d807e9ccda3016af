"""Django in every kind of trouble, under many users: who has a good token goes on, the others wait
or are told when to come again, nobody is signed out, and Django is not run over when it is back."""

import contextlib
import time
from collections import Counter

import pytest

import django_troubles
from crowd import Load
from gather import moment
from ground import ACCESS_S, USERS, Ground, served, wait_while
from patience import refused_with_a_good_token
from rules import lost_sessions
from until import until

WORKERS = 4  # two hosts of two
LONG_S = 600
TROUBLE_S = 2.2  # so that all the short-lived tokens expire meanwhile
BACKOFF_MAX_S = TIMEOUT_S = 1
# What rests until then is tried, and what failed for want of time was begun before.
BACK_WITHIN_S = BACKOFF_MAX_S + TIMEOUT_S + 0.5
DEAD_S = 5
THINKS_S = 0.2


def ground_of(tmp_path_factory, at_end, name, **wishes):
    """A Django that repeats its answers, unless told otherwise: where the machine is so slow that
    they come too late, no session is lost."""
    wishes = {"django": "grace", "timeout_s": TIMEOUT_S, **wishes}
    wishes.setdefault("refresh.backoff_max", f"{BACKOFF_MAX_S}s")
    ground = Ground(tmp_path_factory.mktemp(name), at_end, hosts=2, **wishes)
    ground.unjudged = []
    lend_long(ground)
    return ground


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with contextlib.ExitStack() as at_end:
        yield ground_of(tmp_path_factory, at_end, "django")


@pytest.fixture(scope="module")
def blunt(tmp_path_factory):
    """Nobody waits: who cannot be served is told so at once."""
    with contextlib.ExitStack() as at_end:
        yield ground_of(tmp_path_factory, at_end, "blunt", **{"refresh.patience": "0s"})


@pytest.fixture
def stock(tmp_path_factory):
    """It has blacklisted what it rotated, and says so."""
    with contextlib.ExitStack() as at_end:
        yield ground_of(tmp_path_factory, at_end, "stock", django="stock", timeout_s=2)


def lend_long(ground):
    """Every second visitor has a token that outlasts all troubles."""
    ground.backend.control(settings={"access_seconds": LONG_S})
    ground.sign_in_all(ground.visitors[::2])
    ground.backend.control(settings={"access_seconds": ACCESS_S})
    ground.sign_in_all(ground.visitors[1::2])
    ground.lasting = {visitor.user for visitor in ground.visitors[::2]}


def suffer(ground, capsys, trouble, *, seconds=TROUBLE_S, may_see=(503,)):
    """The Load, with the moments between which the trouble was."""
    with Load(ground.visitors, ground.urls, pause_s=THINKS_S) as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        load.began_at = time.time()
        with trouble(ground):
            wait_while(seconds)
            load.ended_at = time.time()
        until(lambda: served(load, load.ended_at) == USERS, 10, "all are served again")
        load.recovered_at = time.time()
    load.statuses = Counter(seen.status for seen in load.seen)
    refused = [seen for seen in load.seen if seen.status != 200]
    refused_for_s = max((seen.at - load.ended_at for seen in refused), default=0)
    with capsys.disabled():
        print(f"\n  {trouble.__name__}: {dict(load.statuses)}; after its end refused for "
              f"{max(0, refused_for_s):.1f} s, all served after "
              f"{load.recovered_at - load.ended_at:.1f} s", end="")  # fmt: skip
    assert not load.broken, load.broken[:5]
    assert {seen.status for seen in refused} <= {*may_see}
    assert all(1 <= int(s.retry_after) <= BACKOFF_MAX_S for s in refused if s.status == 503)
    assert not [seen for seen in load.seen if seen.clears_cookie]
    if 502 not in may_see:
        assert not {seen.user for seen in refused} & ground.lasting
    assert refused_for_s <= BACK_WITHIN_S
    assert load.recovered_at - load.ended_at <= BACK_WITHIN_S
    ground.unjudged += load.seen
    return load


def judge(ground, load):
    """Of all that was suffered."""
    load.seen, ground.unjudged = ground.unjudged, []
    facts = ground.judge(load)
    refused = [seen for seen in load.seen if seen.status == 503]
    assert not refused_with_a_good_token(facts, refused)
    return facts


# How long an attempt takes to fail.
DEAD = {
    django_troubles.refusing: 0,
    django_troubles.unreachable: TIMEOUT_S,
    django_troubles.silent: TIMEOUT_S,
    django_troubles.bad_gateway: 0,
}


def attempts(ground, since, until, fails_after_s):
    """How often bffd began to ask for a refresh: by who came through the doors, or else, where they
    were shut, by what bffd says of its failures."""
    came = [at for door in ground.doors for at in door.knocks]
    failed = [moment(event) - fails_after_s for event in ground.events("refresh_unavailable")]
    return max(sum(since <= at < until for at in began) for began in (came, failed))


def test_a_dead_django_is_asked_once_a_second_by_each_worker(blunt, capsys):
    for trouble, fails_after_s in DEAD.items():
        load = suffer(blunt, capsys, trouble, seconds=DEAD_S)
        # By then every worker had to refresh, and has seen that fail.
        since = load.began_at + ACCESS_S + fails_after_s
        asked = attempts(blunt, since, load.ended_at, fails_after_s)
        assert asked <= WORKERS * (load.ended_at - since + 1), trouble
        assert attempts(blunt, load.began_at, load.ended_at, fails_after_s), trouble
        assert load.statuses[503] > USERS, trouble
    judge(blunt, load)


def test_a_hiccup_costs_hardly_a_503(ground, capsys):
    """Only those whose own refresh failed."""
    for trouble in (django_troubles.hanging, django_troubles.resetting):
        load = suffer(ground, capsys, trouble)
        failures = [
            event
            for event in ground.events("refresh_unavailable")
            if load.began_at <= moment(event) <= load.recovered_at
        ]
        assert load.statuses[503] <= 2 * len(failures), trouble  # each visitor has two tabs
    judge(ground, load)


TALKS_NONSENSE = [
    django_troubles.internal_error,
    django_troubles.half_json,
    django_troubles.huge,
    django_troubles.byte_by_byte,
]


def test_a_django_that_talks_nonsense(ground, capsys):
    for trouble in TALKS_NONSENSE:
        load = suffer(ground, capsys, trouble)
    judge(ground, load)


def test_a_slow_django_and_kept_connections_that_end_are_not_noticed(ground, capsys):
    for trouble in (django_troubles.slow, django_troubles.closing_kept):
        load = suffer(ground, capsys, trouble)
        assert load.statuses.keys() == {200}, trouble
    judge(ground, load)


def test_all_of_django_is_gone(ground, capsys):
    """API calls with a good token get nginx' own 502."""
    load = suffer(ground, capsys, django_troubles.restarting, may_see=(502, 503))
    assert load.statuses[502]
    # Calls that were sent into its silence are answered when it goes on.
    load = suffer(ground, capsys, django_troubles.stopped, may_see=(502, 503))
    judge(ground, load)


LOST = [
    django_troubles.lost_answers,
    django_troubles.truncated_answers,
    django_troubles.garbled_answers,
    django_troubles.late_answers,
]


def test_answers_that_are_lost_cost_the_sessions_of_those_only(stock, capsys):
    with Load(stock.visitors, stock.urls, pause_s=THINKS_S) as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        for trouble in LOST:
            with trouble(stock):
                wait_while(1)
        wait_while(stock.timeout_s + BACKOFF_MAX_S)
    stock.unjudged += load.seen
    facts = judge(stock, load)
    lost = lost_sessions(facts)
    ended = {seen.user for seen in load.seen if seen.status == 401}
    with capsys.disabled():
        statuses = Counter(seen.status for seen in load.seen)
        print(f"\n  lost answers: {dict(statuses)}, {len(lost)} sessions lost", end="")
    assert ended == lost.keys() and lost
    assert all(lost.values()), lost
    assert not load.broken, load.broken[:5]
