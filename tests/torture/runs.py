"""bffd's start, reload and end, and the commands that print something, as flows: see flows.py."""

import contextlib
import json
import signal
import subprocess

from components import bffd_program
from flows import SETTLE_S, Flow, is_alive, still_signed_in
from rack import Rack
from until import until

# So long a reload may take to be refused, too: READY_MS in bff/server/workers.c, and some.
RELOAD_S = 35
# An old worker that could not be told to end is killed: drain_limit_ms() there.
LINGERS_S = 15


class WithSession(Flow):
    def __init__(self, world):
        super().__init__(world)
        self._browser = world.site.signed_in()

    def ready(self):
        if not self.world.bffd.is_running():
            self.world.bffd.start()
        self.world.look_again()
        still_signed_in(self._browser)

    def kept_pid(self):
        """None stays: what a worker held is given back with it."""
        return None

    def pid(self):
        return 0

    def name_of(self, outcome):
        return outcome


class Start(WithSession):
    """bffd serves, or says why it does not."""

    name = "bffd's start"

    def ready(self):
        super().ready()
        self.world.bffd.stop()

    def act(self, _):
        bffd = self.world.bffd
        bffd.launch()

        def is_decided():
            return not bffd.is_running() or self.world.is_ready()

        until(is_decided, SETTLE_S, "bffd serves, or has ended")
        return "serves" if bffd.is_running() else f"exit status {bffd.status}"

    def is_well(self, outcome):
        return outcome == "serves"

    def judge(self, _, outcome):
        bffd = self.world.bffd
        if self.is_well(outcome):
            still_signed_in(self._browser)
            return
        assert outcome in ("exit status 1", "exit status 2"), outcome
        assert bffd.log_text().strip(), "it did not say why"


class Reload(WithSession):
    name = "reload"

    def kept_pid(self):
        return self.world.bffd.pid

    def act(self, _):
        bffd = self.world.bffd
        before, old = self._told(), self.world.worker()
        bffd.signal(signal.SIGHUP)

        def is_over():
            # Where the log cannot be written it is not told.
            return self._told() != before or not bffd.is_running() or not is_alive(old)

        with contextlib.suppress(AssertionError):
            until(is_over, RELOAD_S, "it is told")
        assert bffd.is_running(), "bffd has ended"
        now = self._told()
        return "reloaded" if now[0] > before[0] else "refused" if now != before else "not told"

    def _told(self):
        text = self.world.bffd.log.read_text(errors="replace")
        return text.count("event=reloaded"), text.count("event=reload_refused")

    def is_well(self, outcome):
        return outcome == "reloaded"

    def judge(self, _, outcome):
        still_signed_in(self._browser)
        until(lambda: len(self.world.bffd.worker_pids()) == 1, LINGERS_S, "one worker is left")


class Stop(WithSession):
    name = "bffd's end"

    def act(self, _):
        bffd = self.world.bffd
        bffd.signal(signal.SIGTERM)
        until(lambda: not bffd.is_running(), LINGERS_S, "it has ended")
        return f"exit status {bffd.status}"

    def is_well(self, outcome):
        return outcome == "exit status 0"

    def judge(self, _, outcome):
        assert outcome in ("exit status 0", "exit status 1"), outcome


class Command(Flow):
    """It says what it says when nothing fails, or that something has failed."""

    def __init__(self, world, name, *words, stays=list, told=None, well=(0,)):
        """
        words  of its command line
        stays  what of the lines that it says is the same each time
        told   on its standard input
        well   its exit statuses when nothing fails
        """
        super().__init__(world)
        self.name, self._words = name, [str(word) for word in words]
        self._stays, self._told, self._well = stays, told, well
        self._usual = None
        # Its addresses are its own.
        directory = world.site.stack.directory / name.replace(" ", "-")
        directory.mkdir(exist_ok=True)
        self.rack, self.program = Rack(directory, world.library), self._words[0]

    def pid(self):
        return 0

    def kept_pid(self):
        return None

    def ready(self):
        if not self.world.bffd.is_running():
            self.world.bffd.start()
        self.world.worker()

    def act(self, _):
        return subprocess.run(
            self._words,
            capture_output=True,
            text=True,
            timeout=30,
            input=self._told,
            env={"PATH": "/usr/bin:/bin", **self.rack.environment()},
        )

    def is_well(self, done):
        return done.returncode in self._well

    def name_of(self, done):
        return f"exit status {done.returncode}"

    def judge(self, _, done):
        assert done.returncode in (0, 1, 2), done
        if done.returncode != 0:
            assert done.stderr.strip() or done.stdout.strip(), "it did not say why"
            return
        self._usual = self._usual or self._what_stays(done.stdout)
        assert self._what_stays(done.stdout) == self._usual, f"{done.stdout!r} was {self._usual!r}"

    def _what_stays(self, text):
        # What the kernel can do is asked anew.
        return self._stays(l for l in text.splitlines() if not l.startswith("Workers would be"))


def shape(lines):
    """Of a JSON text: what stands where, whatever it is."""

    def of(value):
        if isinstance(value, dict):
            return {name: of(child) for name, child in value.items()}
        return [of(child) for child in value] if isinstance(value, list) else None

    return of(json.loads("\n".join(lines)))


COMMANDS = {
    "bffd --check": ("bffd", "--check"),
    "bffd --print-config": ("bffd", "--print-config"),
    "bffd --print-nginx": ("bffd", "--print-nginx"),
    "bffd doctor": ("bffd", "doctor", "--user", "alice", "--path", "/api/whoami/"),
    "bffctl status": ("bffctl", "status"),
    "bffctl pending": ("bffctl", "pending"),
    "bffctl list": ("bffctl", "list"),
    "bffctl revoke": ("bffctl", "revoke", "--user", "3"),
    "bffctl rotate-key": ("bffctl", "rotate-key"),
    "bffctl --json pending": ("bffctl", "--json", "pending"),
    "bffctl --json list": ("bffctl", "--json", "list"),
    "bffctl --json rotate-key": ("bffctl", "--json", "rotate-key"),
}


def command(name, world):
    program, *words = COMMANDS[name]
    path = bffd_program().with_name(program)
    config = ["-c", world.site.stack.config]
    if name == "bffd doctor":
        # What a call did not answer it says nothing of.
        said = {"told": "wonderland\n", "stays": lambda lines: None, "well": (0, 1)}
        return Command(world, name, path, words[0], *config, *words[1:], **said)
    # The numbers and ages in a table are others each time.
    stays = (lambda lines: len(list(lines))) if program == "bffctl" else list
    stays = shape if "--json" in words else stays
    return Command(world, name, path, *config, *words, stays=stays)


RUNS = [Start, Reload, Stop]
