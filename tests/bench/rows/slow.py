"""An upstream that takes 200 ms, 512 connections: waiting must cost nothing."""

from measure import medians, ratio
from stand import Row

CONNECTIONS = 512
LEAST = 0.98  # the same, as far as the clock can tell


def slow(stand):
    runs = stand.side_by_side(
        {
            f"{who.name}, 200 ms": lambda who=who: stand.measure(who, CONNECTIONS, "/api/slow")
            for who in (stand.bare, stand.bffd)
        },
        rounds=min(3, stand.size.rounds),
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
