"""docs/differential.md, made from the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .table import Row, Table
from .tally import PAIRS, PEERS

_ROOT = Path(__file__).parent.parent.parent.parent
FILE = _ROOT / "docs" / "differential.md"
_FOLDER = Path(__file__).parent.parent

_NAMES = {"jose": "jose", "oauth4webapi": "oauth4webapi", "pyjwt": "PyJWT", "joserfc": "joserfc"}


def text(table: Table) -> str:
    return "\n\n".join([_introduction(table), _verdicts(table), _we_accept(table), _we_refuse(table)]) + "\n"


def _introduction(table: Table) -> str:
    versions = _versions()
    cases = sum(row["cases"] for row in table.cases.values())
    accepted = sum(row["scopegate"] for row in table.cases.values())
    peers = ", ".join(f"{_NAMES[peer]} {versions[peer]}" for peer in PEERS)
    changes = len(table.cases.keys() - {"none", PAIRS})
    return f"""# Scopegate beside other libraries

<!-- Made by tests/differential/compare.py from tests/differential/disagreements.json; do not edit. -->

`make differential` makes {cases:,} different tokens and Authorization lines: good ones, each change to them of
{changes} classes, and pairs of changes, signed anew where the change is in what is signed. Scopegate accepts
{accepted:,} of them. Four other libraries judge the same: {peers},
each with every option that makes it stricter and the clock of the case. oauth4webapi knows RFC 9068 alone, and
it alone reads Authorization lines.

The run fails where a number differs from this page, or a disagreement is not explained on it. A count of `a + b` is
a cases with one change, and b with two of which that one explains the disagreement."""


def _verdicts(table: Table) -> str:
    head = ["change", "cases", "Scopegate accepts", *(f"{_NAMES[peer]}" for peer in PEERS)]
    rows = [
        [name, f"{row['cases']:,}", f"{row['scopegate']:,}", *(_answer(row, peer) for peer in PEERS)]
        for name, row in table.cases.items()
    ]
    return (
        "## Verdicts\n\nOf the peers, how many they accept; of how many, where they were not asked about all.\n\n"
        + _table(head, rows)
    )


def _answer(row: dict[str, Any], peer: str) -> str:
    asked, accepted = row.get(peer, [0, 0])
    if not asked:
        return "not asked"
    return f"{accepted:,}" if asked == row["cases"] else f"{accepted:,} of {asked:,}"


def _we_accept(table: Table) -> str:
    rows = [[row.change, _counts(row), f"`{row.refusal}`", row.why] for row in table.we_accept]
    return (
        "## Scopegate accepts, another refuses\n\n"
        + _table(["change", "who refuses", "as", "explanation"], rows)
        + "\n\n"
        + _explanations(table, table.we_accept)
    )


def _we_refuse(table: Table) -> str:
    rows = [[row.change, f"`{row.reason}`", _counts(row), row.why] for row in table.we_refuse]
    return (
        "## Scopegate refuses, another accepts\n\n"
        + _table(["change", "we refuse as", "who accepts", "explanation"], rows)
        + "\n\n"
        + _explanations(table, table.we_refuse)
    )


def _explanations(table: Table, rows: list[Row]) -> str:
    used = {row.why for row in rows}
    return "\n".join(f"- **{why}**: {text}" for why, text in table.explanations.items() if why in used)


def _counts(row: Row) -> str:
    return ", ".join(
        f"{_NAMES[peer]} {alone:,} + {pairs:,}" if pairs else f"{_NAMES[peer]} {alone:,}"
        for peer, (alone, pairs) in row.counts.items()
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _versions() -> dict[str, str]:
    """As pinned."""
    node = json.loads((_FOLDER / "node" / "package.json").read_text("utf-8"))["dependencies"]
    pinned = (line.split("==") for line in (_FOLDER / "requirements.txt").read_text("utf-8").splitlines())
    python = {name.lower(): version for name, version in pinned}
    return {peer: node.get(peer) or python[peer] for peer in PEERS}
