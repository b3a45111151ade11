"""Counts of verdicts and of disagreements, by class of change."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = ("jose", "oauth4webapi", "pyjwt", "joserfc")
PAIRS = "pairs"
"""The class under which cases with two changes are counted."""


@dataclass(frozen=True, order=True)
class Disagreement:
    """Who differs from us how. `reason` is that of our refusal, `refusal` that of the peer; one of the two is None."""

    change: str
    peer: str
    reason: str | None
    refusal: str | None


@dataclass
class Tally:
    """What a run came to."""

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By class and judge, `scopegate` among them."""
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    alone: Counter[Disagreement] = field(default_factory=Counter)
    """With one change."""
    in_pairs: Counter[Disagreement] = field(default_factory=Counter)
    """With two, under the change that explains it."""
    examples: dict[Disagreement, str] = field(default_factory=dict)


def tally(folder: Path) -> Tally:
    """Counts the answers in a folder. A judge without an answer to a case had no opinion on it."""
    result = Tally()
    two_changes = []
    for case, answers in _cases(folder):
        classes, reason = case["classes"], case["reason"]
        name = classes[0] if len(classes) == 1 else PAIRS
        result.cases[name] += 1
        result.accepted[name, "scopegate"] += reason is None
        for peer, refusal in answers.items():
            result.asked[name, peer] += 1
            result.accepted[name, peer] += refusal is None
            if (reason is None) == (refusal is None):
                continue
            found = [Disagreement(change, peer, reason, refusal) for change in classes]
            if len(found) == 1:
                result.alone[found[0]] += 1
                result.examples.setdefault(found[0], _example(case))
            else:
                two_changes.append((found, _example(case)))
    for found, example in two_changes:
        explained = _of_one_change(found, result.alone)
        result.in_pairs[explained] += 1
        result.examples.setdefault(explained, example)
    return result


def _of_one_change(found: list[Disagreement], alone: Counter[Disagreement]) -> Disagreement:
    """The disagreement that one of the two changes brings about alone; else one of both together."""
    for disagreement in found:
        if disagreement in alone:
            return disagreement
    first, second = found
    return Disagreement(f"{first.change} + {second.change}", first.peer, first.reason, first.refusal)


def _example(case: dict[str, Any]) -> str:
    return f"{case['base']}, {case['what']}"


def _cases(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, str | None]]]:
    answers: dict[int, dict[str, str | None]] = defaultdict(dict)
    for peer in PEERS:
        for answer in _lines(folder / f"{peer}.jsonl"):
            answers[answer["id"]][peer] = answer["refusal"]
    for case in _lines(folder / "cases.jsonl"):
        yield case, answers[case["id"]]


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        yield from map(json.loads, lines)
