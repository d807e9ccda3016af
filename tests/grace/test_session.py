"""What bffd_grace.py is for: a session whose refresh was answered by nobody goes on."""

from contextlib import ExitStack

import pytest

from graceful import GracefulDjango
from sites import BackendSite

from stack import Stack  # isort: skip  (projects.py says where it is)
from until import until  # isort: skip

PATIENCE_S = 30


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
            overrides={"session.refresh_ahead": "0s", "server.workers": 2},
            login_rate=1000,
        )
        site = BackendSite(at_end.enter_context(stack), project)
        site.is_stock = request.param == "stock"
        yield site
        assert not site.crashes()


def test_a_session_outlives_the_loss_of_its_refreshs_answer_where_stock_simplejwt_ends_it(site):
    carol = site.signed_in("carol")
    site.backend.revoke_access("carol")
    site.backend.will_die("after-commit")
    calls = site.backend.calls_from_now()
    lost = site.me(carol.browser)
    assert (lost.status, lost.code) == (503, "refresh_unavailable"), lost

    def settled():
        answer = site.me(carol.browser)
        return answer if answer.status != 503 else None

    answer = until(settled, PATIENCE_S, "the refresh is tried again")
    if site.is_stock:
        assert (answer.status, answer.code) == (401, "session_expired"), answer
        assert carol.browser.cookie is None
        return
    assert (answer.status, answer.json()["username"]) == (200, "carol"), answer
    first, *again = calls.refreshes
    assert [call["jti"] for call in again] == [first["jti"]]
    # And on it goes, with the token that was given twice.
    site.backend.revoke_access("carol")
    assert site.me(carol.browser).status == 200


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
