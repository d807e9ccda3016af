"""One run of wrk against a contender, and what it makes of many."""

import json
import statistics
import subprocess

import accounting
import components
from contender import Unfit

SCRIPT = components.REPOSITORY / "scripts" / "bench" / "sessions.lua"
WARM_UP_S = 1  # wrk knows whole seconds only
WARM_UP_TIMES = 10
LEARNT = 0.02  # of the calls ask the store
TIMEOUT_S = 5


def parse_wrk(output):
    """What sessions.lua says at the end of wrk's output."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Unfit(f"wrk has said nothing of what it did:\n{output}")


def wrk_command(url, sessions_file, paths, connections, seconds, options=()):
    threads = min(2, connections)
    command = [components.find_program("wrk"), f"-t{threads}", f"-c{connections}", f"-d{seconds}s"]
    command += [f"--timeout={TIMEOUT_S}s", "-s", str(SCRIPT), url, "--"]
    command += ["--sessions", str(sessions_file)]
    for path in paths:
        command += ["--path", path]
    return command + [str(word) for word in options]


def run_wrk(*arguments, **named):
    command = wrk_command(*arguments, **named)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Unfit(f"wrk ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return parse_wrk(done.stdout)


def write_sessions(file, fields):
    file.write_text("".join(f"{field}\n" for field in fields))
    return file


def figures(said, cpu_ns, memory_kib):
    """What one run comes to. Requests that were refused or broke count as errors, and as
    requests: the server worked for them."""
    requests = said["requests"]
    if not requests:
        raise Unfit("not one answer")
    cpu_us = {part: ns / 1000 / requests for part, ns in cpu_ns.items()}
    return {
        "requests_a_second": requests / said["seconds"],
        "p50_ms": said["p50_ms"],
        "p99_ms": said["p99_ms"],
        "requests": requests,
        "errors": said["refused"] + said["broken"] + said["timeouts"],
        "bytes_a_request": said["bytes"] / requests,
        "cpu_us": cpu_us,
        "cpu_us_sum": sum(cpu_us.values()),
        "memory_kib": memory_kib,
        "memory_kib_sum": sum(memory_kib.values()),
    }


def warm_up(contender, where, options):
    """For a second, or until who answers from memory has seen all that it will be asked for."""
    for _ in range(WARM_UP_TIMES if contender.remembers else 1):
        before = contender.counts()
        said = run_wrk(*where, WARM_UP_S, options=options)
        asked = sum(contender.counts().values()) - sum(before.values())
        if asked <= LEARNT * said["requests"]:
            break


def measure(contender, sessions_file, connections, seconds, path=None, options=(), cold=False):
    """The figures of one run; a longer one warms up before, unless it is to be `cold`."""
    where = contender.url, sessions_file, [path or contender.path], connections
    if not cold and seconds > WARM_UP_S:
        warm_up(contender, where, options)
    parts = contender.pids()
    counts, usage = contender.counts(), accounting.Usage(parts)
    said = run_wrk(*where, seconds, options=options)
    parts = contender.pids()
    memory = {name: accounting.pss_kib(pids) for name, pids in parts.items()}
    found = figures(said, usage.used_ns(parts), memory)
    for name, count in contender.counts().items():
        found[name] = (count - counts[name]) / said["requests"]
    return found


def interleaved(rounds, measurements, progress):
    """A B A B: {name: [figures of each round]}. Each measurement is a function."""
    found = {name: [] for name in measurements}
    for number in range(1, rounds + 1):
        for name, take in measurements.items():
            found[name].append(take())
            progress(f"round {number}/{rounds}  {name:<28} {brief(found[name][-1])}")
    return found


def brief(one):
    return (
        f"{one['requests_a_second']:8,.0f}/s  p50 {one['p50_ms']:.2f} ms  "
        f"p99 {one['p99_ms']:.2f} ms  {one['cpu_us_sum']:.1f} us  {one['errors']} errors"
    )


def medians(runs):
    """Of each figure of several runs, those in dicts as well; of errors the sum."""
    first = runs[0]
    if isinstance(first, dict):
        names = [name for name in first if all(name in run for run in runs)]
        found = {name: medians([run[name] for run in runs]) for name in names}
        if "errors" in found:
            found["errors"] = sum(run["errors"] for run in runs)
        return found
    return statistics.median(runs)


def ratio(runs, base_runs, figure):
    """How many times that of the other, round by round: what disturbs a round disturbs both."""
    return statistics.median(
        one[figure] / base[figure] for one, base in zip(runs, base_runs)
    )
