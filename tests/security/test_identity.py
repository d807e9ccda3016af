"""Many users over connections that they share, while everything is cut off, abandoned and restarted:
every answer is its asker's own."""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from fullsite import FakeBackend, running
from token_text import let_expire

sys.path.append(str(Path(__file__).resolve().parents[1] / "evidence"))
from crowd import Line, Visitor  # noqa: E402

FULL = bool(os.environ.get("BFF_SECURITY_FULL"))
USERS, LINES, SECONDS = (1000, 60, 60) if FULL else (150, 24, 6)
ACCESS_SECONDS = 3

# What a request may meet while a part is restarted. Never: a 200 of somebody else, or a 401 but
# Django's own.
TROUBLE = {502, 503, 504}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "micro-cache"])
def crowded(request):
    # A killed worker may take a rotation with it, which is a matter of its own (tests/evidence).
    env = {"users": USERS, "access_seconds": ACCESS_SECONDS, "blacklist": False}
    with running(
        FakeBackend, env=env, login_rate=100_000, microcache=request.param,
        overrides={"session.refresh_ahead": "1s"},
    ) as site:
        yield site


class Crowd:
    def __init__(self, site):
        self.site, self.random = site, random.Random(1)
        self.visitors = [Visitor(f"user{i + 1}") for i in range(USERS)]
        self.lines = [Line(site.url) for _ in range(LINES)]
        self.outcomes, self.wrong, self.n = Counter(), [], 0
        self.is_over = False

    async def sign_in(self):
        async def some(line, visitors):
            for visitor in visitors:
                await visitor.sign_in(line)

        few = self.lines[:8]  # what one address may do at once
        await asyncio.gather(*(some(line, self.visitors[i :: len(few)])
                               for i, line in enumerate(few)))

    async def ask(self, line):
        """Any of them, over any of the connections."""
        visitor = self.random.choice(self.visitors)
        self.n += 1
        path = self.random.choice([f"/api/{self.n}/", f"/api/{self.n}/", "/bff/session"])
        method = "GET" if path == "/bff/session" else self.random.choice(["GET", "POST"])
        body = None if method == "GET" else str(self.n).encode()
        try:
            status, _, answer = await line.request(method, path, visitor.cookie, body)
        except (ConnectionError, OSError):
            self.outcomes["cut off"] += 1
            return
        self.outcomes[status] += 1
        if status == 200:
            self.check(visitor, path, json.loads(answer[answer.find(b"{") : answer.rfind(b"}") + 1]))
        elif status == 401 and b"token_not_valid" in answer:
            self.outcomes["revoked twice"] += 1  # once more between the refresh and the replay
        elif status not in TROUBLE:
            self.wrong.append((status, visitor.user, path, answer[:200]))

    def check(self, visitor, path, said):
        if path == "/bff/session":
            told = (said.get("user") or {}).get("username"), path
        else:
            told = said["user"], said["path"]
        if told != (visitor.user, path):
            self.wrong.append((told, visitor.user, path))

    async def call(self, line):
        while not self.is_over:
            await self.ask(line)

    async def abandon(self):
        """Requests whose answers nobody waits for, and halves of requests."""
        while not self.is_over:
            visitor = self.random.choice(self.visitors)
            reader, writer = await asyncio.open_connection("127.0.0.1", self.lines[0].address[1])
            request = (f"GET /api/abandoned/ HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n"
                       f"Cookie: __Host-session={visitor.cookie}\r\n\r\n").encode()
            writer.write(request[: self.random.randint(1, len(request))])
            await asyncio.sleep(self.random.random() / 200)
            writer.transport.abort()
            self.outcomes["abandoned"] += 1

    async def restart_things(self):
        loop, bffd, nginx = asyncio.get_running_loop(), self.site.stack.bffd, self.site.stack.nginx
        acts = [
            lambda: os.kill(self.random.choice(bffd.worker_pids()), signal.SIGKILL),
            lambda: bffd.reload(),
            lambda: nginx.signal(signal.SIGHUP),
            lambda: self.site.backend.control(revoke_access=True),
            lambda: bffd.restart(),
        ]
        turn = 0
        while not self.is_over:
            await asyncio.sleep(0.4)
            await loop.run_in_executor(None, acts[turn % len(acts)])
            turn += 1
            self.outcomes["restarts"] += 1

    async def run(self):
        await self.sign_in()
        tasks = [asyncio.create_task(self.call(line)) for line in self.lines]
        tasks += [asyncio.create_task(self.abandon()) for _ in range(2)]
        tasks.append(asyncio.create_task(self.restart_things()))
        await asyncio.sleep(SECONDS)
        self.is_over = True
        await asyncio.gather(*tasks)
        self.is_over = False
        for visitor in self.visitors:  # all of them are still signed in, as themselves
            await self.still_there(visitor)
        for line in self.lines:
            line.close()

    async def still_there(self, visitor):
        status, _, answer = await self.lines[0].request("GET", "/bff/session", visitor.cookie)
        if status != 200 or visitor.user not in answer.decode():
            self.wrong.append((status, visitor.user, "at the end", answer[:200]))


def test_every_answer_belongs_to_its_asker(crowded, capsys):
    crowd = Crowd(crowded)
    asyncio.run(crowd.run())
    with capsys.disabled():
        print(f"\n{USERS} users, {LINES} connections: {dict(crowd.outcomes)}")
    assert crowd.wrong == []
    assert crowd.outcomes[200] > SECONDS * 50
    assert crowd.outcomes["restarts"] >= 5 and crowd.outcomes["abandoned"] > 50


# A refresh that brings somebody else's tokens: an application behind a cache, or a mix-up in Django.


@pytest.fixture(scope="module")
def mixed_up():
    with running(FakeBackend, env={"access_seconds": 2}) as site:
        yield site


def tokens_of_alice(name):
    """What the fake backend fills in where it says $access and $refresh."""
    return {"access": {"access": "$access"}, "both": {"access": "$access", "refresh": "$refresh"}}[name]


@pytest.mark.parametrize("what", ["access", "both"])
def test_a_refresh_that_returns_another_users_token_ends_the_session(mixed_up, what):
    site, bob = mixed_up, mixed_up.signed_in("bob", "builder")
    let_expire(site.backend.issued("access", "bob")[-1], 10)
    calls = site.backend.calls_from_now()
    site.backend.control(refresh={"status": 200, "body": tokens_of_alice(what), "times": 1})
    answer = bob.get("/api/whoami/")
    assert (answer.status, answer.code) == (401, "session_expired"), answer
    assert answer.all("Set-Cookie") and not bob.cookie
    assert [call["path"] for call in calls.all()] == ["/api/token/refresh/"], "no call as alice"
    assert site.session_keys() == set()
    assert [e for e in site.events("refresh_rejected") if "another user" in e["reason"]]


def test_a_refresh_with_ones_own_token_does_not(mixed_up):
    """The same answer is alice's own."""
    alice = mixed_up.signed_in()
    let_expire(mixed_up.backend.issued("access", "alice")[-1], 10)
    body = tokens_of_alice("both")
    mixed_up.backend.control(refresh={"status": 200, "body": body, "times": 1})
    assert alice.get("/api/whoami/").json()["user"] == "alice"
