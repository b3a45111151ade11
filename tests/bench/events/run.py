"""What audit events cost a decision, and how many a server keeps up with: events.json.

Usage: run.py PROGRAM SINK_C SINK_GO. Instructions are counted by callgrind. Each program asserts that every decision
has its event, drained or counted as dropped.
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

from machine import machine, version_of, versions_of  # noqa: E402

ROOM = 65_536
"""For the sinks, which look every 10 ms."""


def main() -> None:
    program, sink_c, sink_go = [Path(word).absolute() for word in sys.argv[1:]]
    report = {
        "machine": machine(),
        "versions": versions_of("rustc", "valgrind", "CPython", "Node.js", "Go"),
        "decisions": decisions(program),
        "threads": run(program, "threads"),
        "sinks": sinks(program, sink_c, sink_go),
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


def sinks(program: Path, sink_c: Path, sink_go: Path) -> list[dict[str, Any]]:
    """One row for each language's own, which works on the tokens and bodies of the same sample."""
    found = run(program, "sample")
    rooms: list[dict[str, Any]] = [{}, {"events": {"capacity": ROOM}}, {"events": {"capacity": 1}}]
    configurations = [json.dumps({**found["config"], **room}) for room in rooms]
    of_c = run(sink_c, *configurations, found["authorization"], found["body"])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as sample:
        json.dump({**found, "room": ROOM}, sample)
        sample.flush()
        programs = {
            "Python, `AuditLog`": [sys.executable, HERE / "sinks.py"],
            "Node.js, `onEvent`": ["node", HERE / "sinks.mjs"],
            "Go, `Events`": [sink_go],
        }
        rows = [{"sink": name, **run(*words, sample.name)} for name, words in programs.items()]
    return [{"sink": "C, `scopegate_server_drain_events`", **of_c}, *rows]


if __name__ == "__main__":
    main()
