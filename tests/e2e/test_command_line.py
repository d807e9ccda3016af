"""What bffd and bffctl say to whoever types them, without anything running beside them."""

import subprocess
from pathlib import Path

import pytest

from components import bffd_program
from site_files import make_key

REDIS = "redis://127.0.0.1:1"


def run(program, *arguments, stdout=subprocess.PIPE):
    command = [bffd_program().with_name(program), *map(str, arguments)]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        timeout=20,
    )


@pytest.fixture
def write(tmp_path):
    """write(text): a configuration; the text starts within [backend]."""

    def write(text="", redis=REDIS, server=""):
        make_key(tmp_path / "key")
        path = tmp_path / "bff.conf"
        path.write_text(
            f"[server]\nkey_file = {tmp_path}/key\nlisten = unix:{tmp_path}/bff.sock\n{server}"
            f"[redis]\nurl = {redis}\n[backend]\nurl = http://127.0.0.1:1\n{text}"
        )
        return path

    return write


@pytest.mark.parametrize("program", ["bffd", "bffctl"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_no_error(program, option):
    done = run(program, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {program} ")


@pytest.mark.parametrize("program", ["bffd", "bffctl"])
def test_the_version_is_that_of_the_program(program):
    name, version = run(program, "--version").stdout.split()
    assert name == program and version[0].isdigit()
    assert run(program, "-V").stdout == f"{name} {version}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["bffd"],
        ["bffd", "--check"],
        ["bffd", "--frobnicate"],
        ["bffd", "-c", "bff.conf", "more"],
        ["bffd", "keygen", "more"],
        ["bffd", "doctor", "-c"],
        ["bffctl", "--frobnicate"],
        ["bffctl", "status", "more"],
    ],
)
def test_wrong_usage_shows_the_right_one(words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"usage: {words[0]} " in done.stderr


@pytest.mark.parametrize("what", ["--print-config", "--print-nginx", "--check"])
@pytest.mark.parametrize(
    "text, reason", [("[log]\nlevel = loud\n", "log.level"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read_prints_nothing(write, what, text, reason):
    path = write(text or "")
    if text is None:
        path.unlink()
    done = run("bffd", "-c", path, what)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(path) in done.stderr and reason in done.stderr


@pytest.mark.parametrize("words", [["status"], ["list"]], ids=" ".join)
def test_a_file_that_cannot_be_read_is_bffctls_refusal_too(write, words):
    done = run("bffctl", "-c", write("[log]\nlevel = loud\n"), *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "log.level" in done.stderr


def would(path):
    """What --check says, and that Redis is not there."""
    done = run("bffd", "-c", path, "--check")
    assert done.returncode == 1 and "Redis: " in done.stdout, done
    return done.stdout


def test_the_check_says_how_bffd_shows_itself_to_the_backend(write):
    client = "preset = oauth-toolkit\n[client]\nid = web\n"
    assert "OAuth client web, without a secret, in the form\n" in would(write(client))
    path = write(client + "secret_file = SECRET\n")
    secret = Path(path.parent, "secret")
    secret.write_text("hush\n")
    secret.chmod(0o600)
    path.write_text(path.read_text().replace("SECRET", str(secret)))
    said = would(path)
    assert "OAuth client web, with a secret, in the header Authorization\n" in said
    assert "hush" not in said
    path.write_text(path.read_text() + "auth = form\n")
    assert "OAuth client web, with a secret, in the form\n" in would(path)


def test_the_check_says_what_else_would_be_done(write):
    said = would(
        write(
            "[capture register]\nrequest = POST /api/register/\n[revoke]\nrequest =\n"
            "[compat]\nenabled = yes\n",
            redis="redis+cluster://127.0.0.1:1",
            server="workers = 3\nio_threads = 5\nsandbox = no\n",
        )
    )
    assert "with 3 workers of 5 I/O threads" in said
    assert "Redis for every request: what is in a cluster is not cached" in said
    assert "capture  POST /api/register/ (register)" in said
    assert "revoke   not configured" in said
    assert "expects tokens, with placeholders" in said
    assert "Workers would not be confined: server.sandbox is no." in said


def test_the_check_says_that_nginx_may_keep_a_yes(write):
    directory = Path("/dev/shm", f"bffd-test-{Path(write().parent).name}")
    directory.mkdir(mode=0o700)
    try:
        said = would(write(server=f"microcache = {directory}\n"))
        assert f"nginx keep a yes in {directory}, for 1 to 2 s" in said
    finally:
        directory.rmdir()


def test_what_bffctl_cannot_write_is_a_failure(write):
    """Or a script would take half a list for the whole."""
    with open("/dev/full", "w") as full:
        done = run("bffctl", "-c", write(), "rotate-key", stdout=full)
    assert done.returncode == 1
    assert "standard output cannot be written" in done.stderr


# bffctl rotate-key, what it does not do


KEYS_MAX = 16


def keys(path):
    return [line for line in (path.parent / "key").read_text().splitlines() if line[0] != "#"]


def add_keys(path, count):
    with open(path.parent / "key", "a") as file:
        for _ in range(count):
            file.write(run("bffd", "keygen").stdout)


def refused(path, *words):
    """Why; the file of the keys is as it was."""
    before = (path.parent / "key").read_bytes()
    done = run("bffctl", "-c", path, "rotate-key", *words)
    assert done.returncode == 1 and done.stdout == "", done
    assert (path.parent / "key").read_bytes() == before
    return done.stderr


def test_a_step_that_there_is_not(write):
    assert "the steps of rotate-key are add, use and drop" in refused(write(), "turn")


def test_the_only_key_is_not_dropped(write):
    assert "there is only one key" in refused(write(), "drop")
    assert "there is only one key" in refused(write(), "drop", "--now")


def test_a_key_that_nobody_has_read_is_not_used(write):
    path = write()
    assert "no key was added" in refused(path, "use")
    assert run("bffctl", "-c", path, "rotate-key", "add").returncode == 0
    assert len(keys(path)) == 2
    assert "cannot be asked" in refused(path, "use")
    assert "a key was added already" in refused(path, "add")
    assert "seals nothing yet" in refused(path, "drop")


def test_of_keys_whose_age_is_not_told_the_older_go_only_now(write):
    path = write()
    add_keys(path, 1)
    first = keys(path)[0]
    assert "does not say since when" in refused(path, "drop")
    assert run("bffctl", "-c", path, "rotate-key", "drop", "--now").returncode == 0
    assert keys(path) == [first]


def test_no_more_keys_are_added_than_bffd_reads(write):
    path = write()
    add_keys(path, KEYS_MAX - 1)
    assert "holds as many keys as it may" in refused(path, "add")


def test_what_another_one_is_writing_is_left_alone(write):
    path = write()
    other = path.parent / "key.new"
    other.write_text("another one's")
    assert "cannot be replaced: File exists" in refused(path, "add")
    assert other.read_text() == "another one's"
