"""An upstream that answers at once, 64 connections: what a decision costs."""

from contextlib import ExitStack

from components import ComponentFailed
from contender import Unfit, check
from measure import medians, ratio
from peers import PEERS
from stand import Row

CONNECTIONS = 64
# What nginx keeps ends after a second or two: it is for people who call more often than that.
KEPT_SHARE = 10

# name: (share of bare nginx' requests at least, times its processor time at most)
TARGETS = {
    "bffd, cache hit": (0.68, 2.1),
    "bffd, cache off": (0.50, 3.0),
    "bffd, micro-cache": (0.88, 1.25),
}


def our_own(stand):
    """Besides bare nginx and bffd with its cache."""
    return [
        stand.another_bffd("bffd, cache off", overrides={"session.cache_ttl": "0s"}),
        stand.another_bffd("bffd, micro-cache", microcache=True),
    ]


def prepared(stand, contender, at_end):
    """{name: function that measures it}, once it has shown that it is fit."""
    stand.run(contender, at_end)
    cookies = contender.cookies(stand.size.sessions)
    if contender.microcache:
        cookies = cookies[: max(len(cookies) // KEPT_SHARE, 3)]
    check(contender, cookies[:3])
    file = contender.directory / "sessions"
    stand.write_sessions(file, cookies)
    stand.warm_up(contender, file)
    return {contender.name: lambda: stand.measure(contender, CONNECTIONS, sessions_file=file)}


def compared_with_bare(name, runs):
    found, bare = runs[name], runs["bare nginx"]
    share = ratio(found, bare, "requests_a_second")
    cost = ratio(found, bare, "cpu_us_sum")
    row = Row(name, figures=medians(found), more={"share": share, "cpu_times": cost, "runs": found})
    if name in TARGETS:
        least, most = TARGETS[name]
        row.target = f"at least {least:.2f}, CPU at most {most:g}x"
        row.met = share >= least and cost <= most and not row.figures["errors"]
    row.found = f"{share:.2f}, CPU {cost:.2f}x"
    if "store_calls" in row.figures:
        row.found += f", {row.figures['store_calls']:.0%} asked Redis"
    return row


def compared_with_bffd(name, runs):
    """A peer: bffd is to be ahead of it in each of three things."""
    row, ours = compared_with_bare(name, runs), runs["bffd, cache hit"]
    times = {
        "requests": ratio(ours, runs[name], "requests_a_second"),
        "p99": ratio(ours, runs[name], "p99_ms"),
        "memory": ratio(ours, runs[name], "memory_kib_sum"),
    }
    row.more["bffd_times"] = times
    row.target = "bffd ahead in requests, p99, memory"
    said = ", ".join(f"{what} {value:.2f}x" for what, value in times.items())
    row.found += f"; bffd: {said}"
    row.met = times["requests"] > 1 and times["p99"] < 1 and times["memory"] < 1
    return row


def throughput(stand):
    takes = {
        "bare nginx": lambda: stand.measure(stand.bare, CONNECTIONS),
        "bffd, cache hit": lambda: stand.measure(stand.bffd, CONNECTIONS),
    }
    unfit = []
    with ExitStack() as at_end:
        for contender in our_own(stand):
            takes |= prepared(stand, contender, at_end)
        ours = list(takes)
        for peer in PEERS if stand.size.peers else ():
            if words := peer.missing():
                unfit.append(Row(peer.name, found=f"not measured: {words}"))
                continue
            stand.progress(f"starting {peer.name}")
            directory = stand.directory / peer.__name__.lower()
            try:
                takes |= prepared(stand, peer(directory, stand.upstream), at_end)
            except (ComponentFailed, Unfit, OSError) as failure:
                unfit.append(Row(peer.name, found=f"does not run: {failure}", met=False))
        runs = stand.side_by_side(takes)
    rows = [compared_with_bare(name, runs) for name in ours]
    return rows + [compared_with_bffd(name, runs) for name in takes if name not in ours] + unfit
