"""What can go wrong with Redis, each a context: it is so inside, and over afterwards."""

import contextlib
import os
import signal

import redis as redis_client

from ground import COMMAND_TIMEOUT_S
from until import until


@contextlib.contextmanager
def _relays_told(ground, tell):
    for relay in ground.relays:
        tell(relay)
    try:
        yield
    finally:
        for relay in ground.relays:
            relay.behave()


def late_answers(ground):
    """Some are in time, others arrive when the next command could have been asked."""
    least, most = 0.1 * COMMAND_TIMEOUT_S, 1.5 * COMMAND_TIMEOUT_S
    return _relays_told(ground, lambda relay: relay.delay_answers(least, most))


def slow_answers(ground):
    """All of them in time."""
    least, most = 0.1 * COMMAND_TIMEOUT_S, 0.5 * COMMAND_TIMEOUT_S
    return _relays_told(ground, lambda relay: relay.delay_answers(least, most))


def half_open(ground):
    """Nothing passes any more, on none of the connections, and they stay so: what was opened until
    the end of this is silent for ever."""
    return _relays_told(ground, lambda relay: relay.fall_silent())


@contextlib.contextmanager
def one_host_cut_off(ground):
    """The others have their Redis as before."""
    ground.relays[0].fall_silent()
    try:
        yield
    finally:
        ground.relays[0].behave()


def cut_answers(ground):
    """Connections end in the middle of an answer."""
    return _relays_told(ground, lambda relay: relay.cut_answers(every=5))


@contextlib.contextmanager
def paused(ground):
    os.kill(ground.redis.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(ground.redis.pid, signal.SIGCONT)


@contextlib.contextmanager
def killed(ground):
    """And started again with its data."""
    ground.redis.kill()
    try:
        yield
    finally:
        ground.redis.start()


@contextlib.contextmanager
def stopped(ground):
    """In order, as for an upgrade: SIGTERM is a SHUTDOWN."""
    ground.redis.stop()
    try:
        yield
    finally:
        ground.redis.start()


@contextlib.contextmanager
def loading(ground):
    """It answers -LOADING while it reads its file, which is slowed down for this to about two
    seconds. (Between commands of an append-only file it looks up every 1,024 of them only: the file
    has to be one of keys.)"""
    ground.store.bgrewriteaof()
    until(lambda: not _is_rewriting(ground.store), 10, "the file is one of keys")
    delay_us = str(2_000_000 // ground.store.dbsize())
    slow = {"key-load-delay": delay_us, "loading-process-events-interval-bytes": "1024"}
    ground.redis.kill()
    ground.redis.options.update(slow)
    ground.redis.launch()
    try:
        until(lambda: _is_loading(ground.store), 5, "Redis says that it is loading")
        yield
    finally:
        ground.redis.wait_ready()
        for name in slow:
            del ground.redis.options[name]
        ground.store.config_set("key-load-delay", 0)


def _is_rewriting(store):
    return store.info("persistence")["aof_rewrite_in_progress"]


def _is_loading(store):
    try:
        store.exists("x")
    except redis_client.exceptions.BusyLoadingError:
        return True
    except redis_client.exceptions.ConnectionError:
        pass
    return False


@contextlib.contextmanager
def out_of_memory(ground):
    ground.store.config_set("maxmemory", 1)
    try:
        yield
    finally:
        ground.store.config_set("maxmemory", 0)


@contextlib.contextmanager
def read_only(ground):
    """A replica of a primary that nobody can reach: its data stays, writes are refused."""
    ground.store.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        ground.store.replicaof("NO", "ONE")


TROUBLES = [
    *(late_answers, slow_answers, cut_answers, half_open, one_host_cut_off),
    *(paused, killed, stopped, loading, out_of_memory, read_only),
]
