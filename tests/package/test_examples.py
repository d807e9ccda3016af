"""The complete examples work as they are written: bffd, nginx, Redis, its sentinels and systemd take
each file, with addresses and paths of this test in place of those that they name."""

import contextlib
import re
import shutil
import subprocess

import pytest

import components
import debian
import site_files
from test_package import EXPOSURE_MAX
from topologies import Server
from until import until

EXAMPLES = debian.ROOT / "scripts" / "examples"
REDIS_ACL = debian.ROOT / "bff" / "redis.acl"
HOSTS = ["10.0.0.11", "10.0.0.12", "10.0.0.13"]


def replaced(text, replacements):
    for shipped, ours in replacements.items():
        assert shipped in text, shipped
        text = text.replace(shipped, str(ours))
    return text


def commands(example, first_word):
    """Those of an example's README that begin so, with the lines they go on to."""
    text = (EXAMPLES / example / "README").read_text()
    lines = re.findall(rf"^  ({first_word} .*(?:\n      .*)*)$", text, re.MULTILINE)
    assert lines, first_word
    return "\n".join(lines)


class ExampleRedis(Server):
    """With an example's redis.conf as its file."""

    def __init__(self, directory, text):
        super().__init__(directory, {})
        self.directory.mkdir(parents=True)
        self.file = self.directory / "redis.conf"
        self.file.write_text(text)

    def command(self):
        words = [components.find_program("redis-server"), self.file, "--dir", self.directory]
        return [*words, "--port", self.port, "--unixsocket", self.socket]


class ExampleSentinel(ExampleRedis):
    name = "sentinel"

    def command(self):
        return [*super().command(), "--sentinel"]


