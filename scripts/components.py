"""The processes of a site, each with a private directory, a log file and a way to tell it is ready.

Standard library only, for these run on a user's machine before anything else is installed.
"""

import atexit
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"  # Debian's, which is the one that has Django
START_SECONDS = 30
STOP_SECONDS = 10
UNIX_PATH_MAX = 107  # sun_path, unix(7)


class ComponentFailed(Exception):
    """A process did not start or did not stop; the text ends with what its log says."""


def free_port():
    """A loopback port that nothing listens on. Somebody else may take it before it is used: who
    binds it tries another one then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def find_program(name):
    """Its path; sbin is not in everybody's PATH, but nginx stands there."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found:
        raise ComponentFailed(f"{name} is not installed: run scripts/setup demo")
    return found


def socket_directory(directory):
    """Where unix sockets may stand: `directory`, unless their paths would be too long there."""
    if len(str(directory)) + len("/redis.sock.12345") <= UNIX_PATH_MAX:
        return Path(directory)
    short = Path(tempfile.mkdtemp(prefix="bff-"))
    atexit.register(shutil.rmtree, short, ignore_errors=True)
    return short


def status_of(port, path):
    """The status of a GET on a loopback port, or None if there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


class Component:
    """A process group of our own. start() returns when it is ready to serve."""

    name = "component"

    def __init__(self, directory):
        self.directory = Path(directory)
        self.log = self.directory / f"{self.name}.log"
        self._process = None
        self._log_start = 0

    # What each component says of itself.

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def working_directory(self):
        return self.directory

    def is_ready(self):
        raise NotImplementedError

    # What all of them do.

    @property
    def pid(self):
        return self._process.pid if self._process else None

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def launch(self):
        """Start it without waiting."""
        if self.is_running():
            raise ComponentFailed(f"{self.name} is running already")
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [str(word) for word in self.command()]
        with open(self.log, "ab") as log:
            self._log_start = log.tell()
            # A session of its own: Ctrl-C in the terminal reaches us, and we stop things in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.working_directory(),
                env=self.environment(),
                start_new_session=True,
            )

    def start(self):
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def wait_ready(self, timeout=START_SECONDS):
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if not self.is_running():
                raise ComponentFailed(f"{self.name} ended at its start:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ComponentFailed(
                    f"{self.name} is not ready after {timeout} s:\n{self.log_tail()}"
                )
            time.sleep(0.02)

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def stop(self, timeout=STOP_SECONDS):
        """Ask it to end, and insist after `timeout` seconds."""
        self.signal(signal.SIGTERM)
        try:
            if self._process:
                self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self):
        """End it and its children at once."""
        if not self._process:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self):
        self.stop()
        self.start()

    def children(self):
        """The pids of its living child processes, in order (proc(5), /proc/PID/stat)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = entry.read_text()
            except OSError:
                continue  # it has just ended
            state, parent = text[text.rindex(")") + 2 :].split()[:2]
            if int(parent) == self.pid and state not in "ZX":
                found.append(int(entry.parent.name))
        return sorted(found)

    def log_text(self):
        """What it has logged since its last start."""
        try:
            with open(self.log, "rb") as log:
                log.seek(self._log_start)
                return log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def log_tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])


