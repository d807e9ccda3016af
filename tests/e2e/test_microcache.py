"""nginx keeps a yes: for whom, for how long, and what takes it away before."""

import contextlib
import datetime
import hashlib
import os
import tempfile
import threading
import time

import pytest

import record
from client import COOKIE_NAME, at_once
from fullsite import Site, Stack, running
from until import until

SITE = {
    "microcache": True,
    "overrides": {"server.microcache_time": "3s", "log.level": "debug"},
}
ROUNDS = 40
LONGEST_SECONDS = 4  # microcache_time, and the second that has begun


def asked(site):
    """How often bffd was asked whether a call may pass."""
    return len([e for e in site.events("request") if e["leg"] == "authorize"])


def entry_path(stack, browser):
    return stack.microcache / hashlib.md5(browser.cookie.encode()).hexdigest()


def entry_of(stack, browser):
    """The session's entry: what nginx wrote, or nothing."""
    try:
        return entry_path(stack, browser).read_bytes().strip(b"\0")
    except FileNotFoundError:
        return b""


def kept(stack):
    """All that can be read in the directory."""
    found = b""
    for file in os.listdir(stack.microcache):
        with contextlib.suppress(FileNotFoundError):
            found += (stack.microcache / file).read_bytes().strip(b"\0")
    return found


def be_kept(stack, browser):
    """Call until nginx has kept the yes: it is written after the answer."""

    def is_kept():
        assert browser.get("/api/whoami/").status == 200
        return entry_of(stack, browser)

    return until(is_kept, 10, "nginx keeps the yes")


def signed_in_and_kept(site):
    browser = site.signed_in()
    be_kept(site.stack, browser)
    return browser


def test_a_kept_yes_is_answered_without_bffd(site):
    browser = signed_in_and_kept(site)
    before = asked(site)
    echoes = [browser.echo() for _ in range(20)]
    newest = site.backend.issued("access", "alice")[-1]["token"]
    assert {e["headers"]["Authorization"] for e in echoes} == {f"Bearer {newest}"}
    assert asked(site) - before <= 2  # a second of the clock may have ended meanwhile


def test_it_is_asked_again_when_its_time_is_over(site):
    browser = signed_in_and_kept(site)
    before, began = asked(site), time.monotonic()

    def is_asked():
        assert browser.get("/api/whoami/").status == 200
        return asked(site) > before

    until(is_asked, LONGEST_SECONDS + 1, "bffd is asked again")
    assert time.monotonic() - began < LONGEST_SECONDS + 0.5


def test_each_session_has_its_own(site):
    browsers = [signed_in_and_kept(site) for _ in range(3)]
    browsers.append(site.signed_in("bob", "builder"))
    be_kept(site.stack, browsers[-1])
    tokens = [browser.echo()["headers"]["Authorization"] for browser in browsers * 3]
    assert len(set(tokens)) == 4 and tokens[:4] * 3 == tokens
    assert [b.get("/api/whoami/").json()["username"] for b in browsers] == ["alice"] * 3 + ["bob"]


# What a foreign page, or somebody who plays with headers, makes of a request with a good cookie.
FOREIGN = [
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [("Sec-Fetch-Site", "Same-Origin")],
    [("Sec-Fetch-Site", "same-origin x")],
    [("Sec-Fetch-Site", "cross-site"), ("Origin", "same-origin")],
    [("Origin", "https://evil.example")],
    [("Origin", "null")],
    [("Origin", "https://evil.example"), ("X-CSRF", "1")],
    [("Sec-Fetch-Site", "none"), ("Upgrade", "websocket"), ("Connection", "upgrade")],
    [("Sec-Fetch-Site", "none"), ("Upgrade", "h2c")],
]


@pytest.mark.parametrize("fields", FOREIGN, ids=str)
def test_a_foreign_request_is_refused_although_a_yes_is_kept(site, fields):
    browser = signed_in_and_kept(site)
    calls = site.backend.calls_from_now()
    answer = browser.get("/api/whoami/", fields, site=None, origin=False)
    assert (answer.status, answer.code) == (403, "csrf_failed")
    assert calls.all() == []
    assert browser.get("/api/whoami/").status == 200


