"""The table that is printed, and the file with every figure."""

import json
import platform
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import components

VERDICTS = {True: "met", False: "MISSED", None: ""}
HEAD = ("", "req/s", "p50 ms", "p99 ms", "errors", "CPU us", "MB", "found", "target", "")
NOTE = "CPU us: processor time of a request, of nginx + bffd + Redis or what a peer is made of"


def cpu_text(figures):
    """58.2 = 41.9+16.2+0.1; medians, each by itself, so that they need not add up."""
    parts = "+".join(f"{us:.1f}" for us in figures["cpu_us"].values())
    return f"{figures['cpu_us_sum']:.1f} = {parts}" if len(figures["cpu_us"]) > 1 else parts


def cells(row):
    found, figures = ["", "", "", "", "", ""], row.figures
    if figures:
        found = [
            f"{figures['requests_a_second']:,.0f}",
            f"{figures['p50_ms']:.2f}",
            f"{figures['p99_ms']:.2f}",
            f"{figures['errors']}",
            cpu_text(figures),
            f"{figures['memory_kib_sum'] / 1024:.0f}",
        ]
    return [row.name, *found, row.found, row.target, VERDICTS[row.met]]


def table(rows):
    """Numbers to the right, words to the left."""
    lines = [list(HEAD), *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    to_the_right = {1, 2, 3, 4, 6}

    def text(line):
        padded = (
            cell.rjust(width) if i in to_the_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        )
        return "  ".join(padded).rstrip()

    rule = "-" * sum(widths, 2 * len(widths) - 2)
    return "\n".join([text(lines[0]), rule, *map(text, lines[1:]), rule, NOTE])


def said_by(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def machine():
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processors": len(models),
        "model": models[0] if models else platform.machine(),
        "kernel": platform.release(),
        "nginx": said_by(components.find_program("nginx"), "-v"),
        "redis": said_by(components.find_program("redis-server"), "--version"),
        "wrk": said_by(components.find_program("wrk"), "-v"),
        "bffd": said_by("git", "-C", components.REPOSITORY, "describe", "--always", "--dirty"),
    }


def as_json(rows, size, load):
    """load: the machine's load average before anything was started."""
    return json.dumps(
        {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine(),
            "load_before": load,
            "size": asdict(size),
            "rows": [asdict(row) for row in rows],
        },
        indent=1,
    )