class Redis(Component):
    """A Redis of our own on a unix socket. It keeps nothing on disk unless told to."""

    name = "redis"

    def __init__(self, directory, options=None):
        super().__init__(directory)
        self.socket = socket_directory(directory) / "redis.sock"
        self.options = {"save": "", "appendonly": "no", **(options or {})}

    @property
    def url(self):
        return f"unix://{self.socket}"

    def command(self):
        words = [find_program("redis-server"), "--port", "0", "--unixsocket", self.socket]
        words += ["--unixsocketperm", "700", "--dir", self.directory, "--daemonize", "no"]
        for name, value in self.options.items():
            words += [f"--{name}", value]
        return words

    def is_ready(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
            except OSError:
                return False
        return answer.startswith((b"+PONG", b"-NOAUTH"))


LOGFMT_FIELD = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')


def parse_log_line(line):
    """The fields of one line of bffd's log, logfmt or JSON; {} if it is neither."""
    if line.startswith("{"):
        try:
            return json.loads(line)
        except ValueError:
            return {}
    fields = {}
    for name, value in LOGFMT_FIELD.findall(line):
        try:
            fields[name] = json.loads(value) if value.startswith('"') else value
        except ValueError:
            fields[name] = value
    return fields if "event" in fields else {}


class Bffd(Component):
    """The daemon under test: the program that BFFD names in the environment, or build/bffd."""

    name = "bffd"

    def __init__(self, directory, config):
        super().__init__(directory)
        self.config = Path(config)
        self.program = bffd_program()

    def command(self):
        return [self.program, "-c", self.config]

    def working_directory(self):
        return Path.cwd()  # where relative paths in a user's bff.conf start

    def is_ready(self):
        return bool(self.events("ready", since_start=True))

    def worker_pids(self):
        return self.children()

    def events(self, name=None, since_start=False):
        """Its log lines as dicts of text fields, oldest first; of one event, if it is named."""
        try:
            text = self.log_text() if since_start else self.log.read_text(errors="replace")
        except FileNotFoundError:
            return []
        whole_lines = text[: text.rfind("\n") + 1].splitlines()
        fields = (parse_log_line(line) for line in whole_lines)
        return [f for f in fields if f and name in (None, f["event"])]

    def reload(self, timeout=START_SECONDS):
        """SIGHUP, and wait until it says that the new configuration is in use."""
        before = len(self.events("reloaded"))
        self.signal(signal.SIGHUP)
        deadline = time.monotonic() + timeout
        while len(self.events("reloaded")) == before:
            if time.monotonic() > deadline or not self.is_running():
                raise ComponentFailed(f"bffd has not reloaded:\n{self.log_tail()}")
            time.sleep(0.02)


def bffd_program():
    return Path(os.environ.get("BFFD", REPOSITORY / "build" / "bffd")).absolute()


def run_bffd(*arguments):
    """What bffd prints; ComponentFailed with what it complains about."""
    try:
        done = subprocess.run(
            [str(bffd_program()), *map(str, arguments)], capture_output=True, text=True, timeout=30
        )
    except FileNotFoundError:
        raise ComponentFailed(f"{bffd_program()} is not there: run make") from None
    if done.returncode:
        raise ComponentFailed((done.stderr or done.stdout).strip())
    return done.stdout


class Nginx(Component):
    """nginx with a prefix of its own. `write_config(port)` makes the file for a port."""

    name = "nginx"

    def __init__(self, directory, write_config, port=0):
        super().__init__(directory)
        self._write_config = write_config
        self._wanted_port = port
        self.port = 0
        self.config = self.directory / "nginx.conf"
        self.access_log = self.directory / "nginx-access.log"

    def command(self):
        return [find_program("nginx"), "-p", self.directory, "-c", self.config, "-e", self.log]

    def start(self):
        """A port that was free when we looked may be taken when nginx binds it: take another then,
        unless it was asked for by number."""
        attempts = 5
        while True:
            attempts -= 1
            self.port = self.port or self._wanted_port or free_port()
            self._write_config(self.port)
            self._check_config()
            try:
                return super().start()
            except ComponentFailed as failure:
                if self._wanted_port or not attempts or "already in use" not in str(failure):
                    raise
                self.port = 0

    def _check_config(self):
        done = subprocess.run(
            [str(word) for word in self.command()] + ["-t", "-q"], capture_output=True, text=True
        )
        if done.returncode:
            raise ComponentFailed(f"nginx refuses its configuration:\n{done.stderr.strip()}")

    def is_ready(self):
        if not self.is_running():
            return False
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return bool(self.children())  # ours, and not somebody else on that port

    def reload(self):
        """Read the configuration again and wait for the new workers."""
        before = set(self.children())
        self._write_config(self.port)
        self._check_config()
        self.signal(signal.SIGHUP)
        deadline = time.monotonic() + START_SECONDS
        while not set(self.children()) - before:
            if time.monotonic() > deadline:
                raise ComponentFailed(f"nginx has not reloaded:\n{self.log_tail()}")
            time.sleep(0.02)


class TestDjango(Component):
    """The project of tests/django under gunicorn, on a loopback port, with its own database."""

    __test__ = False  # pytest takes what is called Test... for a test
    name = "django"

    def __init__(self, directory, env=None):
        super().__init__(directory)
        self._env = {name: str(value) for name, value in (env or {}).items()}
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def working_directory(self):
        return REPOSITORY / "tests" / "django"

    def environment(self):
        env = {**super().environment(), "BFF_TEST_DIR": str(self.directory)}
        return {**env, "PYTHONDONTWRITEBYTECODE": "1", **self._env}

    def command(self):
        words = [PYTHON, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        words += ["--worker-class", "gthread", "--workers", "2", "--threads", "16"]
        words += ["--graceful-timeout", "2", "--worker-tmp-dir", self.directory]
        return words + ["project.wsgi"]

    def start(self):
        """The port stays the same over a restart, for nginx and bffd know it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        done = subprocess.run(
            [PYTHON, "manage.py", "prepare"],
            cwd=self.working_directory(),
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ComponentFailed(f"the test project is not ready to start:\n{done.stderr}")
        super().start()

    def is_ready(self):
        return status_of(self.port, "/health/") == 200
