"""A primary is killed under signed-in users: they get 503 for a while, and stay signed in."""

import contextlib
import tempfile

import pytest

import fullsite
import topologies
from until import until

FAILOVER_SECONDS = 30


@pytest.fixture(scope="module", params=[topologies.WithSentinels, topologies.Cluster])
def site(request):
    with contextlib.ExitStack() as at_end:
        directory = at_end.enter_context(tempfile.TemporaryDirectory(prefix="bffd-redis-"))
        several = request.param(directory)
        several.start()
        at_end.callback(several.stop)
        wishes = {"env": {"BFF_TEST_ACCESS_SECONDS": 3}, "redis": several}
        site = at_end.enter_context(fullsite.running(**wishes))
        site.several = several
        yield site


def test_signing_in_refreshing_and_signing_out(site):
    browser = site.signed_in()
    assert browser.get("/api/whoami/").status == 200
    calls = site.backend.calls_from_now()
    site.let_access_expire()
    assert browser.get("/api/whoami/").status == 200
    assert len(calls.refreshes) == 1
    assert browser.sign_out().status == 204
    assert browser.get("/api/whoami/").status == 401


def test_a_sign_out_is_seen_by_every_worker(site):
    browser = site.signed_in()
    twin = browser.twin()
    for _ in range(20):
        assert twin.get("/bff/session").json()["authenticated"]
    assert browser.sign_out().status == 204
    until(lambda: not twin.get("/bff/session").json()["authenticated"], 1, "the sign-out is seen")
    for _ in range(20):
        assert not twin.get("/bff/session").json()["authenticated"]


def test_a_killed_primary_signs_nobody_out(site):
    browsers = [site.signed_in() for _ in range(12)]
    calls = site.backend.calls_from_now()
    site.let_access_expire()
    site.several.servers[0].kill()
    seen = set()

    def all_go_on():
        answers = [browser.get("/api/whoami/") for browser in browsers]
        for answer in answers:
            seen.add((answer.status, answer.code))
            assert not answer.all("Set-Cookie"), answer
        return all(answer.status == 200 for answer in answers)

    until(all_go_on, FAILOVER_SECONDS, "everybody goes on after the failover")
    assert seen <= {(200, None), (503, "session_store_unavailable")}, seen
    assert calls.refreshes
    assert all(status == 200 for status in (call["status"] for call in calls.refreshes))

    def a_newcomer_comes_and_goes():
        browser = site.browser()
        statuses = [browser.sign_in().status, browser.sign_out().status]
        assert set(statuses) <= {200, 204, 503}, statuses
        return statuses == [200, 204]

    # Nobody of the twelve may have been where the failover is: a newcomer is where chance has it.
    until(a_newcomer_comes_and_goes, FAILOVER_SECONDS, "a newcomer comes and goes")
