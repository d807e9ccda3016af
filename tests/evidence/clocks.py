"""Clocks that are wrong, by libfaketime. Its wall clock only: when a real one is set, the monotonic
one goes on."""

import os
from pathlib import Path

HOUR_S = 3600
# libfaketime reads its file in the workers, which are to read no such thing.
CLOCK_SETTINGS = {"server.sandbox": "no"}


class Clock:
    """That of a process: by whole hours ahead, or behind; set() may be called while it runs."""

    def __init__(self, file):
        self._file = Path(file)
        self.set(0)

    def set(self, hours):
        new = self._file.with_suffix(".new")
        new.write_text(f"{hours * HOUR_S:+d}s\n")
        new.replace(self._file)

    def give_to(self, component):
        """It lives by this clock from its next start on."""
        component.environment = lambda: {
            **os.environ,
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def library():
    (found,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return found


def true_time(at, near):
    """What a clock that is off by whole hours means, when it is known to be about `near`."""
    return at + HOUR_S * round((near - at) / HOUR_S)
