#!/usr/bin/python3
"""
The Pythons that the backends of this directory run on:

    debian   the system's own, with Debian's packages
    newest   a virtual environment with what requirements.txt pins, in build/backends-venv

Run as a program it makes the second, unless it is there and up to date.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
REQUIREMENTS = HERE / "requirements.txt"
VENV = REPOSITORY / "build" / "backends-venv"
INSTALL_SECONDS = 900

SYSTEM = Path("/usr/bin/python3")
ENVIRONMENTS = {"debian": SYSTEM, "newest": VENV / "bin" / "python3"}


class NotMade(Exception):
    """The virtual environment could not be made; the text says why."""


def wanted():
    """What the environment was made of: other requirements, or another Python, make it anew."""
    version = subprocess.run([SYSTEM, "-VV"], capture_output=True, check=True).stdout
    return hashlib.sha256(REQUIREMENTS.read_bytes() + version).hexdigest()


def is_made():
    mark = VENV / "made-of"
    return mark.exists() and mark.read_text() == wanted()


def run(*command):
    words = [str(word) for word in command]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=INSTALL_SECONDS,
    )
    if done.returncode:
        raise NotMade(f"{' '.join(words)}\n{done.stdout[-3000:]}")


def make(say=print):
    """Make the virtual environment, if it is not there. One process does it, others wait."""
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_made():
            return
        shutil.rmtree(VENV, ignore_errors=True)
        say(f"making {VENV.relative_to(REPOSITORY)} with {SYSTEM}")
        run(SYSTEM, "-m", "venv", VENV)
        lines = REQUIREMENTS.read_text().splitlines()
        count = len([line for line in lines if "==" in line])
        say(f"installing {count} packages into it")
        run(ENVIRONMENTS["newest"], "-m", "pip", "install", "--quiet", "--no-deps",
            "--disable-pip-version-check", "--requirement", REQUIREMENTS)
        run(ENVIRONMENTS["newest"], "-m", "pip", "check", "--disable-pip-version-check")
        (VENV / "made-of").write_text(wanted())
        say("it is ready")


if __name__ == "__main__":
    try:
        make(lambda text: print(f"  {text}", flush=True))
    except (NotMade, subprocess.TimeoutExpired) as failure:
        sys.exit(f"the virtual environment is not ready: {failure}")
