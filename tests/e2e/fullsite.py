"""A whole site for tests: nginx, bffd, Redis and a backend, and what a test asks of them."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import redis

from client import Browser
from token_text import let_expire

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from stack import Stack, TestDjango  # noqa: E402  (it is not a package)

# For scripts/test-sanitized: sanitizers and valgrind do what a worker must not.
SANDBOX = {}
if "BFF_TEST_SANDBOX" in os.environ:
    SANDBOX["server.sandbox"] = os.environ["BFF_TEST_SANDBOX"]

# Every token that a site of this module ever issued, for the search at the module's end.
all_issued = []

REFRESH, LOGIN, REVOKE = "/api/token/refresh/", "/api/token/", "/api/token/blacklist/"


def read_lines(path):
    """The complete lines of a file of JSON lines; the last one may be in the making."""
    try:
        text = Path(path).read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def post_json(url, value):
    request = urllib.request.Request(
        url, json.dumps(value).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def open_sockets(pid):
    """What /proc calls the sockets of a process: socket:[INODE]."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(fd))
    return {name for name in found if name.startswith("socket:")}


class Calls:
    """What the backend was asked from a moment on."""

    def __init__(self, read):
        self._read, self._before = read, len(read())

    def all(self, path=None, method=None):
        return [
            call
            for call in self._read()[self._before :]
            if path in (None, call["path"]) and method in (None, call["method"])
        ]

    def statuses(self, path):
        return [call["status"] for call in self.all(path)]

    @property
    def refreshes(self):
        return self.all(REFRESH)


class Backend:
    """What both backends have: a ledger of tokens, a journal of calls."""

    def __init__(self, directory):
        self.ledger = Path(directory) / "tokens.jsonl"
        self.journal = Path(directory) / "calls.jsonl"

    @property
    def front_url(self):
        """Where nginx and bffd are told that it is."""
        return self.url

    def all_issued(self):
        return read_lines(self.ledger)

    def issued(self, kind, user):
        """The tokens of that kind that the user was given, oldest first."""
        return [t for t in self.all_issued() if (t["kind"], t["user"]) == (kind, user)]

    def calls_from_now(self):
        return Calls(lambda: read_lines(self.journal))


class DjangoBackend(Backend):
    """tests/django under gunicorn."""

    def __init__(self, directory, **env):
        super().__init__(directory)
        self.key_file = Path(directory) / "signing-key"
        env = {
            "BFF_TEST_TOKEN_LOG": self.ledger,
            "BFF_TEST_CALL_LOG": self.journal,
            "BFF_TEST_SIGNING_KEY_FILE": self.key_file,
            "BFF_TEST_ACCESS_SECONDS": 300,
            **env,
        }
        self.process = TestDjango(directory, env={k: str(v) for k, v in env.items()})
        self.start = self.process.start
        self.stop = self.process.stop

    @property
    def url(self):
        return self.process.url

    def revoke_access(self, user):
        """Access tokens issued so far are refused from now on, though unexpired."""
        post_json(self.url + "/test/revoke-access/", {"user": user})

    def change_signing_key(self):
        new = self.key_file.with_suffix(".new")
        new.write_text(os.urandom(32).hex())
        new.replace(self.key_file)

    def post(self, path, value):
        """(status, body) of a call that goes past nginx and bffd."""
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()


class FakeBackend(Backend):
    """tests/django/fake_backend.py: misbehaves as told. `settings` are those of its own that it has
    from the start, and after each reset."""

    def __init__(self, directory, **settings):
        super().__init__(directory)
        self._directory, self._process, self.port = directory, None, 0
        self._settings = settings

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        script = REPOSITORY / "tests" / "django" / "fake_backend.py"
        self._process = subprocess.Popen(
            ["/usr/bin/python3", script, "--port", str(self.port), "--dir", self._directory],
            stdout=subprocess.PIPE,
            text=True,
        )
        word, port = self._process.stdout.readline().split()
        assert word == "ready"
        self.port = int(port)
        self.control(settings=self._settings)

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        os.kill(self.pid, number)

    def control(self, **wanted):
        if wanted.get("reset"):
            wanted["settings"] = {**self._settings, **wanted.get("settings", {})}
        post_json(self.url + "/control", wanted)

    def forget(self, settings):
        """Its ledger and all calls; these settings are its own from now on."""
        self._settings |= settings
        self.control(reset=True)
        for ledger in Path(self._directory).glob("*.jsonl"):
            os.truncate(ledger, 0)
        forget = urllib.request.Request(self.url + "/calls", method="DELETE")
        urllib.request.urlopen(forget, timeout=10).close()

    def calls_from_now(self):
        return Calls(self.begun)

    def begun(self):
        """Calls in the order they arrived; those still without an answer have no status."""
        with urllib.request.urlopen(self.url + "/calls", timeout=10) as answer:
            return json.loads(answer.read())


class Site:
    def __init__(self, stack, backend):
        self.stack, self.backend = stack, backend
        self.starves_workers = False  # a test keeps some from starting
        self.redis = redis.Redis(unix_socket_path=str(stack.redis_socket), socket_timeout=5)

    @property
    def url(self):
        return self.stack.url

    def browser(self, cookie=None):
        return Browser(self.url, cookie)

    def signed_in(self, user="alice", password="wonderland"):
        browser = self.browser()
        answer = browser.sign_in(user, password)
        assert answer.status == 200 and browser.cookie, answer
        return browser

    def session_keys(self):
        """The Redis keys of sessions (not of the users' sets of sessions, nor of attempts to sign in)."""
        return {key for key in self.redis.keys("*s:{*") if self.redis.type(key) == b"string"}

    def signed_in_with_key(self, **who):
        """A browser, and the Redis key of its session."""
        before = self.session_keys()
        browser = self.signed_in(**who)
        (key,) = self.session_keys() - before
        return browser, key

    def let_access_expire(self, user="alice", seconds=20):
        let_expire(self.backend.issued("access", user)[-1], seconds)

    def crashes(self):
        """Workers that ended by themselves: neither asked to, nor killed by a test, nor kept by it
        from starting."""
        ways = [(e["status"], e["signal"]) for e in self.events("worker_exited")]
        not_started = [("1", "0")] if self.starves_workers else []
        return [way for way in ways if way[0] != "0" and way[1] != "9" and way not in not_started]

    def events(self, name):
        return self.stack.bffd.events(name)


@contextlib.contextmanager
def running(backend=DjangoBackend, env={}, overrides={}, **wishes):
    """A site that runs until the block ends. `wishes` are the Stack's; `env` is the backend's.
    Nothing is refreshed ahead of time unless that is wished, so that tests can count refreshes."""
    wishes.setdefault("login_rate", 10_000)
    wishes["overrides"] = {"session.refresh_ahead": "0s", **SANDBOX, **overrides}
    with contextlib.ExitStack() as at_end:
        directory = at_end.enter_context(tempfile.TemporaryDirectory(prefix="bffd-e2e-"))
        part = backend(str(Path(directory, "backend")), **env)
        at_end.callback(lambda: all_issued.extend(part.all_issued()))
        part.start()
        at_end.callback(part.stop)
        stack = Stack(str(Path(directory, "stack")), backend_url=part.front_url, **wishes)
        site = Site(at_end.enter_context(stack), part)
        yield site
        assert not site.crashes(), f"workers crashed: {site.crashes()}\n{stack.bffd.log_tail(60)}"
