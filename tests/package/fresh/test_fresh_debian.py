"""The operator's path on a fresh Debian 12 with its own systemd: install, edit four lines, include one
file, start; then upgrade, rotate the key, remove, purge. The tests are steps, in order.

    make test-package       BFFD_DEB=FILE tests another package than this tree's
"""

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import debian
import site_files
from machine import Machine
from until import until

FAKE_DJANGO = debian.ROOT / "tests" / "django" / "fake_backend.py"
CALLERS = Path(__file__).parent / "callers.py"
PYTHON = "/usr/bin/python3"
USERS = 6  # thrice: still no more than nginx lets one address sign in at once
PACKAGES = ["nginx", "redis-server", "curl"]
# What Debian itself leaves behind, or goes on writing.
NOT_OURS = re.compile(
    r"\./(var/(log|cache|backups)|var/lib/(apt|dpkg|systemd/(random-seed|catalog|timers))|run)(/|$)"
)


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    if given := os.environ.get("BFFD_DEB"):
        return Path(given)
    return debian.build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def machine(deb, tmp_path_factory):
    fresh = Machine(tmp_path_factory.mktemp("fresh"), [deb, *PACKAGES])
    try:
        fresh.start()
        yield fresh
    finally:
        fresh.stop()
        debian.shutil.rmtree(fresh.root)


@pytest.fixture(scope="module")
def before(machine):
    """Its files and users, before bffd comes."""
    install(machine, *PACKAGES)
    machine.do("systemctl start nginx redis-server")
    return machine.files(), machine.do("getent passwd; getent group")


def install(machine, *packages):
    environment = "env DEBIAN_FRONTEND=noninteractive"
    options = "-qq -y --no-install-recommends -o Dpkg::Use-Pty=0"
    return machine.do(f"{environment} apt-get {options} install {' '.join(packages)} 2>&1")


def state_of(machine, unit):
    facts = "ActiveState,UnitFileState,MainPID,NRestarts"
    shown = machine.do("systemctl", "show", f"--property={facts}", unit)
    return dict(line.split("=", 1) for line in shown.splitlines())


