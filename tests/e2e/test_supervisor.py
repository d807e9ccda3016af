"""Worker processes come and go; requests and sessions do not notice more than they must."""

import contextlib
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

import fastcgi
from client import InFlight, at_once
from fullsite import FakeBackend, open_sockets, running
from held_socket import HAND_OVER
from load import Load
from until import until

SITE = {"workers": 2}
TAKEN_S = 2  # a sweep, and what a loaded machine needs


@pytest.fixture(scope="module")
def odd_site():
    """A login that hangs is a request in flight for as long as a test likes."""
    overrides = {"server.io_threads": "40", "backend.timeout": "15s"}
    with running(FakeBackend, overrides=overrides, workers=2) as odd:
        yield odd


@pytest.fixture(scope="module")
def short_site():
    """Leases are soon over."""
    overrides = {"backend.timeout": "1s", "backend.connect_timeout": "1s", "refresh.lease": "2s"}
    overrides["redis.command_timeout"] = "500ms"
    with running(FakeBackend, overrides=overrides, workers=2, env={"access_seconds": 3}) as short:
        yield short


@pytest.fixture
def slow(odd_site):
    odd_site.backend.control(reset=True)
    yield odd_site
    odd_site.backend.control(reset=True)


def connections_to(port, pid):
    """How many established TCP connections the process has to that loopback port (proc(5))."""
    sockets = open_sockets(pid)
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        f"socket:[{fields[9]}]" in sockets
        for fields in lines
        if fields[2].endswith(f":{port:04X}") and fields[3] == "01"
    )


def wait_for_new_workers(site, before, count=2):
    def replaced():
        now = site.stack.bffd.worker_pids()
        return len(now) == count and not set(now) & set(before)

    until(replaced, 10, "the workers are replaced")


def wait_for_traffic(site):
    log = site.stack.nginx.access_log
    before = log.stat().st_size
    until(lambda: log.stat().st_size > before + 20_000, 10, "the load has begun")


def test_a_killed_worker_is_replaced_and_no_session_is_lost(site):
    browsers = [site.signed_in() for _ in range(10)]
    victim, survivor = site.stack.bffd.worker_pids()
    load = Load(browsers[0], "/api/whoami/", connections=32, seconds=4)
    wait_for_traffic(site)
    os.kill(victim, signal.SIGKILL)
    until(
        lambda: len(set(site.stack.bffd.worker_pids()) - {victim}) == 2, 3, "a worker in its place"
    )
    assert survivor in site.stack.bffd.worker_pids()
    wait_for_traffic(site)
    load.finish()
    # At most one request was under way on each connection of nginx to the worker that died.
    assert load.refused <= 32, load.report
    assert load.socket_errors is None, load.report
    assert load.requests > 200, load.report
    assert [browser.get("/api/whoami/").status for browser in browsers] == [200] * 10


def test_a_killed_worker_costs_only_its_own_requests(slow):
    site, flight = slow, InFlight()
    victim, survivor = site.stack.bffd.worker_pids()
    site.backend.control(login={"hang": True})
    for worker, other in ((victim, survivor), (survivor, victim)):
        os.kill(other, signal.SIGSTOP)  # while it stands still, the worker takes all that comes
        for _ in range(4):
            flight.send(lambda: site.browser().sign_in())
        until(
            lambda: connections_to(site.backend.port, worker) == 4, 5, "four sign-ins on a worker"
        )
        os.kill(other, signal.SIGCONT)
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(flight.answers) == 4, 5, "the requests of the dead have failed")
    assert all(answer.status in (502, 503) and answer.code for answer in flight.answers)
    site.backend.control(release=True, login=None)
    assert sorted(flight.statuses())[:4] == [200] * 4


def kill_at_once(workers):
    """None of them can take a call over from another of them."""
    for signal_number in (signal.SIGSTOP, signal.SIGKILL):
        for worker in workers:
            os.kill(worker, signal_number)


@pytest.mark.parametrize("leg", ["authorize", "renew"])
@pytest.mark.parametrize("method, size", [("GET", 0), ("POST", 100_000)])
def test_a_call_whose_worker_dies_is_decided_by_another(short_site, leg, method, size):
    """The dead one had begun a refresh: who comes after it waits until its lease is over."""
    site, flight, browser = short_site, InFlight(), short_site.signed_in()
    if leg == "authorize":
        site.let_access_expire()
    else:
        site.backend.control(revoke_access=True)
    calls = site.backend.calls_from_now()
    site.backend.control(refresh={"hang": True})
    flight.send(lambda: browser.send(method, "/api/upload/", body=b"x" * size or None))
    until(lambda: len(calls.refreshes) == 1, 10, "the refresh is under way")
    kill_at_once(site.stack.bffd.worker_pids())
    site.backend.control(refresh=None)
    (answer,) = until(lambda: flight.answers, 10, "it is answered")
    assert answer.status == 200, answer
    assert answer.header("WWW-Authenticate") is None
    assert len(calls.refreshes) == 2 and len({c["request_id"] for c in calls.refreshes}) == 1
    (carried,) = (call for call in calls.all("/api/upload/") if call["status"] == 200)
    assert carried["body_size"] == size
    site.backend.control(release=True)


