"""The tables of docs/speed.md, from requests.json and growth.json.

Usage: speed.py NAME... prints some of them; --write puts all between the markers of the page; --check fails when the
page differs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "speed.md"

Rows = list[dict[str, Any]]


def main() -> None:
    names = sys.argv[1:]
    if names[0] not in ("--write", "--check"):
        tables = growth() if names != ["requests"] else {"requests": requests()}
        print("\n\n".join(tables[name] for name in names))
        return
    tables = {"requests": requests(), **growth()}
    page = PAGE.read_text()
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        places = list(pattern.finditer(page))
        if len(places) != 1:
            sys.exit(f"{PAGE.name}: expected one place for the table {name}")
        page = f"{page[: places[0].end(1)]}{table}\n{page[places[0].start(2) :]}"
    if names == ["--write"]:
        PAGE.write_text(page)
    elif page != PAGE.read_text():
        sys.exit("docs/speed.md differs from what was measured: make speed-tables")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def taken_on(report: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version.removeprefix('v')}" for name, version in report["versions"].items())
    return f"{report['machine']}. {versions}."


def requests() -> str:
    report = json.loads((HERE / "requests.json").read_text())
    columns = [(route, tokens) for route in ("json", "mcp") for tokens in ("one", "distinct")]
    cells = {(row["language"], row["gate"], row["route"], row["tokens"]): row for row in report["rows"]}
    names = list(dict.fromkeys((row["language"], row["gate"]) for row in report["rows"]))
    rows = [[f"{name[0]}, {name[1]}", *[cell(cells.get((*name, *column))) for column in columns]] for name in names]
    head = [
        "server, gate",
        "JSON, one token",
        "JSON, distinct tokens",
        "MCP call, one token",
        "MCP call, distinct tokens",
    ]
    return f"{table(head, rows)}\n\n{taken_on(report)}"


def cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    rate = f"{row['requests_a_second']:,}/s"
    return rate if row["gate"] == "none" else f"{rate}, {row['added_us']:+.0f} µs ({row['added_processor_us']:+.0f})"


def growth() -> dict[str, str]:
    report = json.loads((HERE / "growth.json").read_text())
    return {
        "counts": f"{counts(report['counts'])}\n\n{taken_on(report)}",
        "threads": threads(report["threads"]),
        "tokens": tokens(report["tokens"]),
        "bodies": bodies(report["bodies"]),
    }


WHAT = {"construct": "construction", "fresh": "decision, new token", "hot": "decision, token held"}


def counts(found: Rows) -> str:
    sizes = max((row["sizes"] for row in found), key=len)
    rows = []
    for row in found:
        by_size = dict(zip(row["sizes"], row["instructions"], strict=True))
        numbers = [thousands(by_size[size]) if size in by_size else "" for size in sizes]
        memory = row["held"] if row["what"] == "construct" and any(row["held"]) else row["bytes"]
        kilobytes = f"{memory[0] / 1000:.1f} to {memory[-1] / 1000:.1f}"
        rows.append([f"{row['axis']}: {WHAT[row['what']]}", *numbers, kilobytes])
    return table(["thousands of instructions for", *[f"{size:,}" for size in sizes], "kB"], rows)


def thousands(instructions: int) -> str:
    return f"{instructions / 1000:,.0f}"


def threads(found: Rows) -> str:
    one = found[0]["decisions_a_second"]
    rows = [
        [
            f"{row['threads']}",
            f"{row['decisions_a_second']:,.0f}",
            f"{row['decisions_a_second'] / one:.2f}",
            f"{row['processor_ns']:,.0f}",
        ]
        for row in found
    ]
    return table(["threads", "decisions a second, all together", "of one thread's", "ns of processor time each"], rows)


def tokens(found: Rows) -> str:
    rows = [
        [
            f"{row['tokens']:,}",
            f"{row['held']:,}",
            f"{row['bytes_each']:,}",
            f"{row['decision_ns']:.0f}",
            f"{row['held_by_default']:,}",
            f"{row['bytes_by_default'] / 1e6:.1f}",
        ]
        for row in found
    ]
    return table(["distinct tokens", "held", "bytes each", "ns a decision", "held by default", "MB by default"], rows)


def bodies(found: Rows) -> str:
    rows = []
    for size in dict.fromkeys(row["bytes"] for row in found):
        for language in dict.fromkeys(row["language"] for row in found):
            mine = [row for row in found if (row["bytes"], row["language"]) == (size, language)]
            added = [f"{row['added_ns'] / 1000:,.1f}" for row in mine]
            rate = f"{size / min(row['added_ns'] for row in mine) * 1000:,.0f}"
            ignored = [row["ignored_any_ns"] for row in mine if "ignored_any_ns" in row]
            than = f"{min(row['added_ns'] for row in mine) / ignored[0]:.1f}" if ignored else ""
            rows.append([f"{size:,} bytes, {language}", *added, rate, than])
    patterns = [f"{number:,}" for number in dict.fromkeys(row["patterns"] for row in found)]
    return table(["µs added, patterns:", *patterns, "MB/s", "times `IgnoredAny`"], rows)


if __name__ == "__main__":
    main()
