"""A bffd that cannot work as configured does not start, and says what to do."""

import os
import re
import subprocess

import pytest

from fullsite import running

# root may read every file, unless it gives that up (capabilities(7)).
CAPABILITIES = "-dac_override,-dac_read_search"
WITHOUT_PRIVILEGE = (
    ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}"]
    if os.geteuid() == 0
    else []
)


def text_with(site, pattern, replacement):
    text = site.stack.bffd.config.read_text()
    new, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
    assert count == 1, text
    return new


@pytest.fixture
def start(site, tmp_path):
    """start(text, *arguments): bffd with a configuration of that text; it must end by itself."""
    socket_line = re.compile(r"^listen *=.*$", re.MULTILINE)

    def run(text, *arguments, before=()):
        path = tmp_path / "bff.conf"
        path.write_text(socket_line.sub(f"listen = unix:{tmp_path}/bff.sock", text))
        return subprocess.run(
            [*before, str(site.stack.bffd.program), "-c", str(path), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
        )

    return run


def line_of(text, key):
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"{key} *=", line):
            return number
    raise AssertionError(f"no line for {key}")


both = pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["start", "check"])


@both
def test_an_unknown_key_is_named_with_file_and_line(site, start, arguments):
    text = text_with(site, r"^workers *=.*$", r"wrokers = 2")
    done = start(text, *arguments)
    assert done.returncode == 2
    assert f"bff.conf:{line_of(text, 'wrokers')}: " in done.stderr
    assert "wrokers" in done.stderr


@both
def test_an_unknown_section_is_named_with_file_and_line(site, start, arguments):
    text = site.stack.bffd.config.read_text() + "\n[sesion]\nidle_timeout = 1h\n"
    done = start(text, *arguments)
    assert done.returncode == 2
    assert re.search(r"bff\.conf:\d+: ", done.stderr) and "sesion" in done.stderr


@both
def test_a_value_out_of_range_is_refused_with_what_is_allowed(site, start, arguments):
    text = text_with(site, r"^workers *=.*$", "workers = 1000")
    done = start(text, *arguments)
    assert done.returncode == 2
    assert f"bff.conf:{line_of(text, 'workers')}: server.workers" in done.stderr
    assert "1000" in done.stderr and "256" in done.stderr


@pytest.mark.parametrize(
    "section, line",
    [
        ("session", "idle_timeout = 5"),
        ("session", "idle_timeout = soon"),
        ("session", "absolute_timeout = 999999999999999999999d"),
        ("redis", "command_timeout = -1s"),
        ("backend", 'attach = header Authorization "Bearer"'),
        ("refresh", 'send = json {"refresh": $refresh'),
        ("refresh", "dead = 200"),
        ("revoke", "auth = maybe"),
        ("log", "level = loud"),
    ],
)
def test_a_bad_value_is_refused_with_file_line_and_key(site, start, section, line):
    text = site.stack.bffd.config.read_text()
    key = line.split(" =")[0]
    text = re.sub(rf"(?m)^\[{section}\]$", rf"[{section}]\n{line}", text)
    if line not in text:
        text += f"\n[{section}]\n{line}\n"
    done = start(text, "--check")
    assert done.returncode == 2, done
    assert re.search(rf"bff\.conf:\d+: {section}\.{key}", done.stderr), done.stderr


def test_a_missing_key_that_is_required_is_named(site, start):
    done = start(text_with(site, r"^key_file *=.*$", ""), "--check")
    assert done.returncode == 2
    assert "server.key_file" in done.stderr


@both
def test_a_key_file_that_is_not_there_is_named_with_the_remedy(site, start, tmp_path, arguments):
    done = start(text_with(site, r"^key_file *=.*$", f"key_file = {tmp_path}/no-key"), *arguments)
    assert done.returncode == 2
    assert f"{tmp_path}/no-key" in done.stderr
    assert "keygen" in done.stderr


