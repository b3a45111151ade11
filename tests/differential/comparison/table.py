"""The committed table: how many verdicts there are, and why each disagreement is none to worry about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .tally import PEERS, Disagreement, Tally

FILE = Path(__file__).parent.parent / "disagreements.json"


@dataclass
class Row:
    """One or more disagreements with one explanation. A count is a pair: cases with one change, cases with two."""

    change: str
    reason: str | None = None
    """Ours; None where we accept."""
    refusal: str | None = None
    """The peer's, where we accept."""
    why: str = ""
    counts: dict[str, list[int]] = field(default_factory=dict)

    def key(self) -> tuple[str, str, str]:
        return (self.change, self.reason or "", self.refusal or "")

    def as_json(self) -> dict[str, Any]:
        ours = {"reason": self.reason} if self.reason else {"refusal": self.refusal}
        return {"change": self.change, **ours, "why": self.why, "counts": self.counts}


@dataclass
class Table:
    cases: dict[str, dict[str, Any]]
    """By class: how many, how many we accept, and for each peer how many it was asked and accepts."""
    explanations: dict[str, str]
    we_refuse: list[Row]
    we_accept: list[Row]

    def text(self) -> str:
        """JSON with one row to a line, so that a change of a count is a change of a line."""
        sections = {
            "cases": _object(self.cases),
            "explanations": _object(self.explanations),
            "we_refuse": _list([row.as_json() for row in self.we_refuse]),
            "we_accept": _list([row.as_json() for row in self.we_accept]),
        }
        return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in sections.items()) + "\n}\n"


def read() -> Table:
    committed = json.loads(FILE.read_text("utf-8"))
    rows = {name: [Row(**row) for row in committed[name]] for name in ("we_refuse", "we_accept")}
    return Table(committed["cases"], committed["explanations"], **rows)


def of(result: Tally, explained: Table) -> Table:
    """The table that a run would have, with the explanations of another."""
    known = {row.key(): row.why for row in explained.we_refuse + explained.we_accept}
    rows: dict[tuple[str, str, str], Row] = {}
    for disagreement in sorted(result.alone | result.in_pairs, key=_order):
        row = _row(disagreement)
        row = rows.setdefault(row.key(), row)
        row.why = known.get(row.key(), "")
        row.counts[disagreement.peer] = [result.alone[disagreement], result.in_pairs[disagreement]]
    return Table(
        _cases(result),
        explained.explanations,
        [row for row in rows.values() if row.reason],
        [row for row in rows.values() if not row.reason],
    )


def _row(disagreement: Disagreement) -> Row:
    # Where we refuse, our reason is what must be explained, however many peers are more lenient.
    return Row(disagreement.change, disagreement.reason, disagreement.refusal)


def _order(disagreement: Disagreement) -> tuple[str, str, str, int]:
    return (*_row(disagreement).key(), PEERS.index(disagreement.peer))


def _cases(result: Tally) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "cases": result.cases[name],
            "scopegate": result.accepted[name, "scopegate"],
            **{
                peer: [result.asked[name, peer], result.accepted[name, peer]]
                for peer in PEERS
                if result.asked[name, peer]
            },
        }
        for name in sorted(result.cases)
    }


def _object(members: dict[str, Any]) -> str:
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in members.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _list(items: list[Any]) -> str:
    return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in items) + "\n]"