def check(config):
    done = subprocess.run(
        [components.bffd_program(), "-c", config, "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Redis answers and keeps what it is given." in done.stdout


def write_bff_conf(example, directory, replacements):
    site_files.make_key(directory / "key")
    config = directory / "bff.conf"
    places = {"/etc/bffd/key": directory / "key", "/etc/bffd/redis": directory / "redis"}
    config.write_text(replaced((EXAMPLES / example / "bff.conf").read_text(), places | replacements))
    return config


def test_one_host_with_the_least_rights_of_redis(tmp_path):
    places = {
        "/usr/share/doc/bffd/redis.acl": REDIS_ACL,
        "/etc/bffd": tmp_path,
        "/etc/redis": tmp_path,
        "-o redis -g redis ": "",
    }
    steps = "\n".join(commands("one-host", word) for word in ("openssl", "sed", "echo"))
    debian.run("sh", "-ec", replaced(steps, places))
    assert (tmp_path / "redis-password").stat().st_mode & 0o777 == 0o600
    text = (EXAMPLES / "one-host" / "redis.conf").read_text()
    redis = ExampleRedis(
        tmp_path / "redis",
        replaced(text, {"/etc/redis": tmp_path, "/run/redis": tmp_path / "redis"}),
    )
    redis.start()
    try:
        url = {"/run/redis/redis-server.sock": redis.socket}
        check(write_bff_conf("one-host", tmp_path, url))
        assert "NOAUTH" in redis.ask("ping")
    finally:
        redis.stop()


@pytest.fixture
def three_hosts(tmp_path):
    """[(Redis, sentinel)] of each host; its addresses are ports here."""
    example, add = EXAMPLES / "three-hosts", commands("three-hosts", "sed")
    acl = tmp_path / "users.acl"
    shutil.copy(example / "users.acl", acl)
    places = {"/usr/share/doc/bffd/redis.acl": REDIS_ACL, "/etc/redis/users.acl": acl}
    debian.run("sh", "-ec", replaced(add, places))
    (tmp_path / "redis-password").touch(0o600)
    (tmp_path / "redis-password").write_text("PASSWORD\n")
    ours = {"/etc/redis/users.acl": acl, f"bind 127.0.0.1 {HOSTS[0]}": "bind 127.0.0.1"}
    hosts = []
    with contextlib.ExitStack() as at_end:
        for i in range(3):
            redis = ExampleRedis(
                tmp_path / f"redis{i}", replaced((example / "redis.conf").read_text(), ours)
            )
            first = hosts[0][0] if i else redis
            if i:
                with redis.file.open("a") as file:
                    file.write(f"replicaof 127.0.0.1 {first.port}\n")
            monitor = {
                f"bind 127.0.0.1 {HOSTS[0]}": "bind 127.0.0.1",
                f"monitor sessions {HOSTS[0]} 6379": f"monitor sessions 127.0.0.1 {first.port}",
            }
            text = replaced((example / "sentinel.conf").read_text(), monitor)
            sentinel = ExampleSentinel(tmp_path / f"sentinel{i}", text)
            hosts.append((redis, sentinel))
            for part in (redis, sentinel):
                part.start()
                at_end.callback(part.stop)
        yield hosts


def facts(sentinel):
    """What it says of the primary, as far as all of that has values."""
    words = sentinel.ask("sentinel", "master", "sessions").split()
    return dict(zip(words[::2], words[1::2]))


def test_three_hosts_find_their_primary_and_the_next_one(three_hosts, tmp_path):
    sentinels = [sentinel for _, sentinel in three_hosts]
    addresses = {f"{h}:26379": f"127.0.0.1:{s.port}" for h, s in zip(HOSTS, sentinels)}
    config = write_bff_conf("three-hosts", tmp_path, addresses)

    def is_known(sentinel):
        known = facts(sentinel)
        return (known.get("num-slaves"), known.get("num-other-sentinels")) == ("2", "2")

    for sentinel in sentinels:
        until(lambda: is_known(sentinel), 30, "sentinels know of each other")
    check(config)
    first = facts(sentinels[0])["port"]
    until(lambda: "OK" in sentinels[0].ask("sentinel", "failover", "sessions"), 10, "it begins")
    for sentinel in sentinels:
        until(lambda: facts(sentinel).get("port", first) != first, 30, "another one is the primary")

    def answers():
        with contextlib.suppress(AssertionError):
            check(config)
            return True

    until(answers, 10, "it takes writes")


@pytest.fixture(scope="module")
def nginx_files(tmp_path_factory):
    """/etc/nginx as the package fills it, and a certificate."""
    directory = tmp_path_factory.mktemp("nginx")
    shutil.copytree(debian.ROOT / "nginx", directory / "bff")
    (directory / "conf.d").mkdir()
    (directory / "bff" / "bff-http.conf").rename(directory / "conf.d" / "bff-http.conf")
    site_files.make_certificate(directory)
    return directory


def complaints_of_nginx(nginx_files, text):
    (nginx_files / "nginx.conf").write_text(text)
    command = [components.find_program("nginx"), "-t", "-q", "-c", nginx_files / "nginx.conf"]
    done = subprocess.run([*command, "-e", nginx_files / "log"], capture_output=True, text=True)
    assert (done.returncode == 0) == (not done.stderr), done
    return done.stderr


@pytest.mark.parametrize(
    "file",
    ["one-host/nginx.conf", "three-hosts/nginx.conf", "three-hosts/load-balancer.conf"],
)
def test_nginx_takes_it(nginx_files, file):
    text = (EXAMPLES / file).read_text()
    ours = {"pid /run/nginx.pid": f"pid {nginx_files}/pid"}
    if "ssl_certificate" in text:
        ours |= {
            "/etc/ssl/certs/app.example.org.pem": nginx_files / "localhost.pem",
            "/etc/ssl/private/app.example.org.key": nginx_files / "localhost.key",
            "/etc/nginx/conf.d": nginx_files / "conf.d",
            "/var/log/nginx": nginx_files,
            "include /etc/nginx/modules-enabled/*.conf;": "",
        }
    assert not complaints_of_nginx(nginx_files, replaced(text, ours))


def test_what_the_package_puts_into_conf_d_does_not_stop_nginx(nginx_files):
    """Before any server block includes bff.conf."""
    text = f"pid {nginx_files}/pid; events {{}} http {{ include {nginx_files}/conf.d/*.conf; }}"
    assert not complaints_of_nginx(nginx_files, text)


@pytest.mark.parametrize("example", ["one-host", "three-hosts"])
def test_systemd_takes_it(example, tmp_path):
    units = tmp_path / "lib" / "systemd" / "system"
    shutil.copytree(debian.ROOT / "scripts" / "systemd", units)
    drop_in = units / "bffd.service.d" / "bffd.conf"
    drop_in.parent.mkdir()
    shutil.copy(EXAMPLES / example / "bffd.conf", drop_in)
    (tmp_path / "usr/sbin").mkdir(parents=True)
    shutil.copy("/bin/true", tmp_path / "usr/sbin/bffd")
    status, complaints = debian.complaints(tmp_path, "bffd.service")
    assert status == 0 and "bffd" not in complaints, complaints
    exposure, table = debian.exposure(tmp_path, "bffd.service")
    assert exposure <= EXPOSURE_MAX, table
    assert "Service does not define an IP address allow list" not in table
