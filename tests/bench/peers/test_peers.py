"""What stands beside bffd in the benchmark does what it is measured at."""

import json

import pytest
import redis

from contender import check, get
from peers import PEERS
from token_text import claims_of
from upstream import Upstream

SESSIONS = 20
HOUR_S = 3600


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    upstream = Upstream(tmp_path_factory.mktemp("upstream"))
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.name)
def peer(request, upstream, tmp_path_factory):
    assert request.param.missing() is None
    peer = request.param(tmp_path_factory.mktemp("peer") / "own", upstream)
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()


def user_at_the_upstream(peer, cookie):
    status, body = get(peer.url, peer.check_path, cookie)
    assert status == 200
    claims = claims_of(json.loads(body)["authorization"].removeprefix("Bearer "))
    assert claims["token_type"] == "access"
    return claims["username"]


def test_each_call_reaches_the_upstream_with_the_token_of_its_own_user(peer):
    cookies = peer.cookies(SESSIONS)

    check(peer, cookies)
    users = [user_at_the_upstream(peer, cookie) for cookie in cookies]
    assert users == [f"user{number}" for number in range(1, SESSIONS + 1)]


def test_a_call_without_a_session_or_with_one_that_never_was_is_refused(peer):
    (cookie,) = peer.cookies(1)
    half = len(cookie) // 2

    for wrong in (None, cookie[:half], cookie[:half] + cookie[half:][::-1]):
        status, body = get(peer.url, peer.path, wrong)
        assert status == 401 and body != peer.upstream.body


def test_a_session_is_in_redis_and_nowhere_else(peer):
    store = redis.Redis(unix_socket_path=str(peer.redis.socket))
    (kept,) = peer.cookies(1)
    before = set(store.keys())
    (lost,) = peer.cookies(1)
    assert get(peer.url, peer.path, lost) == (200, peer.upstream.body)

    new = set(store.keys()) - before
    assert max(map(store.ttl, new)) > HOUR_S
    store.delete(*new)

    assert get(peer.url, peer.path, lost)[0] == 401
    assert get(peer.url, peer.path, kept) == (200, peer.upstream.body)


def test_what_uses_the_processors_is_counted(peer):
    pids = peer.pids()

    assert len(pids) == 2 and len(pids["redis"]) == 1
    (server,) = pids.keys() - {"redis"}
    assert len(pids[server]) >= 3, "one that leads, two that serve"
