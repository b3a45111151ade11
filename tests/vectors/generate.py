#!/usr/bin/env python3
"""Writes the shared test vectors; with --check, fails where the committed files differ."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections import Counter
from pathlib import Path

from generator.model.wire import NUMBERS
from generator.suite import Suite, WrongVector
from generator.suites import all_suites

_FOLDER = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    try:
        suites = all_suites()
        _require_unique_ids(suites)
        _require_every_reason(suites)
    except WrongVector as error:
        print(f"wrong vector: {error}", file=sys.stderr)
        return 1
    stale = _stale_files(suites)
    differing = [name for name, text in _files(suites).items() if not _is_current(name, text, report=check)]
    for name in stale:
        print(f"{name}: no suite makes this file", file=sys.stderr)
    if check:
        return 1 if differing or stale else 0
    for name, text in _files(suites).items():
        (_FOLDER / name).write_text(text, "ascii", newline="\n")
    for suite in suites:
        print(f"{suite.name}: {len(suite.cases())}")
    print(f"total: {sum(len(suite.cases()) for suite in suites)}, files changed: {len(differing)}")
    return 0


def _files(suites: list[Suite]) -> dict[str, str]:
    return {f"{suite.name}.json": suite.text() for suite in suites}


def _stale_files(suites: list[Suite]) -> list[str]:
    return sorted({path.name for path in _FOLDER.glob("*.json")} - set(_files(suites)))


def _require_unique_ids(suites: list[Suite]) -> None:
    ids = Counter(case["id"] for suite in suites for case in suite.cases())
    if repeated := [id for id, count in ids.items() if count > 1]:
        raise WrongVector(f"an id comes twice: {', '.join(repeated)}")


def _require_every_reason(suites: list[Suite]) -> None:
    seen = {case["expect"].get("reason") for suite in suites for case in suite.cases()}
    if missing := sorted(set(NUMBERS) - seen):
        raise WrongVector(f"no case has the reason {', '.join(missing)}")


def _is_current(name: str, text: str, report: bool) -> bool:
    path = _FOLDER / name
    committed = path.read_text("ascii") if path.exists() else ""
    if committed == text:
        return True
    if report:
        diff = list(difflib.unified_diff(committed.splitlines(), text.splitlines(), name, "generated", lineterm="", n=1))
        print(f"{name}: differs, {len(diff)} diff lines, the first of them:", file=sys.stderr)
        print("\n".join(line[:160] for line in diff[:20]), file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main())