def pauses_before_restarts(events):
    """Seconds from each worker's end to the next one's beginning, by the log's own clock."""
    times = {"worker_exited": [], "worker_started": []}
    for event in events:
        if event["event"] in times:
            at = datetime.fromisoformat(event["ts"].replace("Z", "+00:00"))
            times[event["event"]].append(at.timestamp())
    return [
        min(started - ended for started in times["worker_started"] if started >= ended)
        for ended in times["worker_exited"]
    ]


def test_a_worker_that_dies_again_and_again_is_restarted_ever_more_slowly():
    with running(FakeBackend, workers=1) as site:
        for _ in range(5):
            (victim,) = until(site.stack.bffd.worker_pids, 10, "a worker")
            os.kill(victim, signal.SIGKILL)
            until(lambda: site.stack.bffd.worker_pids() not in ([], [victim]), 10, "a new one")
        pauses = pauses_before_restarts(site.stack.bffd.events())
        expected = [0.05, 0.1, 0.2, 0.4, 0.8]
        assert all(a > b - 0.01 for a, b in zip(pauses, expected)), pauses
        assert site.signed_in().get("/api/whoami/").status in (200, 401)


def test_sighup_under_load_fails_no_request(site):
    browser = site.signed_in()
    before = site.stack.bffd.worker_pids()
    load = Load(browser, "/api/whoami/", connections=64, seconds=6)
    wait_for_traffic(site)
    for _ in range(3):
        site.stack.bffd.reload()
        wait_for_new_workers(site, before)
        before = site.stack.bffd.worker_pids()
        wait_for_traffic(site)
    assert load.is_running(), "the load ended before the last reload"
    load.finish()
    assert (load.refused, load.socket_errors) == (0, None), load.report
    assert load.requests > 500, load.report
    assert browser.get("/api/whoami/").status == 200


def edit(site, pattern, replacement):
    """Change the configuration file; the old text is returned."""
    old = site.stack.bffd.config.read_text()
    new, count = re.subn(pattern, replacement, old, flags=re.MULTILINE)
    assert count == 1, old
    site.stack.bffd.config.write_text(new)
    return old


def test_sighup_puts_a_new_configuration_into_use(site):
    before = site.stack.bffd.worker_pids()
    old = edit(site, r"^workers *=.*$", "workers = 3")
    try:
        site.stack.bffd.reload()
        wait_for_new_workers(site, before, count=3)
    finally:
        site.stack.bffd.config.write_text(old)
    before = site.stack.bffd.worker_pids()
    site.stack.bffd.reload()
    wait_for_new_workers(site, before, count=2)


def test_sighup_with_a_broken_configuration_changes_nothing(site):
    browser, before = site.signed_in(), site.stack.bffd.worker_pids()
    old = edit(site, r"^workers *=.*$", "workers = many")
    try:
        said = site.stack.bffd.log.stat().st_size
        site.stack.bffd.signal(signal.SIGHUP)
        until(
            lambda: "workers" in site.stack.bffd.log.read_text()[said:], 5, "the log says why"
        )
    finally:
        site.stack.bffd.config.write_text(old)
    assert site.stack.bffd.worker_pids() == before
    assert browser.get("/api/whoami/").status == 200


def test_sighup_lets_requests_in_flight_finish(slow):
    site, flight = slow, InFlight()
    before = site.stack.bffd.worker_pids()
    site.backend.control(login={"hang": True})
    began = len(site.backend.begun())
    for _ in range(6):
        flight.send(lambda: site.browser().sign_in())
    until(lambda: len(site.backend.begun()) == began + 6, 5, "six sign-ins are under way")
    site.stack.bffd.signal(signal.SIGHUP)
    until(lambda: set(site.stack.bffd.worker_pids()) - set(before), 10, "new workers")
    site.backend.control(release=True, login=None)
    assert flight.statuses() == [200] * 6


def test_who_has_connected_is_served_by_a_worker_that_drains():
    """nginx connects and sends a moment later. What it sends then can go nowhere else: only where
    the connection was kept it would try again."""
    with running(FakeBackend, workers=1) as site:
        (worker,) = site.stack.bffd.worker_pids()
        before = len(open_sockets(worker))
        with socket.socket(socket.AF_UNIX) as nginx:
            nginx.connect(str(site.stack.socket))
            until(lambda: len(open_sockets(worker)) > before, 5, "the worker has accepted")
            site.stack.bffd.signal(signal.SIGHUP)
            until(lambda: site.events("draining"), 10, "the worker is about to go")
            nginx.sendall(fastcgi.request(BFF_LEG="health", REQUEST_METHOD="GET"))
            nginx.settimeout(5)
            assert b"Status: 200" in nginx.recv(4096)
        until(lambda: site.events("worker_exited"), 5, "it goes")