@both
@pytest.mark.parametrize("content", ["", "not a key\n", "AAAA\n"], ids=["empty", "text", "short"])
def test_a_key_file_without_a_key_is_refused_and_not_quoted(
    site, start, tmp_path, content, arguments
):
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    done = start(text_with(site, r"^key_file *=.*$", f"key_file = {path}"), *arguments)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert not content.strip() or content.strip() not in done.stderr


@both
def test_a_key_file_that_may_not_be_read_is_refused(site, start, tmp_path, arguments):
    path = tmp_path / "key"
    path.write_text("x")
    path.chmod(0)
    text = text_with(site, r"^key_file *=.*$", f"key_file = {path}")
    done = start(text, *arguments, before=WITHOUT_PRIVILEGE)
    assert done.returncode == 2
    assert str(path) in done.stderr and "Permission denied" in done.stderr


def test_a_key_file_that_is_a_directory_is_refused(site, start, tmp_path):
    done = start(text_with(site, r"^key_file *=.*$", f"key_file = {tmp_path}"))
    assert done.returncode == 2 and str(tmp_path) in done.stderr


def test_a_redis_that_evicts_is_refused_with_the_setting_to_change(site, start):
    site.redis.config_set("maxmemory", "100mb")
    site.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        done = start(site.stack.bffd.config.read_text())
    finally:
        site.redis.config_set("maxmemory-policy", "noeviction")
        site.redis.config_set("maxmemory", "0")
    assert done.returncode in (1, 2)
    assert "maxmemory-policy" in done.stderr and "noeviction" in done.stderr


def test_a_file_that_is_not_there_is_named(site, tmp_path):
    done = subprocess.run(
        [str(site.stack.bffd.program), "-c", str(tmp_path / "none.conf")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 2 and "none.conf" in done.stderr


def test_a_good_file_passes_the_check_and_says_what_it_would_do(site, start):
    done = start(site.stack.bffd.config.read_text(), "--check")
    assert done.returncode == 0, done.stderr
    assert site.backend.url in done.stdout + done.stderr


def test_every_key_is_printed_with_its_value_and_where_it_came_from(site, start):
    done = start(site.stack.bffd.config.read_text(), "--print-config")
    assert done.returncode == 0, done.stderr
    assert re.search(r"(?m)^idle_timeout += .*; (default|.*bff\.conf:\d+)$", done.stdout)
    assert re.search(r"(?m)^workers += .*; .*bff\.conf:\d+$", done.stdout)
    assert re.search(r"(?m)^dead += 400 401 403 +; preset simplejwt$", done.stdout)


def test_what_is_printed_holds_no_secret(site, start):
    (path,) = re.findall(r"(?m)^key_file *= *(\S+)", site.stack.bffd.config.read_text())
    done = start(site.stack.bffd.config.read_text(), "--print-config")
    with open(path) as key:
        assert key.read().strip() not in done.stdout + done.stderr


def test_keygen_prints_one_key_and_never_the_same(site):
    def make():
        done = subprocess.run(
            [str(site.stack.bffd.program), "keygen"], capture_output=True, text=True, check=True
        )
        return done.stdout

    one, other = make(), make()
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=\n", one) and one != other


def test_a_refused_start_leaves_no_socket_behind(site, start, tmp_path):
    start(text_with(site, r"^workers *=.*$", "workers = 1000"))
    assert not (tmp_path / "bff.sock").exists()


def test_a_site_with_another_prefix_keeps_its_keys_apart():
    with running(overrides={"redis.prefix": "other:"}) as other:
        other.signed_in()
        assert all(key.startswith(b"other:") for key in other.redis.keys("*"))


@pytest.mark.parametrize("what", ["--print-config", "--print-nginx", "--print-manual"])
def test_what_cannot_be_printed_to_its_end_is_a_failure(site, what):
    """Or nginx would be reloaded with the half of bff-paths.conf that a full disk took."""
    command = [str(site.stack.bffd.program), "-c", str(site.stack.bffd.config), what]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 1
    assert "standard output cannot be written" in done.stderr
