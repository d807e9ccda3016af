"""bffctl(8) beside a running bffd."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from fullsite import FakeBackend, running
from until import until

SITE = {"backend": FakeBackend, "workers": 2, "env": {"access_seconds": 600, "users": 300}}


def bffctl(site, *words, **options):
    program = Path(os.environ["BFFD"]).with_name("bffctl")
    return subprocess.run([program, "-c", site.stack.config, *words], capture_output=True,
                          text=True, timeout=30, **options)


def told(site, *words, **options):
    """What it says as JSON."""
    done = bffctl(site, "--json", *words, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_status_names_the_workers_that_run(site):
    site.signed_in()
    status = told(site, "status")
    assert sorted(w["pid"] for w in status["workers"]) == site.stack.bffd.worker_pids()
    assert {w["state"] for w in status["workers"]} == {"serving"}
    until(
        lambda: all(w["hears_redis"] for w in told(site, "status")["workers"]), 5, "Redis is heard"
    )
    assert sum(w["answered"] for w in status["workers"]) >= 1
    assert status["crashes"] == 0


def test_status_is_a_table_for_people(site):
    lines = bffctl(site, "status").stdout.splitlines()
    assert lines[0].startswith("bffd ") and lines[1].startswith("PID ")
    assert [int(line.split()[0]) for line in lines[2:]] == site.stack.bffd.worker_pids()
    # Each column begins where its head does.
    for head in ("STATE", "FOR", "CONNS", "REDIS", "BACKEND"):
        at = lines[1].index(head)
        assert all(line[at - 1] == " " and line[at] != " " for line in lines[2:]), lines


def test_pending_counts_what_the_backend_could_not_be_told(site):
    assert told(site, "pending")["waiting"] == 0
    assert bffctl(site, "pending").stdout == "0 revocations wait to be told to the backend.\n"
    browsers = [site.signed_in() for _ in range(3)]
    site.backend.control(revoke={"status": 503})
    try:
        assert [b.sign_out().status for b in browsers] == [202] * 3
        pending = until(
            lambda: (p := told(site, "pending"))["waiting"] == 3 and p, 5, "three of them wait"
        )
        held = [w for w in pending["workers"] if w["waiting"]]
        assert all(0 <= w["next_attempt_s"] <= 61 for w in held)
        text = bffctl(site, "pending").stdout
        assert text.startswith("3 revocations wait") and text.count("worker ") == len(held)
    finally:
        site.backend.control(revoke=None)
    until(lambda: told(site, "pending")["waiting"] == 0, 20, "the backend is told")


def test_a_draining_worker_is_shown_as_one():
    with running(FakeBackend, workers=1) as site:
        browser = site.signed_in()
        site.backend.control(login={"hang": True})
        with browser.begin("POST", "/bff/login", [("Content-Type", "application/json")], b"{}"):
            until(lambda: [c for c in site.backend.begun() if not c["status"]], 5, "it hangs")
            site.stack.bffd.signal(signal.SIGHUP)
            until(
                lambda: sorted(w["state"] for w in told(site, "status")["workers"])
                == ["draining", "serving"],
                10,
                "two generations",
            )
            site.backend.control(release=True, login=None)


@pytest.fixture
def empty_site(site):
    site.redis.flushdb()
    return site


def user_id(browser):
    return str(browser.session()["user"]["user_id"])


def test_list_names_each_session_as_its_user_sees_it(empty_site):
    site, browsers = empty_site, [empty_site.signed_in(user="alice") for _ in range(2)]
    bob = site.signed_in("bob", "builder")
    listed = {s["id"]: s for s in told(site, "list")["sessions"]}
    ids = [s["id"] for b in (browsers[0], bob) for s in b.get("/bff/sessions").json()["sessions"]]
    assert set(listed) == set(ids) and len(listed) == 3
    users = [listed[i]["user"] for i in ids]
    assert users[0] == users[1] != users[2] and "alice" not in str(listed)
    of_bob = told(site, "list", "--user", user_id(bob))["sessions"]
    assert [s["id"] for s in of_bob] == ids[2:]
    assert told(site, "list", "--user", "nobody") == {"sessions": []}
    text = bffctl(site, "list").stdout
    assert text.startswith("SESSION") and text.endswith("3 sessions\n") and ids[2] in text


def test_revoke_ends_the_sessions_of_one_user(empty_site):
    site, alices = empty_site, [empty_site.signed_in() for _ in range(3)]
    bob = site.signed_in("bob", "builder")
    assert all(b.get("/api/whoami/").status == 200 for b in [*alices, bob] * 2)
    assert told(site, "revoke", "--user", user_id(alices[0])) == {"ended": 3}
    until(lambda: alices[0].get("/api/whoami/").status == 401, 2, "it is over")
    assert [b.get("/api/whoami/").status for b in alices * 2] == [401] * 6
    assert bob.get("/api/whoami/").status == 200


def test_revoke_ends_one_session(empty_site):
    site, browser, other = empty_site, empty_site.signed_in(), empty_site.signed_in()
    identity = browser.get("/bff/sessions").json()["sessions"][0]["id"]
    assert bffctl(site, "revoke", "--session", identity).stdout == "1 sessions ended\n"
    assert told(site, "revoke", "--session", identity) == {"ended": 0}
    until(lambda: browser.get("/api/whoami/").status == 401, 2, "it is over")
    assert other.get("/api/whoami/").status == 200


def test_revoke_ends_everything_however_much_there_is(empty_site):
    site = empty_site
    browsers = [site.signed_in(f"user{i}", f"user{i}") for i in range(1, 301)]
    site.redis.set("another:application", "untouched")
    assert told(site, "revoke", "--all") == {"ended": 300}
    assert site.redis.keys("*") == [b"another:application"]
    until(lambda: browsers[0].get("/api/whoami/").status == 401, 2, "it is over")
    assert [b.get("/api/whoami/").status for b in browsers[1:40]] == [401] * 39


@pytest.mark.parametrize("words", [[], ["--all", "--user", "1"], ["--session", "0123"]])
def test_revoke_wants_to_know_which(empty_site, words):
    browser = empty_site.signed_in()
    done = bffctl(empty_site, "revoke", *words)
    assert done.returncode == 2 and "bffctl: " in done.stderr and done.stdout == ""
    assert browser.get("/api/whoami/").status == 200


def test_a_redis_that_is_away_is_told():
    with running(FakeBackend, workers=1) as site:
        site.stack.redis.kill()
        for words in (["list"], ["revoke", "--all"], ["revoke", "--session", "0" * 32]):
            done = bffctl(site, "--json", *words)
            assert done.returncode == 1 and "bffctl: " in done.stderr


def reload_all(site):
    before = site.stack.bffd.worker_pids()
    site.stack.bffd.reload()
    until(lambda: not set(site.stack.bffd.worker_pids()) & set(before), 10, "new workers only")


def keys_in(site):
    return [line for line in site.stack.key_file.read_text().splitlines() if line[:1] != "#"]


def test_a_rotation_step_by_step_ends_no_session():
    with running(FakeBackend, workers=1) as site:
        (old,) = keys_in(site)
        site.stack.key_file.chmod(0o640)
        browser, heard = site.signed_in(), ""
        for step, roles in (("add", ["seals", "opens"]), ("use", ["seals", "opens"])):
            rotation = told(site, "rotate-key", step)
            assert [key["role"] for key in rotation["keys"]] == roles
            heard += bffctl(site, "rotate-key").stdout
            reload_all(site)
            assert all(key["loaded"] for key in told(site, "rotate-key")["keys"])
            assert browser.get("/api/whoami/").status == 200
            assert site.signed_in().get("/api/whoami/").status == 200
        new, last = keys_in(site)
        assert last == old != new
        assert site.stack.key_file.stat().st_mode & 0o777 == 0o640
        assert not [p for p in site.stack.key_file.parent.iterdir() if p.name.endswith(".new")]
        refused = bffctl(site, "rotate-key", "drop")
        assert refused.returncode == 1 and "for another 14d" in refused.stderr
        text = site.stack.key_file.read_text()
        site.stack.key_file.write_text(re.sub("seals since 20..", "seals since 2001", text))
        assert told(site, "rotate-key", "drop")["stage"] == "alone"
        assert keys_in(site) == [new]
        reload_all(site)
        # What the old key sealed and nobody has refreshed since is over, as --now would end it.
        assert browser.get("/api/whoami/").status == 401
        heard += bffctl(site, "rotate-key").stdout
        assert "bffctl rotate-key add" in heard and old not in heard and new not in heard


def test_a_key_seals_only_when_bffd_can_open_with_it():
    with running(FakeBackend, workers=1) as site:
        assert "no key was added" in bffctl(site, "rotate-key", "use").stderr
        assert bffctl(site, "rotate-key", "add").returncode == 0
        assert "was added already" in bffctl(site, "rotate-key", "add").stderr
        assert "seals nothing yet" in bffctl(site, "rotate-key", "drop", "--now").stderr
        early = bffctl(site, "rotate-key", "use")
        assert early.returncode == 1 and "reload it" in early.stderr
        site.stack.bffd.kill()
        assert "cannot be asked" in bffctl(site, "rotate-key", "use").stderr
        site.stack.bffd.start()
        assert told(site, "rotate-key", "use")["stage"] == "used"
        assert told(site, "rotate-key", "drop", "--now")["stage"] == "alone"


def test_a_bffd_that_does_not_run_is_said_to(tmp_path, site):
    config = tmp_path / "bff.conf"
    text = site.stack.config.read_text()
    config.write_text(text.replace(str(site.stack.socket), str(tmp_path / "none.sock")))
    program = Path(os.environ["BFFD"]).with_name("bffctl")
    done = subprocess.run([program, "-c", config, "status"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert "none.sock (server.listen): No such file" in done.stderr


@pytest.mark.parametrize(
    "words", [[], ["statu"], ["status", "more"], ["--jsn", "status"], ["--json"],
              ["rotate-key", "use", "now"]]
)
def test_wrong_usage_is_told_from_failure(site, words):
    done = bffctl(site, *words)
    assert done.returncode == 2 and "usage: bffctl" in done.stderr and done.stdout == ""
