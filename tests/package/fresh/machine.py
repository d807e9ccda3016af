"""
A Debian 12 of our own, fresh and booted: its own systemd, processes, network and files. Needs root.

The base (debootstrap, variant minbase, and systemd) is made once and kept in build/fresh; packages
come from where this machine's apt gets them, and are installed without a network from what was
downloaded before.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import components
from debian import ROOT, run

SUITE = "bookworm"
KEPT = ROOT / "build" / "fresh"
BOOT_SECONDS = 60
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"


def _sources():
    """apt's lines for the suite, from this machine's own configuration."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    lines = run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines()
    return [line for line in lines if line.split()[2].partition("-")[0] == SUITE]


def _in(root, *words):
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    return run("chroot", root, *words, env=environment)


def _make_base(tarball):
    sources = _sources()
    assert sources, f"this machine's apt knows no mirror of {SUITE}"
    mirror = next(line.split()[1] for line in sources if line.split()[2] == SUITE)
    root = Path(tempfile.mkdtemp(prefix="base-", dir=tarball.parent))
    root.chmod(0o755)
    try:
        run("debootstrap", "--variant=minbase", "--include=systemd-sysv", SUITE, root, mirror)
        (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
        acquire = [line for line in run("apt-config", "dump").splitlines() if "Acquire::Check" in line]
        (root / "etc/apt/apt.conf.d/90fresh").write_text("\n".join(acquire) + "\n")
        _in(root, "apt-get", "-qq", "update")
        _in(root, "apt-get", "clean")
        run("tar", "--numeric-owner", "-C", root, "-cf", f"{tarball}.new", ".")
        os.rename(f"{tarball}.new", tarball)
    finally:
        shutil.rmtree(root)


class Machine(components.Component):
    """`packages` can be installed in it; files are below `root`."""

    name = "machine"

    def __init__(self, directory, packages):
        super().__init__(directory)
        self.root = self.directory / "root"
        KEPT.mkdir(parents=True, exist_ok=True)
        tarball = KEPT / f"{SUITE}.tar"
        if not tarball.exists():
            _make_base(tarball)
        self.root.mkdir(parents=True)
        run("tar", "--numeric-owner", "-C", self.root, "-xf", tarball)
        self._download(packages)

    def _download(self, packages):
        """What is needed to install them, into the machine's own cache; from ours, where it is."""
        here, there = KEPT / "archives", self.root / "var/cache/apt/archives"
        here.mkdir(exist_ok=True)
        for file in here.glob("*.deb"):
            shutil.copy(file, there)
        names = []
        for package in packages:
            if isinstance(package, Path):
                shutil.copy(package, self.root / "root")
                package = f"/root/{package.name}"
            names.append(package)
        resolver = self.root / "etc/resolv.conf"
        shutil.copyfile("/etc/resolv.conf", resolver)
        words = ["apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "install"]
        _in(self.root, *words, *names)
        resolver.unlink()
        for file in there.glob("*.deb"):
            if not (here / file.name).exists():
                shutil.copy(file, here)

    def environment(self):
        return {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}

    def command(self):
        words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe"]
        # A container may not do these by default; a machine may.
        words += ["--capability=CAP_IPC_LOCK", f"--system-call-filter={LANDLOCK} @memlock"]
        return [*words, "--private-network", f"--directory={self.root}", "--boot"]

    def is_ready(self):
        if not self.children():
            return False
        with contextlib.suppress(AssertionError):
            return self.do("systemctl", "is-system-running").strip() == "running"

    def start(self):
        self.launch()
        try:
            self.wait_ready(BOOT_SECONDS)
        except BaseException:
            self.kill()
            raise

    def stop(self):
        for init in self.children():
            os.kill(init, signal.SIGKILL)  # and with it all processes there are
        super().stop()

    def _enter(self, *which):
        return ["nsenter", "--target", self.children()[0], *which]

    def do(self, *words, **more):
        """As root in it, with /bin/sh if it is one text; what it prints."""
        if len(words) == 1:
            words = ["/bin/sh", "-ec", words[0]]
        inside = self._enter("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd")
        return run(*inside, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *words, **more)

    def beside(self, *words, **more):
        """A process of this machine's files in that one's network."""
        command = [str(word) for word in [*self._enter("--net"), *words]]
        return subprocess.Popen(command, **more)

    def files(self):
        """All there are, but for what the kernel and systemd show there."""
        self.do("sync")
        skipped = [f"./{name}" for name in ("proc", "sys", "dev", "tmp", "root")]
        prune = " -o ".join(f"-path {path}" for path in skipped)
        return set(self.do(f"cd / && find . \\( {prune} \\) -prune -o -print").splitlines())
