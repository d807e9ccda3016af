"""What can go wrong with Django, each a context: it is so inside, and over afterwards. Nearly all
of it befalls the token endpoints only: API calls with a good token go on, and have to."""

import contextlib
import signal

HUGE = "x" * (10 << 20)
HALF_AN_ANSWER = '{"access": "eyJhbGciOiJIUzI1NiIs'
HTML = {"content_type": "text/html", "body": "<!doctype html><title>Sorry</title><p>Sorry."}


@contextlib.contextmanager
def _refreshes_told(ground, **fault):
    ground.backend.control(refresh=fault)
    try:
        yield
    finally:
        ground.backend.control(refresh=None, release=True)


@contextlib.contextmanager
def _doors_told(ground, tell):
    for door in ground.doors:
        tell(door)
    try:
        yield
    finally:
        for door in ground.doors:
            door.open()


# Nobody there


def refusing(ground):
    return _doors_told(ground, lambda door: door.shut())


def unreachable(ground):
    """No SYN is answered."""
    return _doors_told(ground, lambda door: door.wall_up())


def silent(ground):
    """Connections are taken, and what comes over them is never read."""
    return _doors_told(ground, lambda door: door.fall_silent())


def hanging(ground):
    """Refreshes are read, and not answered."""
    return _refreshes_told(ground, hang=True, status=503)


def bad_gateway(ground):
    return _refreshes_told(ground, status=502, **HTML)


def closing(ground):
    return _refreshes_told(ground, close=True)


def resetting(ground):
    return _refreshes_told(ground, reset=True)


# Somebody there, who talks nonsense


def internal_error(ground):
    return _refreshes_told(ground, status=500, **HTML)


def html(ground):
    return _refreshes_told(ground, status=200, **HTML)


def half_json(ground):
    """As long as its head says, but no JSON."""
    return _refreshes_told(ground, status=200, body=HALF_AN_ANSWER)


def huge(ground):
    return _refreshes_told(ground, status=200, body=HUGE)


def byte_by_byte(ground):
    """Too slow to be whole in time."""
    return _refreshes_told(ground, status=200, body="{}", drip=0.1)


# Slow, but in time


def slow(ground):
    return _refreshes_told(ground, delay=0.4)


def closing_kept(ground):
    """Kept connections, nginx' among them, end under their next request."""
    fault = {"kept": True, "close": True}
    return _all_told(ground, refresh=fault, login=fault, revoke=fault, api=fault)


@contextlib.contextmanager
def _all_told(ground, **faults):
    ground.backend.control(**faults)
    try:
        yield
    finally:
        ground.backend.control(**dict.fromkeys(faults))


# Django has rotated, and its answer is lost


def lost_answers(ground):
    """The connection is reset instead of an answer."""
    return _refreshes_told(ground, processed=True, reset=True)


def truncated_answers(ground):
    return _refreshes_told(ground, truncate=40)


def late_answers(ground):
    """When bffd waits no longer."""
    return _refreshes_told(ground, delay_answer=ground.timeout_s + 0.5)


def garbled_answers(ground):
    return _refreshes_told(ground, processed=True, **HTML)


# All of Django, API calls included


@contextlib.contextmanager
def _signalled(ground, leave, come_back):
    ground.backend.signal(leave)
    try:
        yield
    finally:
        ground.backend.signal(come_back)


def restarting(ground):
    """Calls under way are answered, new ones refused, and what it knew it knows again."""
    return _signalled(ground, signal.SIGUSR1, signal.SIGUSR2)


def stopped(ground):
    """It stands still: connections are taken by its kernel, and nothing is read."""
    return _signalled(ground, signal.SIGSTOP, signal.SIGCONT)


TROUBLES = [
    *(refusing, unreachable, silent, hanging, bad_gateway, closing, resetting, internal_error),
    *(html, half_json, huge, byte_by_byte, slow, closing_kept),
    *(lost_answers, truncated_answers, late_answers, garbled_answers, restarting, stopped),
]
