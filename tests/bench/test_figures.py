"""What the bench makes of wrk's output and the kernel's counts."""

import json
import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

import accounting
import drawing
import measure
import report
from contender import Unfit
from stand import SMALL, Row

SAID = {
    "seconds": 2.0, "requests": 1000, "bytes": 1_180_000, "refused": 3, "broken": 2, "timeouts": 1,
    "p50_ms": 1.5, "p90_ms": 2.0, "p99_ms": 4.0, "max_ms": 9.0, "statuses": {},
}  # fmt: skip


def a_run(**changed):
    found = measure.figures(SAID, {"nginx": 20_000_000, "bffd": 5_000_000}, {"nginx": 4096})
    return {**found, **changed}


def a_row(name="bffd, cache hit", **fields):
    return Row(name, figures=a_run(), more={"share": 0.5, "cpu_times": 2.0}, **fields)


def test_the_last_line_that_is_json_is_what_wrk_said():
    output = f"Running 2s test\n  64 connections\n{json.dumps(SAID)}\n"
    assert measure.parse_wrk(output) == SAID


def test_a_wrk_that_says_nothing_is_no_measurement():
    with pytest.raises(Unfit, match="unable to connect"):
        measure.parse_wrk("unable to connect to 127.0.0.1:1")


def test_processor_time_is_that_of_one_request_and_errors_of_all_kinds_are_summed():
    found = a_run()
    assert found["requests_a_second"] == 500
    assert found["cpu_us"] == {"nginx": 20, "bffd": 5} and found["cpu_us_sum"] == 25
    assert found["errors"] == 6


def test_a_run_without_an_answer_has_no_figures():
    with pytest.raises(Unfit):
        measure.figures({**SAID, "requests": 0}, {}, {})


def test_medians_reach_into_parts_and_no_error_disappears_in_them():
    runs = [a_run(p99_ms=p99, cpu_us={"nginx": p99}, errors=p99) for p99 in (1, 9, 2)]
    found = measure.medians(runs)
    assert (found["p99_ms"], found["cpu_us"], found["errors"]) == (2, {"nginx": 2}, 12)


def test_a_ratio_is_taken_within_each_round():
    """The second round was disturbed, for both alike."""
    ours = [{"p50_ms": 2.0}, {"p50_ms": 20.0}, {"p50_ms": 2.2}]
    theirs = [{"p50_ms": 1.0}, {"p50_ms": 10.0}, {"p50_ms": 1.1}]
    assert measure.ratio(ours, theirs, "p50_ms") == pytest.approx(2.0)


def test_measurements_alternate():
    order = []
    takes = {name: lambda name=name: order.append(name) or a_run() for name in "AB"}
    measure.interleaved(2, takes, lambda text: None)
    assert order == ["A", "B", "A", "B"]


def test_the_processor_time_of_all_threads_is_counted():
    spin_s, over = 0.2, threading.Event()
    have_spun = threading.Barrier(3)

    def spin():
        until = time.thread_time() + spin_s
        while time.thread_time() < until:
            pass
        have_spun.wait(30)
        over.wait(30)

    parts = {"us": [os.getpid()]}
    usage = accounting.Usage(parts)
    threads = [threading.Thread(target=spin) for _ in range(2)]
    for thread in threads:
        thread.start()
    have_spun.wait(30)
    used = usage.used_ns(parts)["us"]
    over.set()
    for thread in threads:
        thread.join()
    assert 0.95 < used / (2 * spin_s * 1e9) < 2


def test_a_family_is_a_process_and_all_below_it():
    script = "import subprocess; subprocess.run(['sleep', '60'])"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while len(accounting.family(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        family = accounting.family(process.pid)
        assert len(family) == 2 and process.pid in family
        assert 0 < accounting.pss_kib(family) <= accounting.rss_kib(family)
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def test_the_table_says_which_target_is_missed():
    rows = [a_row(met=True), a_row("bffd, cache off", met=False), Row("start", found="9 ms")]
    lines = report.table(rows).splitlines()
    assert [line.split()[-1] for line in lines[2:4]] == ["met", "MISSED"]
    assert lines[4].endswith("9 ms")


def test_every_figure_is_in_the_json():
    rows = json.loads(report.as_json([a_row(met=False)], SMALL, 0.1))["rows"]
    assert rows[0]["figures"]["cpu_us"]["bffd"] == 5 and rows[0]["met"] is False


def test_the_drawing_is_well_formed_and_bars_are_in_proportion():
    half = a_row("a <peer> & others")
    half.figures = {**half.figures, "requests_a_second": 250}
    svg = ElementTree.fromstring(drawing.draw([a_row(), half]))
    bars = svg.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 2 * len(drawing.PANELS)
    assert float(bars[0].get("width")) == pytest.approx(2 * float(bars[1].get("width")))
