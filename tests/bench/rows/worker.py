"""What a worker takes: memory with an empty cache and with a full one, and time to its first
answer."""

import statistics
import time
from contextlib import ExitStack

import accounting
from contender import Unfit, get
from stand import Row

EMPTY_MB, CACHE_MB = 12, 16  # of each worker; session.cache_size as shipped
FIRST_ANSWER_MS = 100
STARTS = 5


def memory_mb(bffd, of=accounting.rss_kib):
    """Of the largest worker."""
    return max(of([pid]) for pid in bffd.worker_pids()) / 1024


def first_answer_ms(site, cookie):
    """From the start of the program to an API call that passes."""
    site.stack.bffd.stop()
    began = time.monotonic()
    site.stack.bffd.launch()
    while get(site.url, site.path, cookie)[0] != 200:
        if time.monotonic() > began + 10:
            raise Unfit("bffd does not answer after its start")
        time.sleep(0.001)
    took = 1000 * (time.monotonic() - began)
    site.stack.bffd.wait_ready()
    return took


def worker(stand):
    with ExitStack() as at_end:
        fresh = stand.run(stand.another_bffd("fresh worker"), at_end)
        empty = memory_mb(fresh.stack.bffd)
        empty_pss = memory_mb(fresh.stack.bffd, accounting.pss_kib)
        (cookie,) = fresh.cookies(1)
        starts = [first_answer_ms(fresh, cookie) for _ in range(STARTS)]
    full = memory_mb(stand.bffd.stack.bffd)
    took = statistics.median(starts)
    return [
        Row(
            "memory of a worker, empty cache",
            target=f"at most {EMPTY_MB} MB",
            found=f"{empty:.1f} MB (its share {empty_pss:.1f})",
            met=empty <= EMPTY_MB,
            more={"rss_mb": empty, "pss_mb": empty_pss},
        ),
        Row(
            "memory of a worker, its cache in use",
            target=f"at most {CACHE_MB} MB more",
            found=f"{full - empty:+.1f} MB",
            met=full - empty <= CACHE_MB,
            more={"rss_mb": full},
        ),
        Row(
            "start to first answer",
            target=f"at most {FIRST_ANSWER_MS} ms",
            found=f"{took:.0f} ms",
            met=took <= FIRST_ANSWER_MS,
            more={"ms": starts},
        ),
    ]