@pytest.fixture(scope="module")
def django(machine, tmp_path_factory):
    """At 127.0.0.1:8000 of the machine."""
    directory = tmp_path_factory.mktemp("django")
    fake = machine.beside(
        PYTHON, FAKE_DJANGO, "--port", 8000, "--dir", directory,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert fake.stdout.readline() == "ready 8000\n"
        settings = json.dumps({"settings": {"users": USERS, "access_seconds": 2}})
        machine.do("curl", "-sS", "-d", settings, "http://127.0.0.1:8000/control")
        yield
    finally:
        fake.kill()
        fake.wait()
        fake.stdout.close()


def test_installing_makes_a_user_and_a_key_and_starts_nothing(machine, before, deb):
    said = install(machine, f"/root/{deb.name}")
    assert "edit the four lines" in said
    assert state_of(machine, "bffd.service")["ActiveState"] == "inactive"
    assert state_of(machine, "bffd.socket")["ActiveState"] == "inactive"
    assert machine.do("getent passwd bffd").split(":")[5:] == ["/nonexistent", "/usr/sbin/nologin\n"]
    assert machine.do("stat -c '%U %G %a %s' /etc/bffd/key") == "root root 600 45\n"
    assert machine.do("ls /etc/bffd").split() == ["bff.conf", "key"]
    machine.do("nginx -t -q && systemctl reload nginx")


def test_started_without_the_four_lines_it_says_what_is_missing(machine):
    with pytest.raises(AssertionError):
        machine.do("systemctl start bffd")
    assert "bff.conf: redis.url is missing" in machine.do("journalctl -q -u bffd -o cat")
    machine.do("systemctl stop bffd.socket && systemctl reset-failed bffd")


# The steps of README.md, "Install".
FOUR_LINES = r"""
sed -i -e 's|^;url = http:.*|url = http://127.0.0.1:8000|' \
       -e 's|^;preset = .*|preset = simplejwt|' \
       -e 's|^;url = redis:.*|url = redis://127.0.0.1:6379|' \
       -e 's|^;origins = .*|origins = https://app.example.org|' /etc/bffd/bff.conf
bffd -c /etc/bffd/bff.conf --check
"""
ONE_FILE = """
bffd -c /etc/bffd/bff.conf --print-nginx >/etc/nginx/bff/bff-paths.conf
cp /etc/nginx/bff/site-https.conf /etc/nginx/sites-available/app
ln -s ../sites-available/app /etc/nginx/sites-enabled/
nginx -t -q && systemctl reload nginx
"""
START = "systemctl enable --now bffd"


def give_certificate(machine, directory):
    certificate, key = site_files.make_certificate(directory)
    for file, place in (
        (certificate, "certs/app.example.org.pem"),
        (key, "private/app.example.org.key"),
    ):
        to = machine.root / "etc/ssl" / place
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(file.read_bytes())


CURL = "curl -sS -k --resolve app.example.org:443:127.0.0.1 -b /tmp/jar -c /tmp/jar -H 'X-CSRF: 1'"


def call(machine, what):
    """(body as JSON, status)"""
    body, _, status = machine.do(f"{CURL} -w '\\n%{{http_code}}' {what}").rpartition("\n")
    return json.loads(body or "null"), int(status)


SITE = "https://app.example.org"
SIGN_IN = """-H 'Content-Type: application/json' -d '{"username": "user1", "password": "user1"}' """


def test_install_edit_include_start_and_sign_in(machine, django, tmp_path):
    give_certificate(machine, tmp_path)
    assert "Redis answers" in machine.do(FOUR_LINES)
    machine.do(ONE_FILE)
    machine.do("mkdir -p /var/www/app && echo '<p>the page' >/var/www/app/index.html")
    machine.do(START)
    assert state_of(machine, "bffd.service")["ActiveState"] == "active"
    assert machine.do(f"{CURL} {SITE}/") == "<p>the page\n"
    answer, status = call(machine, f"{SIGN_IN} {SITE}/bff/login")
    assert status == 200 and "access" not in answer, answer
    answer, status = call(machine, f"{SITE}/api/echo/")
    assert status == 200 and answer["headers"]["Authorization"].startswith("Bearer ")


def test_it_runs_confined(machine):
    pid = state_of(machine, "bffd.service")["MainPID"]
    status = dict(
        line.split(":\t", 1) for line in machine.do("cat", f"/proc/{pid}/status").splitlines()
    )
    bffd = machine.do("id -u bffd").strip()
    assert status["Uid"].split() == [bffd] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    assert machine.do("stat -c '%U %G %a' /run/bff/bff.sock") == "root www-data 660\n"
    said = machine.do("journalctl -q -u bffd -o cat")
    assert "event=sandbox " in said and "event=sandbox_failed" not in said
    # The unit's own filter leaves bffd what it confines itself with, and the locking of its keys.
    outside = machine.do("bffd -c /etc/bffd/bff.conf --check")
    inside = re.search(r"event=sandbox server_sandbox=yes landlock=(\d+) seccomp=1", said)
    assert (int(inside[1]) > 0) == ("files by Landlock" in outside), said
    assert "keys_not_locked" not in said
    assert len(json.loads(machine.do("bffctl --json status"))["workers"]) >= 1
    # The key comes as a credential, for bffd may not read the file.
    with pytest.raises(AssertionError):
        machine.do("setpriv --reuid bffd --regid bffd --clear-groups cat /etc/bffd/key")


@contextlib.contextmanager
def people_calling(machine):
    """All the time; every call is answered with 200, over connections that stay."""
    machine.do(
        "cp -n /etc/nginx/bff/site-localhost.conf /etc/nginx/sites-enabled/localhost;"
        "nginx -t -q && systemctl reload nginx"
    )
    people = machine.beside(
        PYTHON, CALLERS, "http://localhost:8080", USERS,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert people.stdout.readline() == "calling\n"
        yield
        saw, _ = people.communicate(timeout=60)
    finally:
        people.kill()
        people.communicate()
    saw = json.loads(saw)
    assert saw["statuses"].keys() == {"200"} and not saw["broken"] and not saw["repeated"], saw


def test_an_upgrade_fails_no_request_and_ends_no_session(machine, deb):
    first = state_of(machine, "bffd.service")["MainPID"]
    key = machine.do("sha256sum /etc/bffd/key")
    with people_calling(machine):
        install(machine, "--reinstall", f"/root/{deb.name}")
        until(lambda: state_of(machine, "bffd.service")["ActiveState"] == "active", 10, "it is up")
        assert state_of(machine, "bffd.service")["MainPID"] != first
        call(machine, f"{SITE}/api/echo/")
    assert machine.do("sha256sum /etc/bffd/key") == key
    assert "url = http://127.0.0.1:8000\n" in machine.do("cat /etc/bffd/bff.conf")
    assert call(machine, f"{SITE}/bff/session")[0]["authenticated"]


def test_a_reload_takes_the_new_configuration(machine):
    first = state_of(machine, "bffd.service")["MainPID"]
    with people_calling(machine):
        machine.do("sed -i 's/^;workers = .*/workers = 3/' /etc/bffd/bff.conf")
        machine.do("systemctl reload bffd")
        children = f"cat /proc/{first}/task/{first}/children"
        until(lambda: len(machine.do(children).split()) == 3, 10, "it has three workers")
    assert state_of(machine, "bffd.service")["MainPID"] == first


# The steps of README.md, "Operations". On one host, each once.
ROTATION = [
    "bffctl rotate-key add && systemctl restart bffd",
    "bffctl rotate-key use && systemctl restart bffd",
]


def keys_of(machine):
    return [line for line in machine.do("cat /etc/bffd/key").splitlines() if line[0] != "#"]


def test_the_key_is_rotated_by_restarts(machine):
    (old,) = keys_of(machine)
    with people_calling(machine):
        for step in ROTATION:
            machine.do(step)
    new, kept = keys_of(machine)
    assert kept == old != new
    assert machine.do("stat -c '%U %G %a' /etc/bffd/key") == "root root 600\n"
    assert call(machine, f"{SITE}/bff/session")[0]["authenticated"]


def test_systemd_replaces_a_bffd_that_hangs(machine):
    drop_in = "/run/systemd/system/bffd.service.d/soon.conf"
    machine.do(
        f"mkdir -p {Path(drop_in).parent}; printf '[Service]\\nWatchdogSec=2s\\n' >{drop_in};"
        "systemctl daemon-reload && systemctl restart bffd"
    )
    hung = state_of(machine, "bffd.service")
    machine.do(f"kill -STOP {hung['MainPID']}")

    def is_another():
        now = state_of(machine, "bffd.service")
        return now["MainPID"] not in ("0", hung["MainPID"]) and now["ActiveState"] == "active"

    until(is_another, 20, "systemd has started another one")
    assert call(machine, f"{SITE}/bff/session")[0]["authenticated"]
    machine.do(f"rm -r {Path(drop_in).parent} && systemctl daemon-reload")


def test_no_secret_has_reached_a_log_or_a_command_line(machine):
    keys = keys_of(machine)
    logs = machine.do("journalctl -q --no-pager -o verbose; cat /var/log/dpkg.log /var/log/apt/*.log")
    assert not [key for key in keys if key in logs or key[:16] in logs]


def test_removed_and_purged_it_leaves_nothing(machine, before):
    files, users = before
    machine.do("rm /etc/nginx/sites-enabled/app /etc/nginx/sites-enabled/localhost")
    machine.do("apt-get -qq -y remove bffd && test -e /etc/bffd/key")
    assert state_of(machine, "bffd.socket")["ActiveState"] == "inactive"
    assert "/usr/sbin/bffd" not in machine.do("readlink /proc/[0-9]*/exe || true")
    machine.do("nginx -t -q && systemctl reload nginx")
    machine.do("apt-get -qq -y purge bffd && apt-get -qq -y autoremove")
    assert machine.do("getent passwd; getent group") == users
    machine.do("rm -r /var/www/app /etc/nginx/sites-available/app /etc/ssl")
    left = {path for path in machine.files() - files if not NOT_OURS.match(path)}
    assert not left
    assert not machine.do("ls -d /run/bff /run/bffd /etc/bffd 2>/dev/null || true")
    machine.do("nginx -t -q")
