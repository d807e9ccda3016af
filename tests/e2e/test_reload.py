"""A start or a reload that cannot be carried out: what serves goes on serving, and what does not is
tried again."""

import contextlib
import itertools
import os
import re
import resource
import signal
import socket

import pytest

from fullsite import FakeBackend, running
from until import until

SITE = {"backend": FakeBackend, "workers": 1, "env": {"access_seconds": 600}}


def limit_with_free(pid, count):
    """Of open files: so many more can be opened."""
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    free = (number for number in itertools.count() if number not in taken)
    return next(itertools.islice(free, count, None))


@contextlib.contextmanager
def no_room_for_workers(site):
    """The supervisor can open what it tells a worker by; the worker nothing that it works with."""
    pid = site.stack.bffd.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    site.starves_workers = True
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit_with_free(pid, 2), before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@pytest.fixture
def edited(site):
    """edited(pattern, line): the configuration is changed, until the test is over."""
    path = site.stack.bffd.config
    text = path.read_text()

    def edit(pattern, line):
        new, count = re.subn(pattern, line, text, count=1, flags=re.MULTILINE)
        assert count == 1, text
        path.write_text(new)

    yield edit
    path.write_text(text)


def refusal(site):
    """SIGHUP, and why nothing came of it."""
    before = len(site.events("reload_refused"))
    site.stack.bffd.signal(signal.SIGHUP)
    until(lambda: len(site.events("reload_refused")) > before, 20, "the reload is refused")
    return site.events("reload_refused")[-1]["reason"]


def assert_as_before(site, browser, workers):
    until(lambda: site.stack.bffd.worker_pids() == workers, 20, "the workers are those of before")
    assert browser.get("/api/me/").status == 200


def is_another(now, before):
    """One, and none of those that were there: they have ended."""
    return len(now) == 1 and not set(now) & set(before)


def test_workers_that_do_not_come_up_change_nothing(site):
    browser, workers = site.signed_in(), site.stack.bffd.worker_pids()
    with no_room_for_workers(site):
        assert refusal(site) == "a new worker did not serve; the old ones stay"
        assert_as_before(site, browser, workers)
    site.stack.bffd.signal(signal.SIGHUP)
    until(lambda: is_another(site.stack.bffd.worker_pids(), workers), 20, "there is room again")


def test_an_address_that_is_anothers_changes_nothing(site, edited):
    browser, workers = site.signed_in(), site.stack.bffd.worker_pids()
    with socket.create_server(("127.0.0.1", 0)) as other:
        edited(r"^listen *=.*$", f"listen = 127.0.0.1:{other.getsockname()[1]}")
        assert "bind: Address already in use" in refusal(site)
    assert_as_before(site, browser, workers)


def test_a_new_address_is_given_up_again_when_workers_do_not_come_up(site, edited, tmp_path):
    browser, workers = site.signed_in(), site.stack.bffd.worker_pids()
    edited(r"^listen *=.*$", f"listen = unix:{tmp_path}/other.sock")
    with no_room_for_workers(site):
        refusal(site)
        assert_as_before(site, browser, workers)
    assert not (tmp_path / "other.sock").exists()


def test_a_worker_that_cannot_be_replaced_at_once_is_replaced_later():
    with running(FakeBackend, workers=1) as site:
        browser = site.signed_in()
        (first,) = site.stack.bffd.worker_pids()
        with no_room_for_workers(site):
            os.kill(first, signal.SIGKILL)
            until(lambda: len(site.events("worker_start_failed")) > 1, 20, "it is tried in vain")
        until(lambda: browser.get("/api/me/").status == 200, 20, "another one serves")
