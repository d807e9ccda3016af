"""A user looks through the sessions and ends those of other devices."""

import re
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from client import Browser
from fullsite import REVOKE, FakeBackend, running
from site_files import make_key
from stack import Stack
from until import until

SITE = {"backend": FakeBackend, "workers": 2, "env": {"access_seconds": 600}}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def nobody_is_signed_in(site):
    site.redis.flushdb()


@pytest.fixture(scope="module")
def other_host(site):
    """Another bffd and nginx on the same Redis and backend."""
    with tempfile.TemporaryDirectory(prefix="bffd-e2e-") as directory:
        with Stack(
            Path(directory, "stack"),
            backend_url=site.backend.url,
            redis=site.stack.redis,
            key_file=site.stack.key_file,
            login_rate=1000,
        ) as stack:
            yield stack


def sign_in(site, user="alice", agent=FIREFOX):
    browser = site.browser()
    credentials = {"username": user, "password": PASSWORDS[user]}
    assert browser.post("/bff/login", credentials, [("User-Agent", agent)]).status == 200
    return browser


PASSWORDS = {"alice": "wonderland", "bob": "builder"}


def sessions(browser):
    answer = browser.get("/bff/sessions")
    assert answer.status == 200, answer
    return answer.json()["sessions"]


def own_id(browser):
    (current,) = (s["id"] for s in sessions(browser) if s["current"])
    return current


def is_signed_in(browser):
    status = browser.get("/api/whoami/").status
    assert status in (200, 401)
    return status == 200


def test_each_session_is_told_with_its_device(site):
    desk, phone = sign_in(site), sign_in(site, agent=PHONE)
    sign_in(site, user="bob")
    mine, other = sessions(phone)
    assert (mine["current"], mine["device"]) == (True, "Safari on iPhone")
    assert (other["current"], other["device"]) == (False, "Firefox on Linux")
    assert {s["id"] for s in sessions(desk)} == {mine["id"], other["id"]}
    assert [s["device"] for s in sessions(desk)] == ["Firefox on Linux", "Safari on iPhone"]
    now = datetime.now(timezone.utc)
    for one in (mine, other):
        assert set(one) == {"id", "current", "created", "last_seen", "device"}
        created, seen = (datetime.fromisoformat(one[k][:-1] + "+00:00") for k in
                         ("created", "last_seen"))
        assert created <= seen <= now and (now - created).total_seconds() < 60


def test_an_id_opens_nothing(site):
    browser = sign_in(site)
    identity = own_id(browser)
    assert re.fullmatch("[0-9a-f]{32}", identity) and identity not in browser.cookie
    for cookie in (identity, identity + "A" * 11, identity.upper()):
        assert not is_signed_in(site.browser(cookie))
        assert site.browser(cookie).get("/bff/sessions").status == 401


def test_an_ended_session_is_over_at_once_and_the_others_are_not(site):
    desk, phone, third = (sign_in(site) for _ in range(3))
    assert all(is_signed_in(b) for b in (desk, phone, third) * 3)  # in the caches of both workers
    calls = site.backend.calls_from_now()
    identity = own_id(phone)
    assert desk.send("DELETE", f"/bff/sessions/{identity}").status == 204
    assert [is_signed_in(phone) for _ in range(8)] == [False] * 8
    assert is_signed_in(desk) and is_signed_in(third)
    assert {s["id"] for s in sessions(desk)} == {own_id(desk), own_id(third)}
    assert calls.all(REVOKE) == []  # its tokens open with its cookie only
    answer = desk.send("DELETE", f"/bff/sessions/{identity}")
    assert (answer.status, answer.code) == (404, "not_found")
    (event,) = site.events("session_ended")[-1:]
    assert event["session"] == identity[:8] and event["by"] == own_id(desk)[:8]


def test_all_others_end_and_the_one_that_asks_stays(site):
    asker, others, bob = sign_in(site), [sign_in(site) for _ in range(4)], sign_in(site, "bob")
    assert all(is_signed_in(b) for b in others * 2)
    answer = asker.send("DELETE", "/bff/sessions")
    assert (answer.status, answer.json()) == (200, {"ended": 4})
    assert not any(is_signed_in(b) for b in others)
    assert is_signed_in(asker) and is_signed_in(bob)
    assert asker.send("DELETE", "/bff/sessions").json() == {"ended": 0}


def test_there_may_be_more_of_them_than_are_listed(site):
    asker = sign_in(site)
    others = [sign_in(site) for _ in range(120)]
    assert len(sessions(asker)) == 100 and sessions(asker)[0]["current"]
    assert len(sessions(others[0])) == 100 and sessions(others[0])[0]["current"]
    assert asker.send("DELETE", "/bff/sessions").json() == {"ended": 120}
    assert not is_signed_in(others[0]) and not is_signed_in(others[-1])
    assert is_signed_in(asker)


def test_ending_the_own_session_is_a_sign_out(site):
    browser, calls = sign_in(site), site.backend.calls_from_now()
    answer = browser.send("DELETE", f"/bff/sessions/{own_id(browser)}")
    assert answer.status == 204 and browser.cookie is None
    assert len(calls.all(REVOKE)) == 1