def test_an_unsafe_request_is_always_asked_about(site):
    browser = signed_in_and_kept(site)
    before = asked(site)
    for _ in range(5):
        assert browser.echo("POST", body=b"{}")["method"] == "POST"
    assert asked(site) - before == 5
    assert browser.send("POST", "/api/echo/", body=b"{}", site="cross-site").status == 403
    assert browser.send("POST", "/api/echo/", body=b"{}", site="none", origin=False).status == 403


OWN = [
    {"site": "same-origin", "origin": True},
    {"site": "none", "origin": False},
    {"site": None, "origin": False},
]


@pytest.mark.parametrize("asker", OWN, ids=str)
def test_those_who_share_an_entry_would_all_pass(site, asker):
    browser = signed_in_and_kept(site)
    before = asked(site)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert browser.send(method, "/api/whoami/", **asker).status == 200
    assert asked(site) - before <= 1


def cookies(browser):
    good = f"{COOKIE_NAME}={browser.cookie}"
    other = f"{COOKIE_NAME}={'A' * 43}"
    return {
        "twice": (f"{good}; {other}", 401),
        "the other way round": (f"{other}; {good}", 401),
        "twice the same": (f"{good}; {good}", 401),
        "longer": (f"{good}A", 401),
        "shorter": (good[:-1], 401),
        "another case": (good.replace(COOKIE_NAME, COOKIE_NAME.lower()), 401),
        "in another's name": (f"x{good}", 401),
        "in another's value": (f"x={good}", 401),
        "quoted": (f'{COOKIE_NAME}="{browser.cookie}"', 401),
        "with a blank before the sign": (good.replace("=", " ="), 401),
        "with a control byte": (f"a=\x01; {good}", 400),
        "another's": (other, 401),
        "none": (None, 401),
        "between others": (f"a=1; {good} ; b=2", 200),
        "alone": (good, 200),
    }


def test_the_cookie_is_found_as_bffd_finds_it(site):
    browser = signed_in_and_kept(site)
    for what, (cookie, status) in cookies(browser).items():
        fields = [("Cookie", cookie)] if cookie else []
        answer = browser.get("/api/whoami/", fields, cookie=False)
        assert answer.status == status, (what, answer)


def test_a_refusal_is_never_kept(site):
    stranger = site.browser("A" * 43)
    before = asked(site)
    for _ in range(10):
        assert stranger.get("/api/whoami/").status == 401
    assert asked(site) - before == 10
    assert entry_of(site.stack, stranger) == b""


def test_bffd_that_hands_out_nothing_is_always_asked():
    hands_out_nothing = {"server.microcache": "", "log.level": "debug"}
    with running(microcache=True, overrides=hands_out_nothing) as site:
        browser = site.signed_in()
        for _ in range(10):
            assert browser.get("/api/whoami/").status == 200
        assert asked(site) == 10
        assert kept(site.stack) == b""


def test_after_a_sign_out_nothing_passes_and_nothing_is_left(site):
    browser = signed_in_and_kept(site)
    token = site.backend.issued("access", "alice")[-1]["token"]
    old = browser.twin()
    assert token.encode() in kept(site.stack) and old.cookie.encode() in kept(site.stack)
    assert browser.sign_out().status == 204
    assert token.encode() not in kept(site.stack) and old.cookie.encode() not in kept(site.stack)
    assert at_once(20, lambda i: old.twin().get("/api/whoami/").status) == [401] * 20


def test_an_entry_that_nginx_writes_late_goes_all_the_same(site):
    """It is ourselves who write it: nginx cannot be made to be late."""
    browser = signed_in_and_kept(site)
    entry, late = entry_path(site.stack, browser), site.stack.microcache / "late"
    late.write_bytes(entry.read_bytes())
    old = browser.twin()

    def write_late():
        until(lambda: not entry_of(site.stack, old), 5, "the entry is taken away")
        late.replace(entry)

    writer = threading.Thread(target=write_late)
    writer.start()
    assert browser.sign_out().status == 204
    writer.join()
    assert not late.exists()
    until(lambda: not entry_of(site.stack, old), 1, "it is taken away again")
    assert old.get("/api/whoami/").status == 401


