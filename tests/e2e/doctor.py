"""Runs `bffd doctor` as a person or a script does, and reads its report."""

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from components import bffd_program
from site_files import make_key

SECONDS = 60


class Report:
    def __init__(self, status, out, err=""):
        self.status, self.out, self.err = status, out, err
        self.findings, _, rest = out.partition("\nConfiguration\n")
        self.lines = rest[: rest.rfind("\n\n")] if rest else ""
        # The sentences as one line each: the report wraps them.
        self.text = re.sub(r"\s+", " ", self.findings)

    def __str__(self):
        return f"exit status {self.status}\n{self.out}\n{self.err}"

    def marks(self, mark):
        return len(re.findall(rf"(?m)^  {mark} ", self.findings))

    @property
    def changes(self):
        return self.marks("change")

    @property
    def remedies(self):
        return re.findall(r"(?m)^    ->    (.*)$", self.findings)

    def says(self, *words):
        return all(word in self.text for word in words)


class Doctor:
    """bffd doctor for one backend. `tokens` gives all that the backend has issued: no report may
    hold any of them, or the password."""

    def __init__(self, directory, url, tokens):
        self.directory, self.url, self.tokens = Path(directory), url, tokens
        self.key = self.directory / "doctor-key"
        self.config = self.directory / "doctor.conf"
        make_key(self.key)

    def write(self, text=""):
        """A bff.conf of this text; it starts within [backend]. No Redis is there."""
        self.config.write_text(
            f"[server]\nkey_file = {self.key}\n[redis]\nurl = redis://127.0.0.1:1\n"
            f"[backend]\nurl = {self.url}\n{text}"
        )
        return self.config

    def command(self, *arguments):
        return [str(bffd_program()), "doctor", "-c", str(self.config), *arguments]

    def examine(self, *arguments, user="alice", password="wonderland", config=None, text=""):
        """The password comes on standard input."""
        if config:
            self.config = config
        else:
            self.write(text)
        done = subprocess.run(
            self.command("--user", user, *arguments),
            input=password + "\n",
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        report = Report(done.returncode, done.stdout, done.stderr)
        self.check_secrets(report, password)
        return report

    def check_secrets(self, report, *secrets):
        heard = (report.out + report.err).encode()
        for token in self.tokens():
            # A JWT's header says nothing.
            parts = token["token"].encode().split(b".")
            assert not any(part in heard for part in parts[-2:]), token["kind"]
        for secret in filter(None, secrets):
            assert secret.encode() not in heard
        assert "eyJ" not in report.out + report.err
        assert all(len(line) < 100 for line in report.findings.splitlines()[1:]), report.findings

    def suggested(self, text):
        """The file that the report ends with, where the given one was."""
        return self.write(f"preset = simplejwt\n{text}\n")

    def accepted(self):
        """Does bffd itself read the file?"""
        done = subprocess.run(
            [str(bffd_program()), "-c", str(self.config), "--check"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert "The file is valid." in done.stdout, done.stderr
        return True


class Terminal:
    """A program on a terminal of its own: what is shown there, and what is typed."""

    def __init__(self, command):
        self._master, slave = pty.openpty()
        self.shown = b""
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def wait_for(self, text):
        deadline = time.monotonic() + SECONDS
        while text.encode() not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(1) or self.process.poll() is None, self.shown

    def type(self, text):
        os.write(self._master, text.encode())

    def end(self):
        """Its exit status, when it has shown all that it has to."""
        while self._read(SECONDS):
            pass
        return self.process.wait(SECONDS)

    def _read(self, seconds):
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        with contextlib.suppress(OSError):  # EIO: nobody holds the other side any more
            piece = os.read(self._master, 65536)
            self.shown += piece
            return bool(piece)
        return False
