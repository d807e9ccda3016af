"""The whole site, clients and backends of the end-to-end tests serve here as well, and no byte that
a client receives here is of a token. At the end, a table of what came of it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "scripts")]

import client  # noqa: E402
from site_fixtures import ECHOED  # noqa: E402
from torment import HEAD, total  # noqa: E402

TALLIES = pytest.StashKey()


@pytest.fixture(scope="session")
def tallies(request):
    return request.config.stash.setdefault(TALLIES, [])


@pytest.fixture(autouse=True)
def no_token_reaches_a_client():
    """Each is a JWT here, of which header and payload begin like this."""
    client.received.take()
    yield
    assert b"eyJ" not in ECHOED.sub(b"", client.received.take())


def pytest_terminal_summary(terminalreporter, config):
    found = config.stash.get(TALLIES, [])
    if found:
        terminalreporter.section("what came of each call that failed")
        for line in [HEAD, *(tally.row() for tally in found), total(found).row()]:
            terminalreporter.write_line(line)
