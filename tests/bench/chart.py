"""A bar chart from results.json: RS256 on one thread, a token that is new and one that was seen before.

It is readable on light and on dark, and needs no font but the reader's own.
"""

from __future__ import annotations

from html import escape

from results import Results
from tables import ASYNC, OURS, microseconds

WIDTH = 860
NAMES = 250
BARS = WIDTH - NAMES - 70
BAR = 9
ROW = 2 * BAR + 6
HEADING = 30
TOP = 56

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.heading { font-weight: 600; font-size: 14px }
.small { font-size: 10px }
.ours .new { fill: #1a7f37 } .ours .seen { fill: #4ac26b }
.new { fill: #57606a } .seen { fill: #afb8c1 }
.limit { stroke: #cf222e; stroke-dasharray: 4 3 } .limit-name { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours .new { fill: #3fb950 } .ours .seen { fill: #7ee787 }
  .new { fill: #8b949e } .seen { fill: #484f58 }
  .limit { stroke: #ff7b72 } .limit-name { fill: #ff7b72 }
}
"""


def svg(results: Results) -> str:
    drawn = {language: _bars(results, language) for language in results.contenders}
    height = TOP + sum(HEADING + ROW * len(bars) for bars in drawn.values()) + 12
    limit = results.limit("RS256")
    end = _end([value for bars in drawn.values() for _, *values in bars for value in values], limit)
    at = NAMES + limit / end * BARS
    limit_name = f"the signature alone, {microseconds(limit)}"
    title = "µs of one decision on an RS256 token, one thread"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="heading" x="12" y="22">{title}</text>',
        *_legend(),
        f'<line class="limit" x1="{at:.1f}" y1="{TOP - 4}" x2="{at:.1f}" y2="{height - 10}"/>',
        f'<text class="small limit-name" x="{at + 4:.1f}" y="{TOP + 4}">{limit_name}</text>',
    ]
    top = TOP
    for language, bars in drawn.items():
        lines.append(f'<text class="heading" x="12" y="{top + 22}">{escape(language)}</text>')
        top += HEADING
        for name, new, seen in bars:
            lines += _row(name, new, seen, top, end)
            top += ROW
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bars(results: Results, language: str) -> list[tuple[str, float, float]]:
    """Ours first, then the others from fast to slow."""

    def bar(name: str) -> tuple[str, float, float] | None:
        new, seen = (results.median(language, name, "RS256", workload) for workload in ("cold", "hot"))
        return (results.titled(language, name), new, seen) if new is not None and seen is not None else None

    ours = [bar(OURS), bar(ASYNC)]
    others = [bar(name) for name in results.validators(language)]
    return [*filter(None, ours), *sorted(filter(None, others), key=lambda each: each[1])]


def _end(values: list[float], limit: float) -> float:
    """Where the scale ends: bars that are more than twice as long as all before them are broken."""
    end = limit
    for value in sorted(values):
        if value > 2 * end:
            break
        end = max(end, value)
    return end


def _row(name: str, new: float, seen: float, top: int, end: float) -> list[str]:
    whose = ' class="ours"' if name.startswith(OURS) else ""
    lines = [f"<g{whose}>", f'<text x="{NAMES - 8}" y="{top + BAR + 4}" text-anchor="end">{escape(name)}</text>']
    for kind, value, y in (("new", new, top), ("seen", seen, top + BAR + 1)):
        width = max(min(value / end, 1) * BARS, 1)
        pieces = [(0.0, width)] if value <= end else [(0.0, width - 24), (width - 18, width)]
        for left, right in pieces:
            size = f'width="{right - left:.1f}" height="{BAR}"'
            lines.append(f'<rect class="{kind}" x="{NAMES + left:.1f}" y="{y}" {size}/>')
        lines.append(f'<text class="small" x="{NAMES + width + 4:.1f}" y="{y + BAR - 1}">{microseconds(value)}</text>')
    return [*lines, "</g>"]


def _legend() -> list[str]:
    return [
        f'<rect class="new" x="{NAMES}" y="32" width="{BAR}" height="{BAR}"/>',
        f'<text class="small" x="{NAMES + 14}" y="40">a new token</text>',
        f'<rect class="seen" x="{NAMES + 90}" y="32" width="{BAR}" height="{BAR}"/>',
        f'<text class="small" x="{NAMES + 104}" y="40">a token that was seen before</text>',
    ]
