#!/usr/bin/env python3
"""Compares the verdicts in a folder and fails where they are not those of disagreements.json and docs/differential.md.

With --update it writes both; what is new in them then waits for an explanation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from comparison import faults, page, table
from comparison.tally import tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--update", action="store_true", help="write the counts and the page")
    options = parser.parse_args()
    result = tally(options.folder)
    committed = table.read()
    run = table.of(result, committed)
    if options.update:
        table.FILE.write_text(run.text(), "utf-8", newline="\n")
        page.FILE.write_text(page.text(run), "utf-8", newline="\n")
    found = faults.of(result, run, run if options.update else committed)
    if page.FILE.read_text("utf-8") != page.text(run):
        found.append("docs/differential.md is not the page of this run")
    print("\n".join(found), file=sys.stderr)
    cases = sum(result.cases.values())
    disagreements = sum((result.alone + result.in_pairs).values())
    print(f"{cases} cases, {disagreements} disagreements, {len(run.we_refuse) + len(run.we_accept)} rows explain them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
