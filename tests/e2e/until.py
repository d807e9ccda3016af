"""Waiting for a fact instead of for a time."""

import time


def until(condition, seconds, what):
    """Ask until the answer is true, and return it; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return answer
