"""The bench in small, and the load test that the README describes: both run, and say what they
should. Whether a target is met is not asked here."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import measure
import rows
from components import REPOSITORY
from fullsite import FakeBackend, running
from stand import SMALL

SIGN_IN = REPOSITORY / "scripts" / "bench" / "sign_in.py"
PEOPLE = ["--think", "20", "--calls", "3", "--visit", "5", "--active", "2"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """(its output, bench.json, the folder)"""
    into = tmp_path_factory.mktemp("bench")
    command = [sys.executable, str(REPOSITORY / "tests/bench/bench.py"), "--small", "--into", into]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1) and not done.stderr, done.stdout + done.stderr
    return done.stdout, json.loads((into / "bench.json").read_text()), into


def named(found, words):
    (row,) = (row for row in found["rows"] if words in row["name"])
    return row


def test_every_group_has_its_rows_and_every_row_stands_in_the_table(bench):
    output, found, _ = bench
    assert len(found["rows"]) > 2 * len(rows.GROUPS)
    assert all(row["name"] in output for row in found["rows"])


def test_figures_are_sane(bench):
    for row in bench[1]["rows"]:
        figures = row["figures"]
        if not figures:
            continue
        assert figures["errors"] == 0, row
        assert figures["requests_a_second"] > 50, row
        assert 0 < figures["p50_ms"] <= figures["p99_ms"] < 5000, row
        assert 1 < figures["cpu_us_sum"] < 10_000, row
        assert 1 < figures["memory_kib_sum"] / 1024 < 500, row


def test_who_answers_is_who_is_measured(bench):
    by_name = {row["name"]: row["figures"] for row in bench[1]["rows"]}
    assert set(by_name["bare nginx"]["cpu_us"]) == {"nginx"}
    redis = [by_name[f"bffd, cache {how}"]["cpu_us"]["redis"] for how in ("hit", "off")]
    assert redis[1] > 5 * redis[0]
    assert named(bench[1], "200 ms upstream,")["figures"]["p50_ms"] >= 200


def test_the_herd_was_refreshed_and_the_idle_were_left_alone(bench):
    herd, idle = named(bench[1], "ending within"), named(bench[1], "idle")
    assert herd["more"]["refreshes"] == [SMALL.herd]
    assert named(bench[1], "steady load")["figures"]["requests_a_second"] < 2400, "no pauses"
    assert idle["more"]["still_open"] == SMALL.idle


def test_the_comparison_is_drawn(bench):
    svg = ElementTree.fromstring((bench[2] / "bench.svg").read_text())
    assert svg.get("role") == "img"


def signed(url, *arguments, given):
    command = [sys.executable, str(SIGN_IN), url, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_deployment_is_load_tested_as_the_readme_says(tmp_path):
    """Six users, ten sessions, people who think; afterwards all are signed out."""
    with running(FakeBackend, env={"users": 6, "access_seconds": 2}, login_rate="100r/s") as site:
        users = "".join(f"user{n}\tuser{n}\n" for n in range(1, 7))
        status, lines, _ = signed(site.url, "--sessions", "10", given=users)
        assert status == 0 and len(set(lines.splitlines())) == 10
        file = tmp_path / "sessions"
        file.write_text(lines)
        calls = site.backend.calls_from_now()
        load = site.url, file, ["/api/echo/", "/api/tasks/"], 8, 4
        said = measure.run_wrk(*load, options=PEOPLE)

        assert set(said["statuses"]) == {"200"} and said["statuses"]["200"] == said["requests"]
        asked = {call["path"] for call in calls.all()}
        assert {"/api/echo/", "/api/tasks/"} <= asked
        assert len(calls.all()) < said["requests"], "nobody asked /bff/session"
        assert calls.refreshes, "nobody's token ended"
        pauses = 8 * 4 / 0.0133  # of 8 connections in 4 s, 13.3 ms each on average
        assert said["requests"] < 1.2 * pauses, "nobody thinks"

        assert signed(site.url, "--sign-out", given=lines)[0] == 0
        said = measure.run_wrk(*load[:4], 1)
        assert said["refused"] == said["requests"]
        site.stack.redis.stop()
        assert signed(site.url, "--sign-out", given=lines)[0] == 1, "503 is not signed out"


def test_a_wrong_password_is_said_so(tmp_path):
    with running(FakeBackend) as site:
        status, lines, complaint = signed(site.url, given="alice\twonderwall\n")
        assert (status, lines) == (1, "") and "alice: 401" in complaint
