"""What can go wrong with a host, and what is done to it on purpose, each a context: it happens
again and again inside."""

import contextlib
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

KILL_EVERY_S = 0.5
RELOAD_EVERY_S = 0.5


@contextlib.contextmanager
def again_and_again(act, every_s):
    over = threading.Event()

    def run():
        while not over.wait(every_s):
            act()

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run)
        try:
            yield
        finally:
            over.set()
        running.result()  # or what it failed with


def workers_killed(ground):
    """One of all hosts' workers at a time."""
    chance = random.Random(1)

    def kill_one():
        pids = [pid for stack in ground.stacks for pid in stack.bffd.worker_pids()]
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            if pids:
                os.kill(chance.choice(pids), signal.SIGKILL)

    return again_and_again(kill_one, KILL_EVERY_S)


def reloaded(ground):
    """bffd gets its configuration anew: SIGHUP."""
    return again_and_again(lambda: [s.bffd.reload() for s in ground.stacks], RELOAD_EVERY_S)


def nginx_reloaded(ground):
    return again_and_again(lambda: [s.nginx.reload() for s in ground.stacks], RELOAD_EVERY_S)


def restarted(ground):
    """Stopped and started under a socket that is held (Ground(..., holds_sockets=True))."""
    return again_and_again(lambda: [s.bffd.restart() for s in ground.stacks], RELOAD_EVERY_S)


TROUBLES = [workers_killed, reloaded, nginx_reloaded, restarted]
