#!/usr/bin/env python3
"""Writes the exchanges; with --check, fails where the committed files differ."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from generator.suites import all_suites

_FOLDER = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    suites = all_suites()
    ids = Counter(case["id"] for suite in suites for case in suite.cases)
    if repeated := [id for id, count in ids.items() if count > 1]:
        print(f"an id comes twice: {', '.join(repeated)}", file=sys.stderr)
        return 1
    files = {_FOLDER / f"{suite.name}.json": suite.text() for suite in suites}
    stale = [path for path in _FOLDER.glob("*.json") if path not in files]
    differing = [path for path, text in files.items() if not path.exists() or path.read_text("ascii") != text]
    for path in stale:
        print(f"{path.name}: no suite makes this file", file=sys.stderr)
    if check:
        for path in differing:
            print(f"{path.name}: differs from what the generator writes", file=sys.stderr)
        return 1 if differing or stale else 0
    for path in differing:
        path.write_text(files[path], "ascii", newline="\n")
    for suite in suites:
        print(f"{suite.name}: {len(suite.cases)}")
    print(f"total: {sum(ids.values())}, files changed: {len(differing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
