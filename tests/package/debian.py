"""The package as `make deb` makes it, and units as systemd-analyze sees them."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*words, **more):
    """What it prints; a failure is an AssertionError with that."""
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **more)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def build(into):
    """The .deb, built below the directory `into`. The unit tests have a run of their own."""
    environment = dict(os.environ, DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=2")
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    run("make", "deb", f"BUILD={into}", cwd=ROOT, env=environment)
    (deb,) = Path(into, "deb").glob("bffd_*.deb")
    return deb


def unpack(deb, into):
    run("dpkg-deb", "--raw-extract", deb, into)
    return Path(into)


def members(deb):
    """{path: (mode, owner)} of what it installs, directories with a slash at their end."""
    found = {}
    for line in run("dpkg-deb", "--contents", deb).splitlines():
        mode, owner, _, _, _, path = line.split(maxsplit=5)
        found[path.removeprefix(".")] = mode, owner
    return found


def exposure(tree, unit):
    """By systemd-analyze, which looks for units below a root: (0 to 10, its table)."""
    command = ["systemd-analyze", "security", "--offline=true", f"--root={tree}", "--no-pager", unit]
    table = run(*command)
    (line,) = [line for line in table.splitlines() if "Overall exposure level" in line]
    return float(line.rpartition(":")[2].split()[0]), table


def complaints(tree, *units):
    """Of systemd-analyze verify, which wants to see what the units name, too."""
    shutil.copytree("/lib/systemd/system", tree / "lib/systemd/system", True, dirs_exist_ok=True)
    (tree / "bin").mkdir(exist_ok=True)
    shutil.copy("/bin/sh", tree / "bin/sh")
    command = ["systemd-analyze", "verify", "--man=no", f"--root={tree}", *units]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr
