"""What /proc shows of the processes of a bffd that runs, not as root."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from components import Bffd, bffd_program
from site_files import make_certificate, make_key
from until import until

NOBODY = 65534


class PlainBffd(Bffd):
    """By itself: no nginx, and no Redis, without which it starts all the same."""

    def __init__(self, directory, before=(), **options):
        super().__init__(directory, directory / "bff.conf")
        self._before, self.options = list(before), options

    def command(self):
        return [*self._before, *become_nobody(), *super().command()]

    def configure(self, **options):
        self.options |= options
        lines = [f"{name} = {value}" for name, value in self.options.items()]
        self.config.write_text(
            "[server]\n"
            f"listen = unix:{self.directory}/sock\nkey_file = {self.directory}/key\nworkers = 2\n"
            + "\n".join(line for line in lines if not line.startswith("ca_file"))
            + f"\n[redis]\nurl = unix://{self.directory}/none\n"
            + "[backend]\nurl = https://localhost:1\npreset = simplejwt\n"
            + "\n".join(line for line in lines if line.startswith("ca_file"))
            + "\n"
        )


def become_nobody():
    """Root reads everything, and locks as much as it likes."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@contextlib.contextmanager
def running(*before, **options):
    """A directory below /tmp: pytest's own lets nobody else in."""
    directory = Path(tempfile.mkdtemp(prefix="bffd-hardening-"))
    bffd = PlainBffd(directory, before, **options)
    try:
        make_key(directory / "key")
        bffd.configure()
        if os.getuid() == 0:
            for path in (directory, directory / "key"):
                os.chown(path, NOBODY, NOBODY)
        bffd.start()
        yield bffd
    finally:
        bffd.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def bffd():
    with running() as one:
        yield one


def status(path):
    lines = (Path(path) / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def threads(pid):
    return [status(one) for one in Path(f"/proc/{pid}/task").iterdir()]


def until_others_serve(bffd, before):
    until(lambda: not set(before) & set(bffd.worker_pids()), 20, "the old workers are gone")
    assert len(bffd.worker_pids()) == 2


def assert_confined(pid):
    found = threads(pid)
    assert len(found) > 5
    assert {(one["Seccomp"], one["NoNewPrivs"]) for one in found} == {("2", "1")}


def test_every_thread_of_a_worker_is_confined(bffd):
    assert len(bffd.worker_pids()) == 2
    for pid in bffd.worker_pids():
        assert_confined(pid)


def test_those_that_come_with_a_reload_are_confined(bffd):
    before = bffd.worker_pids()
    bffd.reload()
    until_others_serve(bffd, before)
    for pid in bffd.worker_pids():
        assert_confined(pid)


def test_the_supervisor_gets_no_new_privileges(bffd):
    assert status(f"/proc/{bffd.pid}")["NoNewPrivs"] == "1"


def test_no_other_process_of_the_user_looks_into_them(bffd):
    """What cannot be dumped belongs to root in /proc (proc(5)), and has no core file either."""
    for pid in (bffd.pid, *bffd.worker_pids()):
        assert status(f"/proc/{pid}")["Uid"].split()[0] != "0"
        assert Path(f"/proc/{pid}/mem").stat().st_uid == 0
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_the_keys_of_every_worker_are_locked(bffd):
    for pid in (bffd.pid, *bffd.worker_pids()):
        assert int(status(f"/proc/{pid}")["VmLck"].split()[0]) > 0
    assert not bffd.events("keys_not_locked")


def test_where_memory_cannot_be_locked_it_says_so_and_serves():
    with running("prlimit", "--memlock=0") as bffd:
        assert len(bffd.events("keys_not_locked")) == 2
        assert status(f"/proc/{bffd.worker_pids()[0]}")["VmLck"] == "       0 kB"


def test_where_files_are_few_it_says_so_and_serves():
    with running("prlimit", "--nofile=120") as bffd:
        (event,) = bffd.events("file_limit_low")
        assert event["limit"] == "120" and int(event["wanted"]) > 4096
        assert len(bffd.worker_pids()) == 2


def test_what_confines_is_said_once(bffd):
    (event,) = bffd.events("sandbox")
    assert event["level"] == "info"
    assert event["server_sandbox"] == "yes"
    assert int(event["landlock"]) > 0
    assert event["seccomp"] == "1"


def test_a_kernel_that_has_neither_is_named_and_served_on():
    old_kernel = bffd_program().parent / "tests" / "hardening" / "old_kernel"
    with running(old_kernel, shutil.which("setpriv"), "--no-new-privs") as bffd:
        (event,) = bffd.events("sandbox")
        assert (event["level"], event["landlock"], event["seccomp"]) == ("warn", "0", "0")
        assert len(bffd.worker_pids()) == 2


def test_the_sandbox_is_switched_off_by_the_configuration_only():
    with running(sandbox="no") as bffd:
        (event,) = bffd.events("sandbox")
        assert (event["level"], event["server_sandbox"]) == ("warn", "no")
        assert {one["Seccomp"] for one in threads(bffd.worker_pids()[0])} == {"0"}


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def certificate():
    directory = Path(tempfile.mkdtemp(prefix="bffd-hardening-"))
    directory.chmod(0o755)
    yield make_certificate(directory)[0]
    shutil.rmtree(directory)


def test_workers_are_renewed_when_a_file_that_they_read_is_replaced(certificate):
    """A confined worker cannot read what has taken the place of the file that it was allowed."""
    with running(ca_file=certificate) as bffd:
        before = bffd.worker_pids()
        replace(certificate, certificate.read_text())
        until(lambda: bffd.events("workers_renewed"), 20, "the workers are renewed")
        until_others_serve(bffd, before)
        for pid in bffd.worker_pids():
            assert_confined(pid)


def memory_of(pid):
    """All that it has written to, as root sees it."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            addresses, permissions, *_ = line.split()
            begin, end = (int(text, 16) for text in addresses.split("-"))
            if permissions.startswith("r") and "[v" not in line:
                with contextlib.suppress(OSError):
                    memory.seek(begin)
                    found.append(memory.read(end - begin))
    return b"".join(found)


def test_the_text_of_the_key_file_is_nowhere_in_memory():
    """Only root can look, which is the point: without it there is nothing to be looked at."""
    with running(sandbox="no") as bffd:
        key = (bffd.directory / "key").read_bytes().strip()
        for pid in (bffd.pid, *bffd.worker_pids()):
            if os.getuid() == 0:
                memory = memory_of(pid)
                assert b"workers = 2" in memory, "this finds what is there"
                assert key not in memory
            else:
                with pytest.raises(PermissionError):
                    memory_of(pid)
