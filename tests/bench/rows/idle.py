"""Ten thousand browsers that keep a connection open and ask nothing, beside a hundred that do."""

import socket
from contextlib import ExitStack

from contender import Unfit
from measure import medians, ratio
from sites import CrowdedStack
from stand import Row

ACTIVE = 100
LEAST = 0.95
ASK = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    "Cookie: {cookie}\r\n\r\n"
)


class IdleBrowsers:
    """Each has asked once, and is open from then on."""

    def __init__(self, contender, cookies, count):
        self._contender, self._cookies, self._count = contender, cookies, count
        self._lines = []

    def start(self):
        host, port = self._contender.url.rpartition("/")[2].split(":")
        for number in range(self._count):
            line = socket.create_connection((host, int(port)), timeout=30)
            self._lines.append(line)
            cookie = self._cookies[number % len(self._cookies)]
            line.sendall(ASK.format(path=self._contender.path, cookie=cookie).encode())
            if b" 200 " not in line.recv(4096)[:15]:
                raise Unfit(f"idle browser {number} was not answered")

    def still_open(self):
        """nginx has hung up on those where there is an end to be read."""
        count = 0
        for line in self._lines:
            line.setblocking(False)
            try:
                while line.recv(4096):
                    pass
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def stop(self):
        for line in self._lines:
            line.close()


def idle(stand):
    count = stand.size.idle
    with ExitStack() as at_end:
        crowded = stand.run(stand.another_bffd("idle browsers", kind=CrowdedStack), at_end)
        browsers = IdleBrowsers(crowded, stand.bffd.cookies(stand.size.sessions), count)
        stand.progress(f"opening {count:,} connections")
        stand.run(browsers, at_end)
        runs = stand.side_by_side(
            {
                f"{ACTIVE} active": lambda: stand.measure(stand.bffd, ACTIVE),
                f"and {count:,} idle": lambda: stand.measure(crowded, ACTIVE),
            },
            rounds=min(3, stand.size.rounds),
        )
        still_open = browsers.still_open()
    alone, beside = runs.values()
    share = ratio(beside, alone, "requests_a_second")
    figures = medians(beside)
    return [
        Row(f"bffd, {ACTIVE} active", figures=medians(alone), more={"runs": alone}),
        Row(
            f"bffd, {ACTIVE} active beside {count:,} idle",
            target=f"as without the idle ({LEAST})",
            found=f"{share:.2f}, {still_open:,} still open",
            met=share >= LEAST and still_open == count and not figures["errors"],
            figures=figures,
            more={"share": share, "still_open": still_open, "runs": beside},
        ),
    ]
