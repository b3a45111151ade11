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
    most = max(max(new, seen) for bars in drawn.values() for _, new, seen in bars)
    height = TOP + sum(HEADING + ROW * len(bars) for bars in drawn.values()) + 12
    limit = results.limit("RS256")
    at = NAMES + limit / most * BARS
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
            lines += _row(name, new, seen, top, BARS / most)
            top += ROW
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bars(results: Results, language: str) -> list[tuple[str, float, float]]:
    """Ours first, then the others from fast to slow."""
    found = []
    for name in [OURS, ASYNC, *results.validators(language)]:
        new, seen = (results.median(language, name, "RS256", workload) for workload in ("cold", "hot"))
        if new is not None and seen is not None:
            version = results.version(language, name)
            is_named = not version or name.endswith(version[:4]) or name in (OURS, ASYNC)
            found.append((name if is_named else f"{name} {version}", new, seen))
    return sorted(found, key=lambda bar: (not bar[0].startswith(OURS), bar[1]))


def _row(name: str, new: float, seen: float, top: int, scale: float) -> list[str]:
    whose = ' class="ours"' if name.startswith(OURS) else ""
    lines = [f"<g{whose}>", f'<text x="{NAMES - 8}" y="{top + BAR + 4}" text-anchor="end">{escape(name)}</text>']
    for kind, value, y in (("new", new, top), ("seen", seen, top + BAR + 1)):
        width = max(value * scale, 1)
        lines.append(f'<rect class="{kind}" x="{NAMES}" y="{y}" width="{width:.1f}" height="{BAR}"/>')
        lines.append(f'<text class="small" x="{NAMES + width + 4:.1f}" y="{y + BAR - 1}">{microseconds(value)}</text>')
    return [*lines, "</g>"]


def _legend() -> list[str]:
    return [
        f'<rect class="new" x="{NAMES}" y="32" width="{BAR}" height="{BAR}"/>',
        f'<text class="small" x="{NAMES + 14}" y="40">a new token</text>',
        f'<rect class="seen" x="{NAMES + 90}" y="32" width="{BAR}" height="{BAR}"/>',
        f'<text class="small" x="{NAMES + 104}" y="40">a token that was seen before</text>',
    ]
