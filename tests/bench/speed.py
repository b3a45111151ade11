"""The tables of docs/speed.md, from requests.json, growth.json and events.json.

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
        tables = {"requests": requests(), **growth(), **events()}
        print("\n\n".join(tables[name] for name in names))
        return
    tables = {"requests": requests(), **growth(), **events()}
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
    if row["gate"] == "none":
        return f"{rate}, {row['processor_us']:,.0f} µs"
    lower, upper = row["half_of_rounds"]
    return f"{rate}, {row['added_us']:+.0f} µs ({lower:+.0f} to {upper:+.0f})"


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


def events() -> dict[str, str]:
    report = json.loads((HERE / "events.json").read_text())
    return {
        "events": f"{decisions_with_events(report['decisions'])}\n\n{taken_on(report)}",
        "event_threads": threads_with_events(report["threads"]),
        "sinks": sinks(report["sinks"]),
    }


def decisions_with_events(found: Rows) -> str:
    rows = [
        [
            row["case"],
            f"{row['off_ns']:,.0f}",
            *[f"{row[f'{events}_ns'] - row['off_ns']:+,.0f}" for events in ("on", "full")],
            f"{row['on_instructions'] - row['off_instructions']:+,.0f}",
            f"{row['on_allocations'] - row['off_allocations']:+.0f}",
            f"{row['drain_ns']:,.0f}",
        ]
        for row in found
    ]
    head = ["token", "ns without events", "with", "no room", "instructions", "allocations", "ns to drain one"]
    return table(head, rows)


def threads_with_events(found: Rows) -> str:
    rates = {(row["case"], row["threads"], row["events"]): row for row in found}
    rows = [
        [
            f"{case}, {threads}",
            *[f"{rates[case, threads, events]['decisions_a_second']:,.0f}" for events in ("off", "on", "full")],
            f"{rates[case, threads, 'on']['dropped']:,} of {rates[case, threads, 'on']['decisions']:,}",
        ]
        for case, threads in dict.fromkeys((row["case"], row["threads"]) for row in found)
    ]
    return table(
        ["token, threads", "decisions a second", "with events, drained", "no room", "dropped while drained"], rows
    )


def sinks(found: Rows) -> str:
    rows = [
        [
            row["sink"],
            *[f"{row[f'{events}_ns'] / 1000:.1f}" for events in ("off", "on", "full")],
            f"{1e9 / row['on_ns']:,.0f}",
            f"{row['dropped']:,} of {row['decisions']:,}",
        ]
        for row in found
    ]
    head = ["sink", "µs a decision", "with events and sink", "no room", "events a second", "dropped"]
    return table(head, rows)


if __name__ == "__main__":
    main()
