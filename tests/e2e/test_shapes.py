"""Whoever can open the worker's socket may send what he likes: the worker goes on as it was.

The long form of the last test: make fuzz-worker SECONDS=600, under sanitizers."""

import os
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fullsite import FakeBackend, open_sockets, running
from shapes import conversation, request
from until import until

SECONDS = float(os.environ.get("BFF_SHAPES_SECONDS", "4"))
SEED = int(os.environ.get("BFF_SHAPES_SEED", "1"))
WITHOUT_WAITING = 30_000
PEERS = 40
THREADS = 2
KEPT = 2 * THREADS  # each has a connection to Django, and libcurl a descriptor for it
QUESTION = request(BFF_LEG="session", REQUEST_METHOD="GET")


@pytest.fixture(scope="module")
def site():
    overrides = {"server.read_timeout": "1s", "server.io_threads": str(THREADS)}
    with running(FakeBackend, overrides=overrides, workers=1) as one:
        yield one


def connected(site):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(5)
    peer.connect(str(site.stack.socket))
    return peer


def everything(peer):
    """Until the worker closes. With bytes unread that is a reset, and what it had sent is lost."""
    parts = []
    try:
        while part := peer.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def ask(site):
    with connected(site) as peer:
        peer.sendall(QUESTION)
        return everything(peer)


def test_requests_that_are_sent_without_waiting_are_answered_one_by_one(site):
    (worker,) = site.stack.bffd.worker_pids()
    text = request(keep=1, BFF_LEG="renew", REQUEST_METHOD="GET") * (WITHOUT_WAITING - 1)
    with connected(site) as peer, ThreadPoolExecutor(2) as threads:
        peer.settimeout(60)  # a sanitized worker takes its time
        heard = threads.submit(everything, peer)
        sent = threads.submit(peer.sendall, text + QUESTION)
        began = time.monotonic()
        assert b"Status: 200" in ask(site) and time.monotonic() - began < 1  # others have a turn
        sent.result()
        answers = heard.result()
    assert answers.count(b"Status: ") == WITHOUT_WAITING
    assert site.stack.bffd.worker_pids() == [worker]


def test_a_body_with_other_records_in_it_ends_its_connection_and_nothing_else(site):
    (worker,) = site.stack.bffd.worker_pids()
    login = request(keep=1, body=b"{}", BFF_LEG="login", REQUEST_METHOD="POST", HTTP_X_CSRF="1",
                    CONTENT_LENGTH="4")
    values = b"\x01\x09\x00\x00\x00\x1a\x00\x00" + b"\xdd" * 26  # of absurd length
    with connected(site) as peer:
        peer.sendall(login[:-8] + values + login[-8:])
        assert b"Status: 200" not in everything(peer)
    assert b"Status: 200" in ask(site)
    assert site.stack.bffd.worker_pids() == [worker]


def talk(site, seed):
    """One conversation to its end, whatever that is."""
    with connected(site) as peer:
        peer.setblocking(False)
        for piece in conversation(seed):
            select.select([], [peer], [], 1)
            try:
                peer.sendall(piece)
                peer.recv(1 << 20)
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return


def memory_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_records_of_every_shape_leave_the_worker_as_it_was(site):
    (worker,) = site.stack.bffd.worker_pids()
    good = ask(site)
    assert b"Status: 200" in good
    sockets, seed, measured = len(open_sockets(worker)), SEED * 1_000_000, []
    until_s = time.monotonic() + SECONDS
    print(f"seeds from {seed}")
    while time.monotonic() < until_s:
        for _ in range(PEERS):
            talk(site, seed)
            seed += 1
        assert site.stack.bffd.worker_pids() == [worker], f"it has died, at the latest of {seed}"
        assert ask(site) == good, f"after {seed}"
        measured.append(memory_kb(worker))
    until(lambda: len(open_sockets(worker)) <= sockets + KEPT, 10, "all connections are closed")
    print(f"{seed - SEED * 1_000_000} conversations, {measured[0]} to {measured[-1]} kB")
    # What is kept for reuse is there after the first third.
    assert measured[-1] <= max(measured[: len(measured) // 3 + 1]) + 2048