def test_a_refresh_takes_the_old_token_away(site):
    browser = signed_in_and_kept(site)
    calls = site.backend.calls_from_now()
    old = browser.echo()["headers"]["Authorization"]
    site.backend.revoke_access("alice")
    # Django refuses what nginx has kept, bffd refreshes, nginx repeats the request.
    assert browser.get("/api/whoami/").status == 200
    new = [browser.echo()["headers"]["Authorization"] for _ in range(10)]
    assert set(new) == {f"Bearer {site.backend.issued('access', 'alice')[-1]['token']}"}
    assert old not in new and len(calls.refreshes) == 1
    be_kept(site.stack, browser)
    assert browser.echo()["headers"]["Authorization"] == new[0]


def test_a_session_whose_refresh_is_rejected_ends_at_once(site):
    browser = signed_in_and_kept(site)
    old = browser.twin()
    site.backend.change_signing_key()  # neither token is good any more
    answer = browser.get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "session_expired")
    assert entry_of(site.stack, old) == b""
    assert old.get("/api/whoami/").status == 401


def test_a_session_that_goes_from_redis_is_seen_at_once(site):
    browser, key = site.signed_in_with_key()
    be_kept(site.stack, browser)
    site.redis.delete(key)
    until(lambda: not entry_of(site.stack, browser), 1, "the entry goes")
    assert browser.get("/api/whoami/").status == 401


def test_a_redis_that_goes_leaves_nothing(site):
    browser = signed_in_and_kept(site)
    site.stack.redis.kill()
    until(lambda: browser.get("/api/whoami/").status == 503, 5, "a worker has noticed")
    until(lambda: not kept(site.stack), 5, "the entries go")
    site.stack.redis.start()
    until(lambda: site.browser().get("/bff/ready").status == 200, 10, "Redis is back")


def when(event):
    return datetime.datetime.fromisoformat(event["ts"]).timestamp()


def test_what_killed_workers_had_handed_out_goes_before_others_take_their_place(site):
    browser = signed_in_and_kept(site)
    before = len(site.events("worker_started"))
    for pid in site.stack.bffd.worker_pids():
        os.kill(pid, 9)
    until(lambda: len(site.events("worker_started")) > before, 10, "workers are back")
    assert entry_of(site.stack, browser) == b""
    emptied = entry_path(site.stack, browser).stat().st_mtime
    # Not by a new worker: the first comes 50 ms later. (A file's time may be behind.)
    assert emptied < when(site.events("worker_started")[before]) - 0.025
    until(lambda: browser.get("/api/whoami/").status == 200, 10, "it goes on")


def test_a_reload_leaves_nothing_and_goes_on(site):
    browser = signed_in_and_kept(site)
    site.stack.bffd.reload()
    until(lambda: not entry_of(site.stack, browser), 2, "the entry goes with who handed it out")
    be_kept(site.stack, browser)
    old = browser.twin()
    assert browser.sign_out().status == 204
    assert at_once(20, lambda i: old.twin().get("/api/whoami/").status) == [401] * 20


def test_workers_serve_although_the_directory_is_gone(site):
    browser = signed_in_and_kept(site)
    directory, away = site.stack.microcache, site.stack.microcache.with_suffix(".away")
    directory.rename(away)
    try:
        before = len(site.events("store_back"))
        for pid in site.stack.bffd.worker_pids():
            os.kill(pid, 9)
        until(lambda: len(site.events("store_back")) > before + 1, 10, "workers are back")
        started = site.stack.bffd.worker_pids()
        asks = asked(site)
        assert [browser.get("/api/whoami/").status for _ in range(5)] == [200] * 5
        assert asked(site) - asks == 5 and site.stack.bffd.worker_pids() == started
    finally:
        away.rename(directory)
    site.stack.bffd.reload()
    be_kept(site.stack, browser)


def test_what_a_killed_bffd_left_goes_when_it_starts_again(site):
    browser = signed_in_and_kept(site)
    site.stack.bffd.kill()
    assert entry_of(site.stack, browser) != b""
    site.stack.redis.kill()
    site.stack.bffd.start()
    assert entry_of(site.stack, browser) == b""
    site.stack.redis.start()
    until(lambda: site.browser().get("/bff/ready").status == 200, 10, "Redis is back")


