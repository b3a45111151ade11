"""Writes what shows results.json: the chart, the table in README.md and the tables in README.md beside this file.

Usage: report.py [--check]. With --check nothing is written, and what differs is an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chart import svg
from results import RESULTS, Results
from tables import headline, most

CHART = RESULTS.with_suffix(".svg")
BEGIN = "<!-- from tests/bench/results.json by tests/bench/report.py; do not edit -->\n"
END = "<!-- until here -->\n"


def main() -> None:
    results = Results.read()
    here, root = RESULTS.parent / "README.md", RESULTS.parent.parent.parent / "README.md"
    wanted = {
        CHART: svg(results),
        here: between(here, most(results)),
        root: between(root, headline(results)),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if sys.argv[1:] == ["--check"]:
        if stale:
            sys.exit(f"{', '.join(map(str, stale))}: not what results.json gives; run tests/bench/report.py")
        return
    for path in stale:
        path.write_text(wanted[path], "utf-8")


def between(path: Path, text: str) -> str:
    """The file with this text between its two lines."""
    before, begin, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path}: expected the lines {BEGIN!r} and {END!r}")
    return before + BEGIN + "\n" + text + "\n" + END + after


if __name__ == "__main__":
    main()
