"""What bffd_grace.py is for: a session whose refresh was answered by nobody goes on."""

import os
import signal
from contextlib import ExitStack

import pytest

from graceful import PATIENCE_S, GracefulDjango, settled
from sites import BackendSite

from client import InFlight  # isort: skip  (projects.py says where it is)
from stack import Stack  # isort: skip
from until import until  # isort: skip

LEASE_S = 8


@pytest.fixture(scope="module", params=["grace", "stock"])
def site(request, environment, tmp_path_factory):
    env = {"BFF_TEST_STOCK": "1"} if request.param == "stock" else {}
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as at_end:
        project = GracefulDjango(directory / "backend", environment, **env)
        project.start()
        at_end.callback(project.stop)
        stack = Stack(
            directory / "site",
            config=project.config,
            backend_url=project.url,
            overrides={
                "session.refresh_ahead": "0s",
                "server.workers": 2,
                "refresh.lease": f"{LEASE_S}s",
                "backend.timeout": f"{LEASE_S // 2}s",
            },
            login_rate=1000,
        )
        site = BackendSite(at_end.enter_context(stack), project)
        site.is_stock = request.param == "stock"
        yield site
        assert not site.crashes()


def lives_on_or_is_over_with_stock(site, user, browser, calls):
    answer = settled(site, browser)
    if site.is_stock:
        assert (answer.status, answer.code) == (401, "session_expired"), answer
        assert browser.cookie is None
        return
    assert (answer.status, answer.json()["username"]) == (200, user), answer
    first, *again = calls.refreshes
    assert again and {call["jti"] for call in again} == {first["jti"]}
    # And on it goes, with the token that was given twice.
    site.backend.revoke_access(user)
    assert site.me(browser).status == 200


def test_a_process_of_django_dies_between_commit_and_answer(site):
    carol = site.signed_in("carol")
    site.backend.revoke_access("carol")
    site.backend.will_die("after-commit")
    calls = site.backend.calls_from_now()
    lost = site.me(carol.browser)
    assert (lost.status, lost.code) == (503, "refresh_unavailable"), lost
    lives_on_or_is_over_with_stock(site, "carol", carol.browser, calls)


def test_the_workers_of_bffd_die_before_they_have_the_answer(site):
    bob = site.signed_in("bob")
    site.backend.revoke_access("bob")
    calls = site.backend.calls_from_now()
    waiting = InFlight()
    with site.backend.held():
        waiting.send(lambda: site.me(bob.browser.twin()))
        until(
            lambda: site.newest("refresh", "bob") != bob.refresh, PATIENCE_S, "Django has rotated"
        )
        for pid in site.stack.bffd.worker_pids():
            os.kill(pid, signal.SIGKILL)
    waiting.statuses()
    lives_on_or_is_over_with_stock(site, "bob", bob.browser, calls)


def test_a_sign_out_after_the_loss_leaves_no_token_alive(site):
    carol = site.signed_in("carol")
    site.backend.revoke_access("carol")
    site.backend.will_die("after-commit")
    assert site.me(carol.browser).status == 503
    lost = site.newest("refresh", "carol")
    assert lost != carol.refresh
    assert carol.browser.sign_out().status in (200, 202, 204)
    if not site.is_stock:
        for token in (carol.refresh, lost):
            until(
                lambda: site.backend.refresh(token).status == 401,  # noqa: B023
                PATIENCE_S,
                "it is revoked",
            )
