"""Runs every contender of every language side by side: `make bench`. README.md beside this file says how.

A program of each language proves its contenders and then waits. This one asks them in turn for one short batch of one
row, so that what a machine does meanwhile befalls all of them alike; a row's figure is the median of its batches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results import ALGORITHMS, RESULTS, Results, Row
from tables import everything

HERE = Path(__file__).parent
BUILT = HERE.parent.parent / "target" / "bench"
ENVIRONMENTS = HERE.parent.parent / "build" / "bench"
TOKENS = BUILT / "tokens"

PROGRAMS = {
    "Rust": [[BUILT / "bench-rust", TOKENS]],
    "Python": [
        [ENVIRONMENTS / "python/bin/python", HERE / "python/serve.py", TOKENS],
        [ENVIRONMENTS / "pyjwt-2.10/bin/python", HERE / "python/serve.py", TOKENS, "pyjwt"],
    ],
    "Node.js": [["node", HERE / "node/serve.mjs", TOKENS]],
    "Go": [[BUILT / "bench-go", TOKENS]],
    "C": [[BUILT / "bench-c", TOKENS]],
}

WORKLOADS = ["hot", "cold", "mixed"]
PARALLEL_ALGORITHMS = ["RS256", "ES256"]
PARALLEL_WORKLOADS = ["hot", "cold"]


@dataclass
class Asked:
    """A row, with what its batches took."""

    program: Program
    language: str
    contender: dict[str, Any]
    algorithm: str
    workload: str
    lane: str
    nanoseconds: list[float] = field(default_factory=list)

    def ask(self, seconds: float) -> None:
        details = {"algorithm": self.algorithm, "workload": self.workload, "lane": self.lane, "seconds": seconds}
        self.nanoseconds.append(self.program.ask({"contender": self.contender["name"], **details})["ns"])

    def order(self) -> tuple[Any, ...]:
        """What is compared with each other stands together."""
        return ALGORITHMS.index(self.algorithm), self.workload, self.lane

    def row(self) -> Row:
        microseconds = [nanoseconds / 1000 for nanoseconds in self.nanoseconds]
        return Row(
            language=self.language,
            contender=self.contender["name"],
            algorithm=self.algorithm,
            workload=self.workload,
            lane=self.lane,
            median_us=round(statistics.median(microseconds), 4),
            min_us=round(min(microseconds), 4),
        )


class Program:
    """One that answers each line with a line."""

    def __init__(self, command: list[object]) -> None:
        words = [str(word) for word in command]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = " ".join(words)
        self.hello: dict[str, Any] = self.answer()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name}: ended, see above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter batches, to try something")
    parser.add_argument("--record", action="store_true", help="write results.json")
    parser.add_argument("--only", help="languages, with commas: Rust is there always, for the limit")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS), help="with commas; RS256 is there always")
    asked = parser.parse_args()
    languages = list(PROGRAMS) if asked.only is None else ["Rust", *asked.only.split(",")]
    if unknown := set(languages) - set(PROGRAMS):
        sys.exit(f"--only: {', '.join(sorted(unknown))}: expected some of {', '.join(PROGRAMS)}")
    if asked.record and (asked.only or asked.algorithms != ",".join(ALGORITHMS)):
        sys.exit("--record: expected every language and algorithm")
    rounds, seconds = (3, 0.02) if asked.quick else (5, 0.08)
    load = os.getloadavg()[0]
    TOKENS.mkdir(parents=True, exist_ok=True)
    subprocess.run([BUILT / "bench-rust", "mint", TOKENS], check=True)
    started = {language: [Program(command) for command in PROGRAMS[language]] for language in dict.fromkeys(languages)}
    algorithms = ["RS256", *asked.algorithms.split(",")]
    rows = sorted(rows_of(started, algorithms), key=Asked.order)
    for number in range(rounds):
        for row in rows:
            row.ask(seconds)
        print(f"round {number + 1} of {rounds}, {len(rows)} rows", file=sys.stderr)
    results = Results(
        command="make bench" if not asked.quick else "make bench-quick",
        taken=time.strftime("%Y-%m-%d", time.gmtime()),
        machine=machine() | {"load_before": round(load, 2), "load_after": round(os.getloadavg()[0], 2)},
        rounds=rounds,
        batch_seconds=seconds,
        versions={language: merged(programs, "versions") for language, programs in started.items()},
        contenders={language: contenders(programs) for language, programs in started.items()},
        rows=[row.row() for row in rows],
    )
    for programs in started.values():
        for program in programs:
            program.close()
    print(everything(results))
    if asked.record:
        results.write(RESULTS)


def rows_of(started: dict[str, list[Program]], algorithms: list[str]) -> Iterator[Asked]:
    for language, programs in started.items():
        for program in programs:
            for contender in program.hello["contenders"]:
                for algorithm in contender.get("algorithms", ALGORITHMS):
                    for lane in contender["lanes"]:
                        for workload in contender.get("workloads", WORKLOADS):
                            if algorithm in algorithms and is_measured(algorithm, lane, workload):
                                yield Asked(program, language, contender, algorithm, workload, lane)


def is_measured(algorithm: str, lane: str, workload: str) -> bool:
    """Not everything: a run should take ten minutes."""
    if workload == "refused":
        return algorithm == "RS256" and lane == "1 thread"
    return lane == "1 thread" or (algorithm in PARALLEL_ALGORITHMS and workload in PARALLEL_WORKLOADS)


def merged(programs: list[Program], member: str) -> dict[str, str]:
    """The first program of a language is the one that has its newest versions."""
    return {name: value for program in reversed(programs) for name, value in program.hello[member].items()}


def contenders(programs: list[Program]) -> list[dict[str, Any]]:
    return [
        {
            "name": each["name"],
            "kind": each["kind"],
            "version": program.hello["versions"].get(each.get("package"), ""),
            "refuses": sorted(each["refuses"]),
        }
        for program in programs
        for each in program.hello["contenders"]
    ]


def machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


if __name__ == "__main__":
    main()
