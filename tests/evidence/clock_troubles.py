"""Hosts whose clocks are set, an hour or two off: `ground.clocks` are theirs."""

import contextlib
import random


@contextlib.contextmanager
def clocks_set(ground):
    chance = random.Random()
    for clock in ground.clocks:
        clock.set(chance.randint(-2, 2))
    try:
        yield
    finally:
        for clock in ground.clocks:
            clock.set(0)


TROUBLES = [clocks_set]
