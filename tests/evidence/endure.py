"""The visitors before, in and after a trouble, and what must hold whatever the trouble is."""

import time
from collections import Counter

from gather import stored
from ground import ACCESS_S, USERS, served, wait_while
from until import until

TROUBLE_S = 2.5  # and a little more, so that every session comes to need Redis meanwhile
BACK_WITHIN_S = 1


def endure(ground, capsys, trouble, *, seconds=TROUBLE_S, within_s=BACK_WITHIN_S):
    """The Load, once it is over. `trouble` makes the context of it. Nobody sees anything but 200
    and 503, and `within_s` after its end everybody is served, and at once."""
    with ground.load() as load:
        until(lambda: served(load) == USERS, 10, "all are served")
        began_at = time.time()
        with trouble(ground):
            wait_while(seconds)
        returned_at = time.time()
        # Meanwhile every session is refreshed once more.
        wait_while(max(within_s, BACK_WITHIN_S + ACCESS_S))
    statuses = Counter(seen.status for seen in load.seen)
    refreshes = [s for s in stored(ground.stacks) if s.at > began_at]
    refused_until = max((s.at for s in load.seen if s.status != 200), default=0)
    slowest = max(seen.at - max(seen.sent_at, returned_at) for seen in load.seen)
    with capsys.disabled():
        print(f"\n  {trouble.__name__}: {dict(statuses)}, {len(refreshes)} refreshes")
        print(f"  afterwards refused for {max(refused_until - returned_at, 0):.2f} s", end="")
        print(f", slowest {slowest:.2f} s")
    assert statuses.keys() <= {200, 503}, statuses
    assert not load.broken and not load.repeated, load.broken[:5]
    assert len(refreshes) >= USERS
    ground.judge(load)
    assert refused_until <= returned_at + within_s
    assert slowest <= within_s
    assert served(load, returned_at) == USERS
    return load
