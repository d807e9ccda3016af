"""Who is not what he claims to be is not measured."""

import time

import pytest

from contender import Unfit, check, get
from sites import Bare
from upstream import DELAY_MS, Upstream


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    part = Upstream(tmp_path_factory.mktemp("upstream"))
    part.start()
    yield part
    part.stop()


@pytest.fixture
def bare(upstream, tmp_path):
    site = Bare(tmp_path / "bare", upstream)
    site.start()
    yield site
    site.stop()


def test_the_upstream_answers_a_kilobyte_at_once_or_late(upstream):
    for path, least_s in (("/api/item", 0), ("/api/slow", DELAY_MS / 1000)):
        began = time.monotonic()
        status, body = get(upstream.url, path)
        assert (status, len(body), body) == (200, 1024, upstream.body)
        assert time.monotonic() - began >= least_s


def test_bare_nginx_is_fit_and_all_of_it_is_nginx(bare):
    check(bare, bare.cookies(3))
    assert list(bare.pids()) == ["nginx"] and len(bare.pids()["nginx"]) == 3


def test_who_lets_everybody_in_does_not_sign_in(bare):
    bare.signs_in = True
    with pytest.raises(Unfit, match="not signed in"):
        check(bare, bare.cookies(3))


def test_another_answer_is_another_measurement(bare):
    bare.path = "/api/check"
    with pytest.raises(Unfit, match="not the upstream's answer"):
        check(bare, bare.cookies(1))


class SignsEverybodyInAsOne(Bare):
    """Refuses who has no cookie, and attaches one token to all others."""

    signs_in = True

    def _write_config(self, port):
        super()._write_config(port)
        site = self.directory / "site.conf"
        ours = """location /api/ {
        if ($http_cookie = "") { return 401; }
        proxy_set_header Authorization "Bearer a.b.c";"""
        site.write_text(site.read_text().replace("location /api/ {", ours))


def test_one_token_for_several_sessions_is_noticed(upstream, tmp_path):
    site = SignsEverybodyInAsOne(tmp_path / "one", upstream)
    site.start()
    try:
        check(site, site.cookies(1))
        with pytest.raises(Unfit, match="one token"):
            check(site, site.cookies(2))
    finally:
        site.stop()
