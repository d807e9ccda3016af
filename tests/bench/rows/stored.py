"""The same requests with few and with many sessions in Redis, and what a session takes there.

The sessions that are asked for were signed in. The others are copies of their records, and of
their users' sets, under names of their own: as large as any, but their cookies do not exist.
"""

import secrets
from contextlib import ExitStack

import redis

from measure import medians, ratio
from stand import Row
from vault import session_key

CONNECTIONS = 64
MOST_TIMES = 1.10  # flat
MOST_BYTES = 700
COPIES_AT_ONCE = 1000

COPY = """
for i = 1, #ARGV do
    redis.call('COPY', KEYS[1], KEYS[3] .. '{' .. ARGV[i] .. '}')
    redis.call('COPY', KEYS[2], KEYS[4] .. '{' .. ARGV[i] .. '}')
end
"""


class Store:
    """The Redis of a site in which everybody has one session."""

    def __init__(self, site):
        self._redis = redis.Redis(unix_socket_path=str(site.stack.redis_socket))
        self._copy = self._redis.register_script(COPY)

    def count(self):
        return sum(1 for _ in self._redis.scan_iter("bff:s:*", 10_000))

    def used_bytes(self):
        return self._redis.info("memory")["used_memory"]

    def fill(self, count, cookie):
        """Up to so many sessions: copies of this one."""
        session = session_key(cookie.partition("=")[2])
        user = next(self._redis.scan_iter("bff:u:*"))
        keys = [session, user, b"bff:s:", b"bff:u:"]
        left = count - self.count()
        while left > 0:
            names = [secrets.token_urlsafe(16) for _ in range(min(left, COPIES_AT_ONCE))]
            self._copy(keys, names)
            left -= len(names)

    def bytes_a_session(self, first, first_bytes):
        """Of those that came since there were `first`: what connections take is none of theirs."""
        return (self.used_bytes() - first_bytes) / (self.count() - first)


def few_and_many(stand, at_end):
    """Two sites without a cache, each with a Redis of its own."""
    sites = []
    for name in ("few stored", "many stored"):
        wishes = {"beside": None, "overrides": {"session.cache_ttl": "0s"}}
        sites.append(stand.run(stand.another_bffd(name, **wishes), at_end))
    return sites


def stored(stand):
    first, *sizes = stand.size.stored
    rows = []
    with ExitStack() as at_end:
        few, many = few_and_many(stand, at_end)
        store = Store(many)
        stand.progress(f"signing in {first:,} users at two sites")
        files = {
            site: stand.write_sessions(site.directory / "sessions", site.cookies(first))
            for site in (few, many)
        }
        first_bytes = store.used_bytes()
        for count in sizes:
            store.fill(count, many.cookies(1)[0])
            each = store.bytes_a_session(first, first_bytes)
            runs = stand.side_by_side(
                {
                    f"{number:,} stored": lambda site=site: stand.measure(
                        site, CONNECTIONS, sessions_file=files[site]
                    )
                    for number, site in ((first, few), (count, many))
                },
                rounds=min(3, stand.size.rounds),
            )
            rows.append(flatness(first, count, runs, each))
    return rows


def flatness(first, count, runs, bytes_a_session):
    base, found = runs.values()
    times = ratio(found, base, "cpu_us_sum")
    figures = medians(found)
    return Row(
        f"{count:,} sessions in Redis, cache off",
        target=f"CPU of {first:,} ({MOST_TIMES}x), {MOST_BYTES} bytes each",
        found=f"CPU {times:.2f}x, {bytes_a_session:.0f} bytes each",
        met=times <= MOST_TIMES and bytes_a_session <= MOST_BYTES and not figures["errors"],
        figures=figures,
        more={"cpu_times": times, "bytes_a_session": bytes_a_session, "runs": found, "base": base},
    )
