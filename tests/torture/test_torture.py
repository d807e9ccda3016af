"""Every allocation and every system call of bffd's own made to fail, one after another, in each
flow: an answer or a refusal that is promised, nothing leaks, no session is lost.

BFF_TORTURE_POINTS: so many of each flow, evenly, without a look for leaks and without a Django,
which takes its time to start; 0 is all of them (`make torture`).
BFF_TORTURE_OF: libraries whose own calls are to fail in the place of bffd's ("libhiredis libfcgi").
What they cannot bear ends the worker: the others and the next one go on.
"""

import contextlib
import os

import pytest

import flows
import runs
from components import bffd_program
from fullsite import DjangoBackend, FakeBackend
from torment import Torment

POINTS = int(os.environ.get("BFF_TORTURE_POINTS", "3"))
OF = os.environ.get("BFF_TORTURE_OF", "").split()
SLOW = [] if POINTS else flows.SLOW_WITH_FAKE
LIBRARY = bffd_program().parent / "tests" / "torture" / "fail.so"

# Old refresh tokens go on working: no failure may cost a session then.
DJANGO = {"backend": DjangoBackend, "env": {"BFF_TEST_BLACKLIST": 0}}
FAKE = {
    "backend": FakeBackend,
    "env": {"blacklist": False, "access_seconds": 300},
    "overrides": {
        "session.refresh_ahead": "30s",
        "capture register.request": f"POST {flows.Capture.PATH}",
        "capture register.access": "json:/tokens/access",
        "capture register.refresh": "json:/tokens/refresh",
    },
}


@pytest.fixture(scope="module")
def at_end():
    with contextlib.ExitStack() as stack:
        yield stack


def world(tmp_path_factory, at_end, name, wishes):
    return flows.World(tmp_path_factory.mktemp(name), at_end, LIBRARY, of=OF, **wishes)


@pytest.fixture(scope="module")
def fake(tmp_path_factory, at_end):
    return world(tmp_path_factory, at_end, "fake", FAKE)


@pytest.fixture(scope="module")
def django(request, tmp_path_factory, at_end):
    if POINTS:
        return request.getfixturevalue("fake")
    return world(tmp_path_factory, at_end, "django", DJANGO)


@pytest.fixture(scope="module")
def keeping(tmp_path_factory, at_end):
    return world(tmp_path_factory, at_end, "keeping", {**FAKE, "microcache": True})


def say(text):
    print(f"\n{text}", end="", flush=True)


def torment(flow, tallies, capsys):
    torment = Torment(flow)
    tallies.append(torment.tally)
    with capsys.disabled():
        tally = torment.run(POINTS, say)
        if not POINTS:
            say("\n".join([f"  {tally.row()}", *tally.broken]))
    assert tally.points > 0
    assert not tally.broken, "\n".join(tally.broken)
    assert OF or not tally.ended, "a worker ended"


@pytest.mark.parametrize("kind", flows.WITH_DJANGO, ids=lambda kind: kind.name)
def test_with_django(kind, django, tallies, capsys):
    torment(kind(django), tallies, capsys)


@pytest.mark.parametrize("kind", [*flows.WITH_FAKE, *SLOW], ids=lambda kind: kind.name)
def test_with_a_backend_that_is_told_what_to_do(kind, fake, tallies, capsys):
    torment(kind(fake), tallies, capsys)


@pytest.mark.parametrize("kind", flows.WITH_MICROCACHE, ids=lambda kind: kind.name)
def test_with_the_micro_cache(kind, keeping, tallies, capsys):
    torment(kind(keeping), tallies, capsys)


@pytest.mark.parametrize("kind", runs.RUNS, ids=lambda kind: kind.name)
def test_processes_that_come_and_go(kind, django, tallies, capsys):
    torment(kind(django), tallies, capsys)


@pytest.mark.parametrize("name", runs.COMMANDS)
def test_commands(name, django, tallies, capsys):
    torment(runs.command(name, django), tallies, capsys)
