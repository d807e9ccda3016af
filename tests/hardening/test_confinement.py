"""One test for each thing that a worker must not be able to do, and for each that it must.

A small program is confined as a worker is and tries it. That the same program succeeds when it is
not confined shows that it was the confinement that stopped it.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("BFFD", Path(__file__).parents[2] / "build" / "bffd")).absolute().parent
KILLED = signal.SIGSYS.name


def attempt(name, path="", sandbox="yes", **environment):
    """"done", the name of an errno, or that of the signal that ended it."""
    command = [BUILD / "tests" / "hardening" / "attempt", sandbox, name, path]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=20
    )
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_text("secret")
    path.chmod(0o666)
    return path


@pytest.mark.parametrize("name", ["file_read", "file_read_by_a_thread"])
def test_a_file_that_is_nobodys_business_is_not_read(name, file):
    assert attempt(name, file) == "EACCES"
    assert attempt(name, file, sandbox="no") == "done"


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/proc/self/environ", "/bin/sh"])
def test_a_file_of_the_system_is_not_read(path):
    assert attempt("file_read", path) == "EACCES"


@pytest.mark.parametrize("path", ["/", "/etc", "/proc", "/tmp"])
def test_no_directory_is_listed(path):
    assert attempt("directory_list", path) == "EACCES"
    assert attempt("directory_list", path, sandbox="no") == "done"


CHANGES = ["write", "truncate", "remove", "rename", "chmod", "link"]


@pytest.mark.parametrize("change", CHANGES)
def test_no_file_is_changed(change, file):
    assert attempt(f"file_{change}", file) == "ENOSYS"
    assert attempt(f"file_{change}", file, sandbox="no") == "done"


def test_no_file_is_made(tmp_path):
    assert attempt("file_create", tmp_path / "new") == "ENOSYS"
    assert attempt("file_create", tmp_path / "new", sandbox="no") == "done"


@pytest.mark.parametrize("change", ["write", "remove", "rename", "exchange"])
def test_with_a_micro_cache_only_its_files_are_changed(change, file, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    entry = cache / "entry"
    entry.write_text("a yes")
    assert attempt(f"file_{change}", file, MICROCACHE=str(cache)) == "EACCES"
    assert file.read_text() == "secret"
    assert attempt(f"file_{change}", entry, MICROCACHE=str(cache)) == "done"


def test_no_link_leads_out_of_the_micro_cache(tmp_path):
    assert attempt("file_link", tmp_path / "entry", MICROCACHE=str(tmp_path)) == "ENOSYS"


# What ends the worker, for nothing that bffd or its libraries do leads there.
DEADLY = ["process_trace", "process_read", "user_set", "namespace_make"]


@pytest.mark.parametrize("name", DEADLY)
def test_what_only_an_intruder_asks_for_is_the_workers_end(name):
    assert attempt(name) == KILLED
    assert attempt(name, sandbox="no") == "done"


@pytest.mark.parametrize("name, path", [("filesystem_mount", "/nowhere"), ("kernel_program", "")])
def test_what_only_root_may_is_the_end_before_that_is_looked_at(name, path):
    assert attempt(name, path) == KILLED
    assert attempt(name, path, sandbox="no") in ("ENOENT", "EPERM")


def test_no_program_is_run():
    """/bin/true prints nothing."""
    assert attempt("program_run", "/bin/true") == KILLED
    assert attempt("program_run", "/bin/true", sandbox="no") == ""


REFUSED = [
    "process_fork",
    "process_signal",
    "process_signal_thread",
    "limits_set",
    "memory_written_and_run",
    "memory_made_code",
    "memory_file",
    "socket_listen",
    "socket_of_the_kernel",
]


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_worker_has_no_use_for_is_not_there(name):
    assert attempt(name) == "ENOSYS"
    assert attempt(name, sandbox="no") == "done"


@pytest.mark.parametrize("path", ["/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl/openssl.cnf"])
def test_what_libraries_read_is_read(path):
    assert attempt("file_read", path) == "done"


def test_the_certificates_of_the_configuration_are_read(file):
    assert attempt("file_read", file, CA_FILE=str(file)) == "done"
    assert attempt("file_read", "/etc/ssl/certs/ca-certificates.crt") == "done"


def test_names_are_resolved():
    assert attempt("name_resolve") == "done"


def test_an_assertion_that_fails_ends_the_worker_as_ever():
    assert attempt("process_abort") == "SIGABRT"