def test_what_nobody_asks_for_goes_by_itself(site):
    browser = signed_in_and_kept(site)
    # nginx looks every ten seconds at the latest.
    until(lambda: browser.cookie.encode() not in kept(site.stack), 20, "nginx removes it")


def test_nginx_complains_of_nothing(site):
    """Entries that were taken away are still nginx' to remove."""
    browser = signed_in_and_kept(site)
    entry = entry_path(site.stack, browser)
    assert browser.sign_out().status == 204
    assert entry.exists()
    until(lambda: not entry.exists(), 20, "nginx removes it")
    log = site.stack.nginx.log_text()
    assert "[crit]" not in log and "[alert]" not in log, log


def test_the_idle_time_is_counted_as_ever():
    limits = {"session.idle_timeout": "60s", "session.touch_interval": "2s"}
    with running(microcache=True, overrides=limits) as site:
        browser, key = site.signed_in_with_key()
        first = record.of(site.redis, key).seen
        began = time.monotonic()

        def is_touched():
            assert browser.get("/api/whoami/").status == 200
            return record.of(site.redis, key).seen > first

        # An entry ends before a touch is due, so that none is late.
        until(is_touched, 5, "activity is written down")
        assert 1.9 < time.monotonic() - began < 3


class Asking:
    """Tabs that call all the while. Of each call that passed, when it was sent."""

    def __init__(self, *browsers):
        self._stop, self.passed = threading.Event(), []
        self._threads = [threading.Thread(target=self._call, args=(b.twin(),)) for b in browsers]
        for thread in self._threads:
            thread.start()

    def _call(self, browser):
        while not self._stop.is_set():
            sent = time.monotonic()
            if browser.get("/api/whoami/").status == 200:
                self.passed.append(sent)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.passed


@contextlib.contextmanager
def another_host(site):
    """On the same Redis, with an nginx and a cache of its own."""
    with tempfile.TemporaryDirectory(prefix="bffd-e2e-") as directory:
        wishes = {"redis": site.stack.redis, "key_file": site.stack.key_file, "microcache": True}
        wishes["overrides"] = {"session.refresh_ahead": "0s", **SITE["overrides"]}
        stack = Stack(f"{directory}/stack", backend_url=site.backend.url, login_rate=1000, **wishes)
        with stack:
            yield Site(stack, site.backend)


def milliseconds_late(site, there):
    """How long after the answer to a sign-out a call was sent that passed: here, and elsewhere.
    Negative: none was."""
    browser = signed_in_and_kept(site)
    elsewhere = there.browser(browser.cookie)
    be_kept(there.stack, elsewhere)
    here, far = Asking(browser, browser), Asking(elsewhere, elsewhere)
    until(lambda: here.passed and far.passed, 5, "both are asked")
    assert browser.sign_out().status == 204
    signed_out = time.monotonic()
    until(lambda: elsewhere.twin().get("/api/whoami/").status == 401, 5, "it is seen there")
    return [(max(asking.stop()) - signed_out) * 1000 for asking in (here, far)]


def test_a_sign_out_is_seen_here_before_its_answer_and_elsewhere_in_milliseconds(site):
    with another_host(site) as there:
        here, elsewhere = zip(*(milliseconds_late(site, there) for _ in range(ROUNDS)))
    print(f"the last call that passed was sent {max(here):.1f} ms after the answer to the sign-out"
          f" on its host, {max(elsewhere):.1f} ms after it on another")
    assert max(here) < 0
    assert max(elsewhere) < 250


def test_a_refresh_elsewhere_brings_the_new_token_here(site):
    with another_host(site) as there:
        browser = signed_in_and_kept(site)
        elsewhere = there.browser(browser.cookie)
        be_kept(there.stack, elsewhere)
        site.backend.revoke_access("alice")
        assert elsewhere.get("/api/whoami/").status == 200
        new = f"Bearer {site.backend.issued('access', 'alice')[-1]['token']}"
        until(lambda: browser.echo()["headers"]["Authorization"] == new, 1, "the new token is used")
        assert {browser.echo()["headers"]["Authorization"] for _ in range(10)} == {new}


def test_at_the_end_nothing_is_left():
    with running(microcache=True) as site:
        browser = signed_in_and_kept(site)
        assert browser.cookie.encode() in kept(site.stack)
        site.stack.bffd.stop()
        assert kept(site.stack) == b""
