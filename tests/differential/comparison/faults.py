"""What is wrong with a run, or with the table: each a line for whoever must look into it."""

from __future__ import annotations

from collections.abc import Iterator

from .table import Row, Table
from .tally import Tally


def of(result: Tally, run: Table, committed: Table) -> list[str]:
    """Nothing where the run is the committed one and every row of it is explained."""
    return [*_counts(run, committed), *_rows(result, run, committed), *_explanations(run)]


def _counts(run: Table, committed: Table) -> Iterator[str]:
    for name in sorted(run.cases.keys() | committed.cases.keys()):
        found, expected = run.cases.get(name), committed.cases.get(name)
        if found != expected:
            yield f"{name}: expected {expected}, found {found}"


def _rows(result: Tally, run: Table, committed: Table) -> Iterator[str]:
    known = {row.key(): row for row in committed.we_refuse + committed.we_accept}
    found = {row.key(): row for row in run.we_refuse + run.we_accept}
    for key in sorted(known.keys() - found.keys()):
        yield f"{_title(known[key])}: there is no such disagreement any more"
    for key, row in found.items():
        if key not in known:
            yield f"{_title(row)}: a new disagreement, {row.counts}; such as {_example(result, row)}"
        elif row.counts != known[key].counts:
            yield f"{_title(row)}: expected {known[key].counts}, found {row.counts}"


def _explanations(run: Table) -> Iterator[str]:
    used = {row.why for row in run.we_refuse + run.we_accept}
    for row in run.we_refuse + run.we_accept:
        if row.why not in run.explanations:
            yield f"{_title(row)}: not explained"
    for row in run.we_accept:
        if row.why in run.explanations and "RFC " not in run.explanations[row.why]:
            yield f"{row.why}: explains what we accept and names no RFC"
    yield from (f"{why}: explains nothing" for why in sorted(run.explanations.keys() - used))


def _title(row: Row) -> str:
    return f"{row.change}: " + (f"we refuse as {row.reason}" if row.reason else f"we accept, {row.refusal}")


def _example(result: Tally, row: Row) -> str:
    of_row = (
        example
        for disagreement, example in result.examples.items()
        if disagreement.change == row.change
        and disagreement.reason == row.reason
        and (row.reason or disagreement.refusal == row.refusal)
    )
    return next(of_row, "none")
