"""How time and memory grow with a configuration, a token and a body, and what a policy adds to a request.

Usage: growth.py PROGRAM [--counts]. Instructions are counted by callgrind, so that they are nearly the same on every
machine; it fails where something grows faster than what it is given. With --counts that is all; without, threads, a
million tokens and bodies are timed too, in Rust, Python and Node.js, and growth.json is written.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from machine import machine, version_of, versions_of  # noqa: E402

SIZES = (1, 10, 100, 1_000, 10_000)
TOKENS = (1, 100, 10_000, 1_000_000)
SLACK = 1.6
"""How much more than its share the largest may take: maps grow deeper, hash tables are filled to different degrees."""
FLAT = 1.02
ROUNDS, SPELL = 7, 0.05


def main() -> None:
    program = Path(sys.argv[1]).absolute()
    rows = count(program)
    faults = [fault for row in rows for fault in faults_of(row)]
    for row in rows:
        print(f"{row['axis']:34}{row['what']:10}" + "".join(f"{count:>14,}" for count in row["instructions"]))
    if faults:
        sys.exit("\n".join(faults))
    if sys.argv[2:] == ["--counts"]:
        return
    report = {
        "machine": machine(),
        "versions": versions_of("rustc", "valgrind", "CPython", "Node.js"),
        "counts": rows,
        "threads": run(program, "threads"),
        "tokens": [run(program, "tokens", number) for number in TOKENS],
        "bodies": bodies(program),
    }
    (HERE / "growth.json").write_text(json.dumps(report, indent=1) + "\n")


def run(program: Path, *words: object) -> Any:
    return json.loads(version_of(program, *words))


def count(program: Path) -> list[dict[str, Any]]:
    """One row for each axis and each of construction, a decision on a new token, and one on a token that is held."""
    shapes = [
        (axis, what, [size for size in SIZES if size <= most])
        for axis, most, is_wrong in run(program, "axes")
        for what in (["construct"] if is_wrong else ["construct", "fresh", "hot"])
    ]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:

        def row(shape: tuple[str, str, list[int]]) -> dict[str, Any]:
            axis, what, sizes = shape
            found = [counted(program, axis, size, what) for size in sizes]
            columns = {name: [each[name] for each in found] for name in found[0]}
            return {"axis": axis, "what": what, "sizes": sizes, **columns}

        return list(pool.map(row, shapes))


def counted(program: Path, axis: str, size: int, what: str) -> dict[str, int]:
    options = ["--collect-atstart=no", "--toggle-collect=*measured*", "--callgrind-out-file=/dev/null"]
    words = ["valgrind", "--tool=callgrind", *options, str(program), "count", axis, str(size), what]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        sys.exit(f"callgrind counted nothing: {done.stderr}")
    return {"instructions": int(found[1]), **json.loads(done.stdout)}


UNSEEN = {"authorization servers", "keys", "scopes listed", "policy patterns, tools", "policy patterns, resources"}
"""What a decision does not look through."""


def faults_of(row: dict[str, Any]) -> list[str]:
    counts, sizes, what = row["instructions"], row["sizes"], f"{row['axis']}, {row['what']}"
    if row["axis"] in UNSEEN and row["what"] != "construct":
        # A key set is a list of at most 100.
        flat = max(counts) <= FLAT * min(counts)
        return [] if flat else [f"{what}: {min(counts):,} to {max(counts):,} instructions, expected no growth"]
    (one, *_, less, more), (few, many) = counts, sizes[-2:]
    # A tenth of what one takes is more than an allocator's moods.
    share = max(less - one, one / 10) * many / few
    if more - one <= SLACK * share:
        return []
    return [f"{what}: {less:,} instructions for {few:,}, {more:,} for {many:,}, which is not linear"]


def bodies(program: Path) -> list[dict[str, Any]]:
    found = run(program, "bodies")
    rows: list[dict[str, Any]] = found.pop("rows")
    patterns, sizes = [row["patterns"] for row in rows[:3]], [len(body) for body in found["bodies"]]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as sample:
        json.dump(found, sample)
        sample.flush()
        node = json.loads(version_of("node", HERE / "growth_bodies.mjs", sample.name))
    for language, times in [("Python", python(found)), ("Node.js", node)]:
        for size, (bare, *with_policy) in zip(sizes, times, strict=True):
            for number, nanoseconds in zip(patterns, with_policy, strict=True):
                added = nanoseconds - bare
                rows.append({"language": language, "patterns": number, "bytes": size, "added_ns": added})
    return rows


def python(found: dict[str, Any]) -> list[list[float]]:
    """For each body the nanoseconds of a decision without a policy, then with each of them."""
    from scopegate import ResourceServer

    gates = [ResourceServer(**json.loads(config)) for config in found["configs"]]

    def decision(gate: ResourceServer, body: bytes) -> Callable[[], object]:
        return lambda: gate.check(found["authorization"], method="POST", target="/mcp", body=body)

    calls = [[decision(gate, body.encode()) for gate in gates] for body in found["bodies"]]
    return [fastest(row) for row in calls]


def fastest(calls: list[Callable[[], object]]) -> list[float]:
    """Of rounds that take turns, in nanoseconds."""
    rounds = [[spell(call) for call in calls] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def spell(call: Callable[[], object]) -> float:
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < SPELL:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls * 1e9


if __name__ == "__main__":
    main()
