"""bffd under a service manager: what it says on $NOTIFY_SOCKET (sd_notify(3)), and what the watchdog
is told when workers hang."""

import os
import signal
import socket
import threading
import time
from types import SimpleNamespace

import pytest

import site_files
from components import Redis
from held_socket import HeldBffd
from until import until

WATCHDOG_S = 2
SILENT_S = WATCHDOG_S / 2  # so long a worker may be silent


class NotifiedBffd(HeldBffd):
    """`told`: (when, what) of all that it has said."""

    def __init__(self, stack):
        super().__init__(stack)
        self.address = self.directory / "notify.sock"
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(self.address))
        self.told = []
        self._listening = threading.Thread(target=self._hear)
        self._listening.start()

    def _hear(self):
        while what := self._ear.recv(4096).decode():
            self.told.append((time.monotonic(), what))

    def environment(self):
        usec = str(int(WATCHDOG_S * 1e6))
        return {**os.environ, "NOTIFY_SOCKET": str(self.address), "WATCHDOG_USEC": usec}

    def said(self, text):
        return sum(text in what for _, what in self.told)

    def let_go(self):
        super().let_go()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"", str(self.address))
        self._listening.join()
        self._ear.close()


@pytest.fixture
def bffd(tmp_path):
    redis = Redis(tmp_path)
    site_files.make_key(tmp_path / "key")
    config = tmp_path / "bff.conf"
    config.write_text(
        f"[server]\nkey_file = {tmp_path}/key\nworkers = 2\n[redis]\nurl = {redis.url}\n"
        "[backend]\nurl = http://127.0.0.1:9\n"
    )
    redis.start()
    stack = SimpleNamespace(directory=tmp_path, config=config, socket=tmp_path / "bff.sock")
    part = NotifiedBffd(stack)
    try:
        part.start()
        yield part
    finally:
        part.kill()
        part.let_go()
        redis.stop()


def test_it_says_when_it_is_ready_reloads_and_stops(bffd):
    until(lambda: bffd.said("READY=1") == 1, 5, "it is ready")
    began_us = time.monotonic_ns() // 1000
    bffd.reload()
    until(lambda: bffd.said("READY=1") == 2, 5, "it is ready again")
    words = [what for _, what in bffd.told if what != "WATCHDOG=1"]
    reloading, _, since = words[1].partition("\nMONOTONIC_USEC=")
    assert (words[0], reloading, words[2]) == ("READY=1", "RELOADING=1", "READY=1")
    assert began_us <= int(since) <= time.monotonic_ns() // 1000
    bffd.config.write_text("[server]\nworkers = none\n")
    bffd.signal(signal.SIGHUP)
    until(lambda: bffd.said("READY=1") == 3, 5, "it goes on as before")
    assert bffd.events("reload_refused")
    bffd.stop()
    until(lambda: bffd.said("STOPPING=1") == 1, 5, "it stops")


def pings(bffd):
    return [when for when, what in bffd.told if what == "WATCHDOG=1"]


def test_the_watchdog_hears_of_it_in_time(bffd):
    until(lambda: len(pings(bffd)) >= 8, 3 * WATCHDOG_S, "it pings")
    times = pings(bffd)
    assert max(b - a for a, b in zip(times, times[1:])) < WATCHDOG_S


def test_a_worker_that_hangs_is_replaced_and_the_other_is_left_alone(bffd):
    hung, other = bffd.worker_pids()
    os.kill(hung, signal.SIGSTOP)
    stopped_at = time.monotonic()
    until(lambda: hung not in bffd.worker_pids(), 2 * WATCHDOG_S, "it is killed")
    assert time.monotonic() - stopped_at > SILENT_S / 2
    until(lambda: len(bffd.worker_pids()) == 2, 5, "there is another one")
    assert other in bffd.worker_pids()
    assert [event["pid"] for event in bffd.events("worker_silent")] == [str(hung)]
    times = pings(bffd)
    assert max(b - a for a, b in zip(times, times[1:])) < WATCHDOG_S


def test_when_all_workers_hang_it_is_silent_until_others_answer(bffd):
    before = bffd.worker_pids()
    until(lambda: pings(bffd), WATCHDOG_S, "it pings")
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: len(bffd.events("worker_silent")) == 2, 2 * WATCHDOG_S, "both are found out")
    last_before = pings(bffd)[-1]
    until(lambda: pings(bffd)[-1] > last_before, WATCHDOG_S, "others answer")
    assert len(set(bffd.worker_pids()) - set(before)) == 2
    assert bffd.is_running() and len(bffd.events("worker_started")) == 4
