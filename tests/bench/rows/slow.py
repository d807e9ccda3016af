"""An upstream that takes 200 ms, 512 connections: waiting must cost nothing."""

from ground import Row
from measure import medians, ratio

CONNECTIONS = 512
LEAST = 0.98  # the same, as far as the clock can tell


def slow(ground):
    runs = ground.side_by_side(
        {
            f"{who.name}, 200 ms": lambda who=who: ground.measure(who, CONNECTIONS, "/api/slow")
            for who in (ground.bare, ground.bffd)
        },
        rounds=min(3, ground.size.rounds),
    )
    bare, ours = runs.values()
    share = ratio(ours, bare, "requests_a_second")
    figures = medians(ours)
    return [
        Row("bare nginx, 200 ms upstream", figures=medians(bare), more={"runs": bare}),
        Row(
            "bffd, 200 ms upstream, 512 connections",
            target=f"as many requests as bare nginx ({LEAST})",
            found=f"{share:.3f}",
            met=share >= LEAST and not figures["errors"],
            figures=figures,
            more={"share": share, "runs": ours},
        ),
    ]
