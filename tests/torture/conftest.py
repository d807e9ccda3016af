"""The whole site, clients and backends of the end-to-end tests serve here as well, and no byte that
a client receives here is of a token. At the end, a table of what came of it."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "scripts")]

import client  # noqa: E402
from site_fixtures import ECHOED  # noqa: E402
from torment import HEAD, total  # noqa: E402

OWN_COOKIE = re.compile(rb"%s=[A-Za-z0-9_-]{43}(?=;)" % client.COOKIE_NAME.encode())
TALLIES = pytest.StashKey()


@pytest.fixture(scope="session")
def tallies(request):
    return request.config.stash.setdefault(TALLIES, [])


@pytest.fixture(autouse=True)
def no_token_reaches_a_client():
    """Each is a JWT here, of which header and payload begin like this. A session's cookie has it by
    chance, once in some thousands."""
    client.received.take()
    yield
    heard = OWN_COOKIE.sub(b"", ECHOED.sub(b"", client.received.take()))
    at = heard.find(b"eyJ")
    assert at < 0, heard[max(at - 500, 0) : at + 100]


def pytest_terminal_summary(terminalreporter, config):
    found = config.stash.get(TALLIES, [])
    if found:
        terminalreporter.section("what came of each call that failed")
        for line in [HEAD, *(tally.row() for tally in found), total(found).row()]:
            terminalreporter.write_line(line)