def test_it_is_seen_on_another_host_at_once(site, other_host):
    desk, phone = sign_in(site), sign_in(site)
    there = Browser(other_host.url, phone.cookie)
    assert [is_signed_in(there) for _ in range(4)] == [True] * 4
    assert desk.send("DELETE", "/bff/sessions").json() == {"ended": 1}
    began = time.monotonic()
    until(lambda: not is_signed_in(there), 2, "the other host knows")
    assert time.monotonic() - began < 0.5
    assert [is_signed_in(there) for _ in range(8)] == [False] * 8


def test_nobody_ends_a_session_of_somebody_else(site):
    alice, bob = sign_in(site), sign_in(site, "bob")
    answer = bob.send("DELETE", f"/bff/sessions/{own_id(alice)}")
    assert (answer.status, answer.code) == (404, "not_found")
    assert bob.send("DELETE", "/bff/sessions").json() == {"ended": 0}
    assert is_signed_in(alice)


@pytest.mark.parametrize(
    "path", ["/bff/sessions/", "/bff/sessions/x", "/bff/sessions/{id}0", "/bff/sessions/{id}/",
             "/bff/sessions/{ID}"]
)
def test_an_id_is_exact(site, path):
    browser = sign_in(site)
    identity = own_id(browser)
    wrong = path.format(id=identity, ID=identity.upper())
    if wrong.endswith(identity):
        pytest.fail("an id without letters")  # one in three million
    assert browser.send("DELETE", wrong).status == 404
    assert is_signed_in(browser)


@pytest.mark.parametrize("path", ["/bff/sessions", "/bff/sessions/{id}"])
@pytest.mark.parametrize("site_header", ["cross-site", "same-site", "none"])
def test_another_site_ends_nothing(site, path, site_header):
    asker, other = sign_in(site), sign_in(site)
    answer = asker.send("DELETE", path.format(id=own_id(other)), site=site_header, origin=False)
    assert (answer.status, answer.code) == (403, "csrf_failed")
    if site_header != "none":  # an address that was typed may be read
        assert asker.get("/bff/sessions", site=site_header).status == 403
    assert is_signed_in(other)


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("POST", "/bff/sessions", "GET, HEAD, DELETE"),
        ("PUT", "/bff/sessions", "GET, HEAD, DELETE"),
        ("GET", "/bff/sessions/00", "DELETE"),
    ],
)
def test_other_methods_are_refused(site, method, path, allow):
    answer = sign_in(site).send(method, path)
    assert (answer.status, answer.header("Allow")) == (405, allow)


def test_without_a_session_there_is_nothing(site):
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/" + "0" * 32)):
        answer = site.browser().send(method, "/bff/sessions" + path)
        assert (answer.status, answer.code) == (401, "not_authenticated")


def let_time_pass(site, key, seconds):
    """As if nothing had been heard of the session since (bff/store/record.h: `seen`)."""
    record = bytearray(site.redis.get(key))
    seen = int.from_bytes(record[12:18], "big") - seconds * 1000
    record[12:18] = seen.to_bytes(6, "big")
    site.redis.set(key, bytes(record), keepttl=True)


def test_looking_does_not_extend_a_session(site):
    browser = sign_in(site)
    (key,) = site.redis.keys("bff:s:*")
    let_time_pass(site, key, 1000)
    record = site.redis.get(key)
    (told,) = sessions(browser)
    assert site.redis.get(key) == record
    seen = datetime.fromisoformat(told["last_seen"][:-1] + "+00:00")
    assert 1000 <= (datetime.now(timezone.utc) - seen).total_seconds() < 1060
    assert is_signed_in(browser) and site.redis.get(key) != record


def test_sessions_from_before_a_rotation_are_found():
    with running(FakeBackend, workers=1) as site:
        old = sign_in(site)
        lines = site.stack.key_file.read_text()
        make_key(site.stack.key_file)
        site.stack.key_file.write_text(site.stack.key_file.read_text() + lines)
        site.stack.bffd.reload()
        new = sign_in(site)
        assert len(sessions(new)) == len(sessions(old)) == 2
        assert new.send("DELETE", "/bff/sessions").json() == {"ended": 1}
        assert not is_signed_in(old)


def test_redis_away_is_no_empty_list():
    with running(FakeBackend, workers=1) as site:
        browser = sign_in(site)
        site.stack.redis.kill()
        for method in ("GET", "DELETE"):
            answer = browser.send(method, "/bff/sessions")
            assert (answer.status, answer.code) == (503, "session_store_unavailable")
            assert answer.header("Retry-After")


def test_tokens_that_do_not_name_their_user_have_a_list_of_one():
    expiries = [f"{call}.{token}_expiry" for call in ("login", "refresh")
                for token in ("access", "refresh")]
    after = {name: "after 5m" for name in expiries}
    with running(FakeBackend, workers=1, env={"opaque": True}, overrides=after) as site:
        first, _ = sign_in(site), sign_in(site)
        (only,) = sessions(first)
        assert only["current"] and only["device"] == "Firefox on Linux"
