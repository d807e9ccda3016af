"""What bffd makes of requests that nginx, as it is configured here, never sends."""

import socket

import pytest

import fastcgi
from fastcgi import Connection
from fullsite import FakeBackend, running
from until import until

SITE = {"backend": FakeBackend, "workers": 1, "overrides": {"server.body_max": "1k"}}
OWN = {"REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "same-origin"}
LOGIN = {**OWN, "BFF_LEG": "login", "CONTENT_TYPE": "application/json"}
ALICE = b'{"username": "alice", "password": "wonderland"}'
HEALTH = {"BFF_LEG": "health", "REQUEST_METHOD": "GET"}


@pytest.fixture
def connection(site):
    with Connection(site) as connection:
        yield connection


def status(answer):
    assert answer.startswith("Status: "), answer
    return int(answer[8:11])


def test_it_answers_on_its_own_socket(connection):
    answer = connection.ask(ALICE, CONTENT_LENGTH=str(len(ALICE)), **LOGIN)
    assert status(answer) == 200 and "Set-Cookie: " in answer
    assert connection.is_closed()


def test_a_connection_is_kept_when_that_is_asked_for(connection):
    for _ in range(3):
        assert status(connection.ask(kept=True, **HEALTH)) == 200


def test_requests_that_come_together_are_answered_one_after_the_other(connection):
    health = fastcgi.request(kept=True, **HEALTH)
    session = {"BFF_LEG": "session", "REQUEST_METHOD": "GET"}
    connection.send(health + fastcgi.request(kept=True, **session) + health)
    answers = [connection.answer() for _ in range(3)]
    assert [status(answer) for answer in answers] == [200, 200, 200]
    assert '"authenticated":false' in answers[1] and "authenticated" not in answers[2]


def test_requests_with_bodies_may_come_together_too(connection):
    login = fastcgi.request(ALICE, kept=True, CONTENT_LENGTH=str(len(ALICE)), **LOGIN)
    wrong = fastcgi.request(b"{}", kept=True, CONTENT_LENGTH="9", **LOGIN)
    connection.send(login + wrong + login + fastcgi.request(kept=True, **HEALTH))
    assert [status(connection.answer()) for _ in range(4)] == [200, 400, 200, 200]


def test_what_was_asked_before_the_other_side_closed_is_answered(connection):
    connection.send(fastcgi.request(kept=True, **HEALTH) * 2 + fastcgi.request(**HEALTH)[:-1])
    connection.socket.shutdown(socket.SHUT_WR)
    assert [status(connection.answer()) for _ in range(2)] == [200, 200]
    assert connection.is_closed()


@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_a_request_may_come_in_pieces(connection, size):
    whole = fastcgi.request(**HEALTH)
    for at in range(0, len(whole), size):
        connection.send(whole[at : at + size])
    assert status(connection.answer()) == 200


@pytest.mark.parametrize(
    "body, announced, wanted",
    [
        (ALICE, len(ALICE) + 1, 400),
        (ALICE, len(ALICE) - 1, 400),
        (b"", 5, 400),
        (b"x" * 2000, 2000, 413),
        (b"x" * 2000, 10, 400),
    ],
)
def test_a_body_is_as_long_as_announced_and_not_too_long(
    site, connection, body, announced, wanted
):
    calls = site.backend.calls_from_now()
    answer = connection.ask(body, kept=True, CONTENT_LENGTH=str(announced), **LOGIN)
    assert status(answer) == wanted
    assert calls.all() == []
    assert status(connection.ask(kept=True, **HEALTH)) == 200, "nothing is left of the body"


def test_a_session_is_not_read_by_a_request_with_a_body_in_its_way(connection):
    params = {"BFF_LEG": "session", "REQUEST_METHOD": "GET", "CONTENT_LENGTH": "3"}
    assert status(connection.ask(b"abc", kept=True, **params)) == 200
    assert status(connection.ask(kept=True, **HEALTH)) == 200


@pytest.mark.parametrize("leg", ["", "refresh", "LOGIN", "elsewhere"])
def test_a_leg_that_there_is_not_is_not_found(connection, leg):
    assert status(connection.ask(BFF_LEG=leg, REQUEST_METHOD="GET")) == 404


def test_without_any_param_there_is_nothing_to_be_found(connection):
    assert status(connection.ask()) == 404


@pytest.mark.parametrize("leg", ["login", "logout"])
def test_a_method_that_a_leg_has_not_is_told_the_one_it_has(connection, leg):
    answer = connection.ask(BFF_LEG=leg, REQUEST_METHOD="GET", HTTP_SEC_FETCH_SITE="same-origin")
    assert status(answer) == 405 and "Allow: POST\r\n" in answer


def test_a_refusal_without_a_reason_is_that_no_worker_was_reached(connection):
    """The auth leg was answered by nobody, and nginx asks why."""
    answer = connection.ask(BFF_LEG="renew", REQUEST_METHOD="GET")
    assert status(answer) == 503 and '"code":"overloaded"' in answer


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: bffd\r\n\r\n",
        fastcgi.record(fastcgi.STDIN, b""),
        fastcgi.record(fastcgi.BEGIN, b"\0\2" + b"\0" * 6),
        fastcgi.record(fastcgi.BEGIN, b"\0\1" + b"\0" * 6) + fastcgi.record(fastcgi.PARAMS, b"x"),
    ],
    ids=["HTTP", "no beginning", "an authorizer", "half a pair"],
)
def test_what_is_no_request_ends_the_connection(site, connection, data):
    refused = len(site.events("fastcgi_refused"))
    rest = fastcgi.record(fastcgi.PARAMS, b"") + fastcgi.record(fastcgi.STDIN, b"")
    connection.send(data + rest)
    assert connection.is_closed()
    until(lambda: len(site.events("fastcgi_refused")) == refused + 1, 5, "that is logged")


def test_who_comes_when_there_are_too_many_waits_for_room():
    overrides = {"server.connections": "3"}
    with running(FakeBackend, workers=1, overrides=overrides) as site:
        held = [Connection(site) for _ in range(3)]
        for connection in held:
            assert status(connection.ask(kept=True, **HEALTH)) == 200
        with Connection(site) as late:
            late.send(fastcgi.request(**HEALTH))
            late.socket.settimeout(0.3)
            with pytest.raises(TimeoutError):
                late.answer()
            held.pop().socket.close()
            late.socket.settimeout(10)
            assert status(late.answer()) == 200
        for connection in held:
            connection.socket.close()
