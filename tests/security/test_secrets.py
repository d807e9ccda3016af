"""Where a canary could be left: logs at debug level, files, Redis, /proc, and memory after sign-out."""

import json
import os
from pathlib import Path

import pytest

import memory
from fullsite import DjangoBackend
from site_fixtures import tokens_in
from test_secrets_at_rest import cookie_forms
from token_text import telling_parts
from until import until

PASSWORD = "wonderland"
WRONG = "canary-wrong-4f1c"
BODY = b"canary-body-91d3" * 4096  # large enough for nginx to put it into a file

SITE = {"backend": DjangoBackend, "overrides": {"log.level": "debug"}, "microcache": True,
        "env": {"BFF_TEST_ACCESS_SECONDS": 60}}


class Used:
    """A site on which everything has happened, and that nobody is signed in to any more."""

    def __init__(self, site):
        self.site, self.cookies = site, []
        site.browser().sign_in(password=WRONG)
        for user, password in (("alice", PASSWORD), ("bob", "builder"), ("carol", "carroll")):
            browser = site.signed_in(user, password)
            self.cookies.append(browser.cookie)
            for _ in range(5):
                assert browser.get("/api/whoami/").status == 200
            assert browser.send("POST", "/api/upload/", body=BODY).status == 200
            site.backend.revoke_access(user)
            assert browser.send("POST", "/api/upload/", body=BODY).status == 200
            assert browser.get("/bff/session").status == 200
            assert browser.sign_out().status == 204
        self.tokens = site.backend.all_issued()

    @property
    def passwords(self):
        return [word.encode() for word in (PASSWORD, WRONG)]

    def canaries(self):
        for token in self.tokens:
            yield from telling_parts(token["token"])
            yield token["jti"].encode()
        for cookie in self.cookies:
            yield from cookie_forms(cookie)
        yield from self.passwords
        yield BODY[:16]

    def found_in(self, heap):
        return [canary for canary in self.canaries() if canary in heap]


@pytest.fixture(scope="module")
def used(site):
    return Used(site)


def files_below(directory):
    return [path for path in Path(directory).rglob("*") if path.is_file() and not path.is_socket()]


def test_the_search_finds_what_is_there(used):
    heap = json.dumps(used.tokens[0]).encode()
    assert len(used.found_in(heap)) == 3
    assert tokens_in(heap, used.tokens)


def test_no_file_of_the_site_holds_a_canary(used):
    """Logs of all processes at debug level, temporary files, bodies that nginx spooled, sockets'
    directories; the configuration is the site's own."""
    files = files_below(used.site.stack.directory)
    assert {"bffd.log", "nginx.log", "nginx-access.log", "redis.log"} <= {f.name for f in files}
    for file in files:
        assert not used.found_in(file.read_bytes()), file
    assert len(used.site.events("request")) > 15, "the log has said nothing"


def test_the_micro_cache_holds_nothing_after_the_sign_out(used):
    """What is left, if anything: nginx removes by itself what nobody asks for."""
    directory = used.site.stack.microcache
    for file in files_below(directory):
        assert not used.found_in(file.read_bytes() + file.name.encode())
    until(lambda: not files_below(directory), 10, "nginx has removed the rest")


def test_redis_holds_nothing_in_any_form(used):
    redis = used.site.redis
    heap = b"\n".join(key + b" " + (redis.dump(key) or b"") for key in redis.keys("*"))
    assert not used.found_in(heap)
    assert used.site.session_keys() == set()


def test_nothing_of_bffd_stays_in_shared_memory_or_tmp(used):
    """Of what belongs to its processes: their open files and their mappings."""
    for pid in [used.site.stack.bffd.pid, *used.site.stack.bffd.worker_pids()]:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(fd)
            if target.startswith("/") and os.path.isfile(target):
                assert not used.found_in(Path(target).read_bytes()), target


def test_proc_shows_no_canary(used):
    for pid in [used.site.stack.bffd.pid, *used.site.stack.bffd.worker_pids()]:
        for name in ("cmdline", "environ", "comm", "maps", "stat", "status"):
            assert not used.found_in(Path(f"/proc/{pid}/{name}").read_bytes()), name


def heaps(component, pids):
    """Their memory. Whoever is not root may not even look, where bffd is not dumpable."""
    try:
        return [memory.writable(pid) for pid in pids]
    except PermissionError:
        assert os.geteuid() != 0
        return []


def test_redis_memory_never_had_a_canary(used):
    """Not sealed before it is sent, but sealed there: its own process never saw one."""
    for heap in heaps("redis", [used.site.stack.redis.pid]):
        assert not used.found_in(heap)


# What a library leaves and our code cannot reach. libjwt 1.10 has no hooks for its memory; it is
# given {"alg":"none"} and the payload, never the signature: what stays opens nothing.
LIBJWT_HEADS = (b"In0.", b"In0\0")  # it puts a null where the full stop was


def assert_wiped(heap, used):
    for token in used.tokens:
        payload, signature = telling_parts(token["token"])
        assert memory.find(heap, signature) == [], "a token's signature"
        for before in memory.find(heap, payload):
            assert before.endswith(LIBJWT_HEADS), before
    for cookie in used.cookies:
        assert [form for form in cookie_forms(cookie) if form in heap] == []
    assert [word for word in used.passwords if word in heap] == []


def wiped(used):
    bffd = used.site.stack.bffd
    for heap in heaps("bffd", [bffd.pid, *bffd.worker_pids()]):
        assert_wiped(heap, used)
    return True


def is_wiped(used):
    try:
        return wiped(used)
    except AssertionError:
        return False


def test_after_the_sign_out_the_memory_of_bffd_holds_no_token_cookie_or_password(used):
    """A worker that did not serve the sign-out looks twice a second through its cache."""
    try:
        until(lambda: is_wiped(used), 3, "all copies are gone")
    except AssertionError:
        wiped(used)  # says what is left
        raise


def test_the_search_in_memory_finds_a_token_that_is_in_use(used):
    """Else the one before would show nothing. As many copies as there are caches, and no more."""
    browser = used.site.signed_in("bob", "builder")
    for _ in range(20):
        assert browser.get("/api/whoami/").status == 200
    access = used.site.backend.issued("access", "bob")[-1]["token"]
    refresh = used.site.backend.issued("refresh", "bob")[-1]["token"]
    workers = used.site.stack.bffd.worker_pids()
    for heap in heaps("bffd", workers):
        assert memory.find(heap, refresh.encode()) == []
        assert memory.find(heap, b"builder") == []
    copies = sum(len(memory.find(heap, access.encode())) for heap in heaps("bffd", workers))
    assert 1 <= copies <= 2 * len(workers) or os.geteuid() != 0
    assert browser.sign_out().status == 204
