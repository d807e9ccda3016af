"""What is bounded, and what a client sees at the bound."""

import socket
import time

import pytest

from client import InFlight
from fullsite import FakeBackend, running
from until import until

AT_ONCE_S = 1


@pytest.fixture(scope="module")
def narrow():
    """One thread for each lane, one place in each queue, two for requests that wait."""
    overrides = {
        "server.io_threads": "1",
        "server.io_queue": "1",
        "server.parked": "2",
        "server.park_timeout": "2s",
        "server.read_timeout": "300ms",
    }
    with running(FakeBackend, overrides=overrides, workers=1) as site:
        yield site


@pytest.fixture
def tight(narrow):
    narrow.backend.control(reset=True)
    yield narrow
    narrow.backend.control(reset=True)


def took(act):
    began = time.monotonic()
    answer = act()
    return answer, time.monotonic() - began


def refuse_access_and_hang_the_refresh(site):
    """Every call now waits for a refresh that does not end."""
    site.backend.control(revoke_access=True, refresh={"hang": True})


def test_a_full_lane_is_a_503_at_once_and_calls_go_on(tight):
    site, flight = tight, InFlight()
    browser = site.signed_in()
    site.backend.control(login={"hang": True})
    began = time.monotonic()
    for _ in range(6):
        flight.send(lambda: site.browser().sign_in())
    # One is being served, one is queued.
    until(lambda: len(flight.answers) == 4, 5, "there is no room for the others")
    assert time.monotonic() - began < AT_ONCE_S
    for refused in flight.answers:
        assert (refused.status, refused.code) == (503, "overloaded")
        assert refused.header("Retry-After") == "1" and refused.all("Set-Cookie") == []
    answer, seconds = took(lambda: browser.get("/api/whoami/"))
    assert (answer.status, seconds < AT_ONCE_S) == (200, True)
    site.backend.control(release=True, login=None)
    assert sorted(flight.statuses()) == [200, 200, 503, 503, 503, 503]


def test_a_request_waits_for_a_refresh_no_longer_than_it_may(tight):
    browser = tight.signed_in()
    refuse_access_and_hang_the_refresh(tight)
    answer, seconds = took(lambda: browser.get("/api/whoami/"))
    assert (answer.status, answer.code) == (503, "refresh_unavailable")
    assert answer.header("Retry-After") and answer.all("Set-Cookie") == []
    assert 1.9 < seconds < 4
    tight.backend.control(release=True, refresh=None)
    until(lambda: browser.get("/api/whoami/").status == 200, 10, "the same session goes on")


def test_more_requests_than_may_wait_are_refused_at_once(tight):
    browser, flight = tight.signed_in(), InFlight()
    refuse_access_and_hang_the_refresh(tight)
    calls = tight.backend.calls_from_now()
    for _ in range(2):
        flight.send(lambda: browser.twin().get("/api/whoami/"))
    until(lambda: calls.statuses("/api/whoami/") == [401, 401], 5, "both wait")
    answer = until(lambda: overloaded_call(browser), 2, "no room for a third")
    assert answer.status == 503 and answer.all("Set-Cookie") == []
    tight.backend.control(release=True, refresh=None)
    until(lambda: len(flight.answers) == 2, 10, "those that waited are answered")
    assert flight.statuses() == [200, 200]


def overloaded_call(browser):
    answer, seconds = took(lambda: browser.get("/api/whoami/"))
    return answer if answer.code == "overloaded" and seconds < AT_ONCE_S else None


def test_a_client_that_goes_while_it_waits_leaves_its_place_to_others(tight):
    browser, flight = tight.signed_in(), InFlight()
    refuse_access_and_hang_the_refresh(tight)
    calls = tight.backend.calls_from_now()
    for _ in range(5):
        before = len(calls.statuses("/api/whoami/"))
        with browser.begin("GET", "/api/whoami/"):
            until(lambda: len(calls.statuses("/api/whoami/")) > before, 5, "Django refused it")
    flight.send(lambda: browser.twin().get("/api/whoami/"))
    until(lambda: calls.refreshes, 5, "the refresh is under way")
    tight.backend.control(release=True, refresh=None)
    until(lambda: flight.answers, 10, "it is answered")
    assert flight.statuses() == [200]


def is_cut_off(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:  # so it is when bytes were left unread
        return True


def test_a_half_sent_fastcgi_request_keeps_nobody_waiting_and_is_cut_off(tight):
    browser = tight.signed_in()
    path = str(tight.stack.directory / "bff.sock")
    with socket.socket(socket.AF_UNIX) as half:
        half.connect(path)
        half.settimeout(10)
        half.sendall(b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x01\x04")
        answer, seconds = took(lambda: browser.get("/api/whoami/"))
        assert (answer.status, seconds < AT_ONCE_S) == (200, True)
        assert is_cut_off(half)


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(256)) * 4,
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00"
        b"\x01\x04\x00\x01\x00\x08\x00\x00" + b"\xff" * 8,
        b"\x00" * 70000,
    ],
)
def test_what_is_no_fastcgi_is_cut_off_and_the_worker_lives(tight, words):
    (worker,) = tight.stack.bffd.worker_pids()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tight.stack.directory / "bff.sock"))
        stranger.settimeout(10)
        stranger.sendall(words)
        assert is_cut_off(stranger)
    assert tight.browser().session() == {"authenticated": False}
    assert tight.stack.bffd.worker_pids() == [worker]


def test_logins_from_one_address_are_limited_as_shipped():
    with running(FakeBackend, login_rate=None) as site:
        calls = site.backend.calls_from_now()
        answers = [site.browser().sign_in("alice", "guess") for _ in range(40)]
        refused = [answer for answer in answers if answer.status == 429]
        assert {answer.status for answer in answers} == {401, 429}
        assert refused[0].code == "too_many_logins" and refused[0].header("Retry-After")
        assert len(calls.all("/api/token/")) == 40 - len(refused)
