"""bffd's worker dies between Django's answer and COMMIT, at each step that there is: what that costs
with simplejwt as it comes, and with bffd_grace.py."""

from contextlib import ExitStack

import pytest

import crash_points
from graceful import PATIENCE_S, GracefulDjango, settled
from sites import BackendSite

from client import InFlight  # isort: skip  (projects.py says where it is)
from stack import Stack  # isort: skip
from until import until  # isort: skip

LEASE_S = 3
VICTIMS = {"alice": "DJANGO_ANSWERED", "bob": "VERDICT", "carol": "COMMIT_DUE"}


@pytest.fixture(scope="module", params=["grace", "stock"])
def site(request, environment, tmp_path_factory):
    env = {"BFF_TEST_STOCK": "1"} if request.param == "stock" else {}
    directory = tmp_path_factory.mktemp(request.param)
    shots = crash_points.Shots(directory / "shots")
    with ExitStack() as at_end:
        project = GracefulDjango(directory / "backend", environment, **env)
        project.start()
        at_end.callback(project.stop)
        at_end.enter_context(shots.told())
        stack = Stack(
            directory / "site",
            config=project.config,
            backend_url=project.url,
            overrides={
                "session.refresh_ahead": "0s",
                "server.workers": 2,
                "redis.command_timeout": "500ms",
                "backend.timeout": "2s",
                "backend.connect_timeout": "1s",
                "refresh.lease": f"{LEASE_S}s",
                "refresh.grace": "1s",
            },
            login_rate=1000,
        )
        site = BackendSite(at_end.enter_context(stack), project)
        site.is_stock, site.shots = request.param == "stock", shots
        yield site
        assert not site.crashes()


def worker_killed(site, victim):
    """While it refreshes for the victim, who calls until there is an answer."""
    before, step, waiting = len(site.shots.hits()), VICTIMS[victim.user], InFlight()
    site.shots.arm(step, "kill")
    waiting.send(lambda: settled(site, victim.browser))
    until(lambda: len(site.shots.hits()) > before, PATIENCE_S, f"a worker dies at {step}")
    return waiting


def test_the_steps_are_all_there_are_between_djangos_answer_and_commit():
    steps = crash_points.steps()
    names = list(steps)
    first, last = names.index("DJANGO_ANSWERED"), names.index("COMMIT_SENT")
    assert names[first:last] == list(VICTIMS.values())
    assert all(steps[name].in_window for name in VICTIMS.values())


def test_the_session_goes_on_with_the_serializer_and_without_it_that_one_is_lost(site):
    victims = [site.signed_in(user) for user in VICTIMS]
    others = [site.signed_in(user) for user in VICTIMS]
    for user in VICTIMS:
        site.backend.revoke_access(user)
    waiting = [worker_killed(site, victim) for victim in victims]
    for victim, one in zip(victims, waiting):
        one.statuses()
        (answer,) = one.answers
        if site.is_stock:
            assert (answer.status, answer.code) == (401, "session_expired"), answer
            assert victim.browser.cookie is None
            assert site.sign_in(victim.browser, victim.user).status == 200
            answer = site.me(victim.browser)
        assert (answer.status, answer.json()["username"]) == (200, victim.user), answer
    for other in others:
        answer = settled(site, other.browser)
        assert (answer.status, answer.json()["username"]) == (200, other.user), answer