def test_sigterm_finishes_what_is_in_flight(slow):
    site, flight = slow, InFlight()
    browser = site.signed_in()
    tab = browser.twin()
    began = len(site.backend.begun())
    site.backend.control(
        revoke_access=True, login={"hang": True}, refresh={"hang": True}
    )
    for _ in range(4):
        flight.send(lambda: site.browser().sign_in())
    flight.send(lambda: tab.get("/api/upload/"))  # the first to need the refresh
    for _ in range(3):
        flight.send(lambda: tab.twin().get("/api/upload/"))
    # four sign-ins, one refresh, and four calls that were answered with 401 and wait for it
    until(lambda: len(site.backend.begun()) == began + 9, 5, "all are under way")
    site.stack.bffd.signal(signal.SIGTERM)
    until(lambda: site.events("draining"), 5, "bffd is about to go")
    site.backend.control(release=True, login=None, refresh=None)
    assert flight.statuses() == [200] * 8
    until(lambda: not site.stack.bffd.is_running(), 10, "it is gone")
    site.stack.bffd.start()
    assert browser.get("/api/upload/").status == 200


@contextlib.contextmanager
def held_socket(bffd):
    """bffd's address, as somebody else listens there. bffd serves it by itself afterwards."""
    (path,) = re.findall(r"^listen *= *unix:(\S+)", bffd.config.read_text(), re.MULTILINE)
    mode = os.stat(path).st_mode & 0o777
    bffd.stop()
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(path)
        os.chmod(path, mode)
        held.listen(512)
        yield held
    assert Path(path).exists(), "the socket is systemd's, and not ours to remove"
    Path(path).unlink()
    bffd.start()


@contextlib.contextmanager
def serving(bffd, held):
    process = subprocess.Popen(
        ["/bin/sh", "-c", HAND_OVER, *map(str, bffd.command())],
        stdin=held,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(15) == 0


def test_a_socket_that_systemd_hands_over_is_served(site):
    bffd, browser = site.stack.bffd, site.signed_in()
    with held_socket(bffd) as held, serving(bffd, held):
        # nginx's connection waits in the socket's backlog until a worker takes it.
        assert at_once(8, lambda i: browser.get("/api/whoami/").status) == [200] * 8
    assert browser.get("/api/whoami/").status == 200


def is_healthy(site):
    with fastcgi.Connection(site) as nginx:
        return "Status: 200" in nginx.ask(BFF_LEG="health", REQUEST_METHOD="GET")


def somebody_waits_for(fd):
    """One of our threads sleeps in a system call whose first argument is that descriptor."""

    def is_there(task):
        call, state = (task / "syscall").read_text().split(), (task / "stat").read_text()
        return call[1:2] == [f"{fd:#x}"] and state.rpartition(") ")[2].startswith("S")

    return any(is_there(task) for task in Path("/proc/self/task").iterdir())


def test_a_connection_of_which_another_process_was_told_is_taken_all_the_same(site):
    """Of those who wait with EPOLLEXCLUSIVE one is told. It may have no room, or die of something
    else just then; here it does nothing."""
    with held_socket(site.stack.bffd) as held, select.epoll() as other:
        other.register(held, select.EPOLLIN | select.EPOLLEXCLUSIVE)  # before bffd, so told first
        with serving(site.stack.bffd, held):
            assert is_healthy(site)
            told = InFlight()
            told.send(lambda: other.poll(10))
            until(lambda: somebody_waits_for(other.fileno()), 5, "the other process waits")
            began = time.monotonic()
            assert is_healthy(site)
            assert time.monotonic() - began < TAKEN_S
            assert told.statuses() == [[(held.fileno(), select.EPOLLIN)]]


def test_after_a_reload_that_failed_workers_are_still_replaced_again_and_again():
    with running(FakeBackend, workers=1) as site:
        supervisor, limit = site.stack.bffd.pid, resource.RLIMIT_NOFILE
        before = resource.prlimit(supervisor, limit)
        refused = len(site.events("reload_refused"))
        resource.prlimit(supervisor, limit, (4, before[1]))  # no pipe, so no new worker
        site.stack.bffd.signal(signal.SIGHUP)
        until(lambda: len(site.events("reload_refused")) > refused, 10, "the reload fails")
        resource.prlimit(supervisor, limit, before)
        for _ in range(3):
            (victim,) = until(site.stack.bffd.worker_pids, 10, "a worker")
            os.kill(victim, signal.SIGKILL)
            until(lambda: site.stack.bffd.worker_pids() not in ([], [victim]), 10, "a new one")
        assert site.signed_in().session()["authenticated"] is True


def test_a_retired_address_is_given_up_by_the_new_workers_too(tmp_path):
    with running(FakeBackend, workers=1) as site:
        old = str(site.stack.directory / "bff.sock")
        before = site.stack.bffd.worker_pids()
        edit(site, r"^listen *=.*$", f"listen = unix:{tmp_path}/other.sock")
        site.stack.bffd.reload()
        wait_for_new_workers(site, before, count=1)
        assert not Path(old).exists()
        listening = Path("/proc/net/unix").read_text()
        assert f"{tmp_path}/other.sock" in listening and old not in listening
