"""Fixtures for the suites that have a whole site for each module: e2e and security."""

import re

import pytest

import client
import fullsite
import token_text


@pytest.fixture(scope="module")
def site(request):
    """The module's own site, made after its wishes in `SITE`."""
    with fullsite.running(**getattr(request.module, "SITE", {})) as running:
        yield running


# The test backends' echo views show what they received: that is what they are for.
ECHOED = re.compile(rb'"(Authorization|Cookie|X-Token)": ?"[^"]*"')


def tokens_in(heard, issued):
    return token_text.tokens_in(ECHOED.sub(b"", heard), issued)


@pytest.fixture(scope="module", autouse=True)
def no_token_reaches_a_client():
    """At the end of every module: no byte that any client received is part of any token."""
    client.received.take()
    fullsite.all_issued.clear()
    yield
    heard = client.received.take()
    found = tokens_in(heard, fullsite.all_issued)
    assert not found, f"tokens reached a client: {found}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the ends of the logs of the site it happened on."""
    outcome = yield
    report = outcome.get_result()
    running = getattr(item, "funcargs", {}).get("site")
    stack = getattr(running, "stack", None)
    if report.failed and stack is not None:
        report.sections.append(("site", stack.log_tail()))
