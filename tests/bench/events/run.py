"""What audit events cost a decision, and how many a server keeps up with: events.json.

Usage: run.py PROGRAM SINK_GO. Instructions are counted by callgrind. Each program asserts that every decision has its
event, drained or counted as dropped.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from machine import machine, version_of  # noqa: E402

ROOM = 65_536
"""For the sinks, which look every 10 ms."""


def main() -> None:
    program, sink_go = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    report = {
        "machine": machine(),
        "versions": {
            "rustc": version_of("rustc", "--version").split()[1],
            "valgrind": version_of("valgrind", "--version").removeprefix("valgrind-"),
            "CPython": sys.version.split()[0],
            "Node.js": version_of("node", "--version"),
            "Go": version_of("go", "env", "GOVERSION").removeprefix("go"),
        },
        "decisions": decisions(program),
        "threads": run(program, "threads"),
        "sinks": sinks(program, sink_go),
    }
    (HERE.parent / "events.json").write_text(json.dumps(report, indent=1) + "\n")


def run(*words: object) -> Any:
    return json.loads(version_of(*words))


def decisions(program: Path) -> list[dict[str, Any]]:
    """One row for each sort of decision: nanoseconds, then instructions and allocations, by what becomes of events."""
    timed = {row["case"]: row for row in run(program, "time")}
    known = run(program, "cases")
    wanted = [(case, events) for case in known["cases"] for events in known["events"]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(wanted, pool.map(lambda words: counted(program, *words), wanted), strict=True))
    for (case, events), counts in found.items():
        timed[case] |= {f"{events}_{name}": value for name, value in counts.items()}
    return [timed[case] for case in known["cases"]]


def counted(program: Path, case: str, events: str) -> dict[str, float]:
    options = ["--collect-atstart=no", "--toggle-collect=*measured*", "--callgrind-out-file=/dev/null"]
    words = ["valgrind", "--tool=callgrind", *options, str(program), "count", case, events]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    instructions = re.search(r"Collected : (\d+)", done.stderr)
    if not instructions:
        sys.exit(f"callgrind counted nothing: {done.stderr}")
    found = json.loads(done.stdout)
    return {"instructions": int(instructions[1]) / found["decisions"], "allocations": found["allocations"]}


def sinks(program: Path, sink_go: Path) -> list[dict[str, Any]]:
    """One row for each language's own, which works on the tokens and bodies of the same sample."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as sample:
        json.dump({**run(program, "sample"), "room": ROOM}, sample)
        sample.flush()
        programs = {
            "Python, `AuditLog`": [sys.executable, HERE / "sinks.py"],
            "Node.js, `onEvent`": ["node", HERE / "sinks.mjs"],
            "Go, `Events`": [sink_go],
        }
        return [{"sink": name, **run(*words, sample.name)} for name, words in programs.items()]


if __name__ == "__main__":
    main()
