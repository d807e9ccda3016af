"""What `make deb` makes, looked at without installing it: contents, modes, scripts, units."""

import re
import subprocess
from pathlib import Path

import pytest

import debian

ROOT = debian.ROOT
EXPOSURE_MAX = 1.5


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return debian.build(tmp_path_factory.mktemp("build"))


PROGRAMS = {"/usr/sbin/bffd", "/usr/sbin/bffctl"}


@pytest.fixture(scope="module")
def tree(deb, tmp_path_factory):
    return debian.unpack(deb, tmp_path_factory.mktemp("tree") / "bffd")


def test_lintian_has_nothing_to_say(deb):
    said = debian.run("lintian", "--allow-root", "--fail-on=error,warning,info", deb)
    assert said == ""


def test_all_of_it_is_roots_and_nobody_else_may_write(deb):
    members = debian.members(deb)
    assert {owner for _, owner in members.values()} == {"root/root"}
    odd = {
        path: mode
        for path, (mode, _) in members.items()
        if mode not in ("drwxr-xr-x", "-rw-r--r--") and path not in PROGRAMS
    }
    assert not odd and {members[program][0] for program in PROGRAMS} == {"-rwxr-xr-x"}


def test_what_operators_need_is_in_it(deb):
    paths = debian.members(deb).keys()
    shipped = {f"/etc/nginx/bff/{file.name}" for file in (ROOT / "nginx").glob("*.conf")}
    assert shipped - {"/etc/nginx/bff/bff-http.conf"} <= paths
    assert {
        "/etc/bffd/bff.conf",
        "/etc/nginx/conf.d/bff-http.conf",
        "/lib/systemd/system/bffd.service",
        "/lib/systemd/system/bffd.socket",
        "/usr/share/bffd/alerts.yml",
        "/usr/share/bffd/bffd_grace.py",
        "/usr/share/bffd/dashboard.json",
        "/usr/share/doc/bffd/redis.acl",
        "/usr/share/man/man5/bff.conf.5.gz",
        "/usr/share/man/man8/bffctl.8.gz",
        "/usr/share/man/man8/bffd.8.gz",
    } <= paths
    assert not [path for path in paths if "key" in Path(path).name], "a key is made where it is used"


def test_what_administrators_edit_is_theirs(tree, deb):
    conffiles = set((tree / "DEBIAN/conffiles").read_text().split())
    files = {path for path in debian.members(deb) if path.startswith("/etc/")}
    assert conffiles == {path for path in files if not path.endswith("/")}


def test_versions_agree(deb, tree):
    wanted = re.search(r"^VERSION +:= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    control = (tree / "DEBIAN/control").read_text()
    assert f"\nVersion: {wanted}\n" in control
    assert debian.run(tree / "usr/sbin/bffd", "--version") == f"bffd {wanted}\n"


def configured(text, **lines):
    """A bff.conf in which the lines that are commented out count, but for passwords."""
    text = re.sub(r"^;([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^(user|password_file) = .*\n", "", text, flags=re.MULTILINE)


def test_the_configuration_wants_four_lines_and_shows_defaults(tree, tmp_path):
    shipped, bffd = (tree / "etc/bffd/bff.conf").read_text(), tree / "usr/sbin/bffd"
    refused = subprocess.run(
        [bffd, "-c", tree / "etc/bffd/bff.conf", "--print-config"], capture_output=True, text=True
    )
    assert refused.returncode == 2 and "redis.url is missing" in refused.stderr
    first_lines = shipped.partition("[server]")[0]
    assert len(re.findall(r"^;[a-z_]+ = ", first_lines, re.MULTILINE)) == 4
    full, short = tmp_path / "full.conf", tmp_path / "short.conf"
    full.write_text(configured(shipped))
    short.write_text(configured(first_lines) + "[server]\nkey_file = /etc/bffd/key\n")

    def values(file):
        printed = debian.run(bffd, "-c", file, "--print-config")
        return re.sub(r" +; .*", "", printed)

    assert values(full) == values(short), "a line that is commented out shows the default"


def test_make_install_keeps_what_was_edited(deb, tmp_path):
    """Below /usr/local; the units name that place, and edited files stay."""
    built = deb.parent / "bffd"  # the copy in which the package was made
    words = ["make", "-C", built, "install", f"DESTDIR={tmp_path}/root"]
    debian.run(*words)
    root = tmp_path / "root"
    unit = (root / "usr/local/lib/systemd/system/bffd.service").read_text()
    assert "ExecStart=/usr/local/sbin/bffd -c /etc/bffd/bff.conf\n" in unit
    edited = root / "etc/bffd/bff.conf", root / "etc/nginx/conf.d/bff-http.conf"
    for file in edited:
        file.write_text("mine\n")
    debian.run(*words)
    for file in edited:
        assert file.read_text() == "mine\n"
        assert "bffd" in file.with_name(f"{file.name}.new").read_text()


def test_the_units_are_well_formed(tree, tmp_path):
    copy = debian.shutil.copytree(tree, tmp_path / "tree")
    status, complaints = debian.complaints(copy, "bffd.service", "bffd.socket")
    assert status == 0, complaints
    assert "bffd" not in complaints


def test_the_service_is_exposed_no_more_than_it_has_to_be(tree):
    exposure, table = debian.exposure(tree, "bffd.service")
    assert exposure <= EXPOSURE_MAX, table


def test_the_socket_is_for_nginx_only(tree):
    unit = (tree / "lib/systemd/system/bffd.socket").read_text()
    assert "\nSocketGroup=www-data\nSocketMode=0660\n" in unit
    listen = re.search(r"^ListenStream=(.+)$", unit, re.MULTILINE)[1]
    assert f"server unix:{listen};" in (tree / "etc/nginx/conf.d/bff-http.conf").read_text()


