"""The comparison as an SVG: a row for each contender; how many requests, how late, at what cost."""

from html import escape

LABELS, PANEL, GAP, ROW, TOP, BOTTOM = 196, 158, 22, 28, 62, 34
BAR = 16
NUMBER = 64  # room for the number behind the longest bar

STYLE = """\
text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.note, .unit { fill: #59636e; font-size: 12px }
.other { fill: #9aa4af }
.bare { fill: #59636e }
.ours { fill: #0b7a53 }
.line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note, .unit { fill: #9198a1 }
  .other { fill: #5b6570 }
  .bare { fill: #9198a1 }
  .ours { fill: #3fb984 }
  .line { stroke: #3d444d }
}"""

# heading, unit, what of a row's figures, how it is written
PANELS = [
    ("Requests a second", "more is better", "requests_a_second", "{:,.0f}"),
    ("CPU of a request", "us, less is better", "cpu_us_sum", "{:.0f}"),
    ("99 of 100 within", "ms, less is better", "p99_ms", "{:.1f}"),
    ("Memory", "MB, less is better", "memory_kib_sum", "{:.0f}"),
]


NOTE = (
    "64 connections, 1 KB answers, an upstream that answers at once; "
    "wrk, upstream and site on one machine."
)


def kind(name):
    if name.startswith("bffd"):
        return "ours"
    return "bare" if name.startswith("bare") else "other"


def value_of(row, figure):
    value = row.figures[figure]
    return value / 1024 if figure.endswith("kib_sum") else value


def text(x, y, words, cls="name"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{cls}">{escape(words)}</text>'


def panel(rows, x, heading, unit, figure, form):
    values = [value_of(row, figure) for row in rows]
    most = max(values)
    parts = [text(x, 20, heading, "head"), text(x, 37, unit, "unit")]
    end = TOP + ROW * len(rows) - 8
    parts.append(f'<line x1="{x}" y1="{TOP - 14}" x2="{x}" y2="{end}" class="line"/>')
    for number, (row, value) in enumerate(zip(rows, values)):
        y, width = TOP + number * ROW, (PANEL - NUMBER) * value / most
        parts.append(
            f'<rect x="{x}" y="{y - 12}" width="{max(width, 1):.1f}" height="{BAR}" rx="2" '
            f'class="{kind(row.name)}"/>'
        )
        parts.append(text(x + width + 6, y + 1, form.format(value)))
    return parts


def draw(rows):
    """Of rows that have figures, in the order given."""
    width = LABELS + len(PANELS) * (PANEL + GAP) - GAP
    height = TOP + ROW * len(rows) + BOTTOM - 10
    parts = [text(0, TOP + number * ROW + 1, row.name) for number, row in enumerate(rows)]
    for number, (heading, unit, figure, form) in enumerate(PANELS):
        parts += panel(rows, LABELS + number * (PANEL + GAP), heading, unit, figure, form)
    parts.append(text(0, height - 8, NOTE, "note"))
    names = ", ".join(row.name for row in rows)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">\n<title>{escape(names)}: requests, processor time, latency '
        f"and memory</title>\n<style>\n{STYLE}\n</style>\n{body}\n</svg>\n"
    )
