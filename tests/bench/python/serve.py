"""Proves each contender of Python, says who they are in one line, and then times one batch for each line that comes, as
run.py asks.

Usage: serve.py FOLDER [pyjwt]. With `pyjwt` that library stands alone: its other version has an environment of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Any

from contenders import Check, Contender, Sample, contenders, only_pyjwt

CHUNK = 64
"""Authorization values that are made beforehand, so that each is a new string and making it is not timed."""

PACKAGES = ["PyJWT", "cryptography", "joserfc", "Authlib", "fastmcp", "scopegate"]


def main() -> None:
    folder, alone = Path(sys.argv[1]), sys.argv[2:] == ["pyjwt"]
    warnings.simplefilter("ignore")
    logging.disable()
    members = json.loads((folder / "sample.json").read_text())
    sample = Sample(**members)
    values = {algorithm: Values(folder, key["forms"]["at+jwt"]) for algorithm, key in sample.algorithms.items()}
    rows, described = {}, []
    for contender in only_pyjwt() if alone else contenders():
        refuses: list[str] = []
        for algorithm in sample.algorithms:
            rows[contender.name, algorithm] = row = Row(contender, sample, algorithm, values[algorithm])
            refuses = row.proved()
        described.append(description(contender, refuses))
    say({"versions": versions(), "contenders": described})
    for line in sys.stdin:
        asked = json.loads(line)
        row = rows[asked["contender"], asked["algorithm"]]
        say({"ns": row.batch(asked["workload"], asked["lane"], asked["seconds"])})


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def versions() -> dict[str, str]:
    found = {"CPython": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def description(contender: Contender, refuses: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": contender.name,
        "kind": contender.kind,
        "refuses": refuses,
        "lanes": ["1 thread", "2 threads"],
    }
    if contender.package:
        described["package"] = contender.package
    if contender.kind == "ours":
        described["workloads"] = ["hot", "cold", "mixed", "refused"]
    if contender.kind == "piece":
        described |= {"workloads": ["hot"], "lanes": ["1 thread"]}
    return described


class Values:
    """Authorization values of one algorithm, as bytes: a string is made of them for each call."""

    def __init__(self, folder: Path, form: dict[str, Any]) -> None:
        self.good = b"Bearer " + form["good"].encode()
        self.faulty = {fault: "Bearer " + token for fault, token in form["faulty"].items()}
        self.distinct = [b"Bearer " + token for token in (folder / form["pool"]).read_bytes().split()]

    def stream(self, workload: str, positions: Iterator[int]) -> Iterator[bytes]:
        for number in count(1):
            if workload == "cold" or (workload == "mixed" and number % 20 == 0):
                yield self.distinct[next(positions) % len(self.distinct)]
            else:
                yield self.faulty["issuer"].encode() if workload == "refused" else self.good


class Row:
    """A contender at one algorithm."""

    def __init__(self, contender: Contender, sample: Sample, algorithm: str, values: Values) -> None:
        self.name = f"{contender.name}, {algorithm}"
        self.kind = contender.kind
        self.check: Check = contender.make(sample, algorithm)
        self.waits = contender.waits
        self.values = values
        self.positions = count()  # of both threads
        self.loops = [asyncio.new_event_loop() for _ in range(2)] if contender.waits else []

    def proved(self) -> list[str]:
        """Accepts the good token and refuses the forged one; of the other faults, which are refused."""
        if not self.verdict(self.values.good.decode()):
            raise SystemExit(f"{self.name}: refuses a good token")
        refuses = [fault for fault, value in self.values.faulty.items() if not self.verdict(value)]
        if "signature" not in refuses:
            raise SystemExit(f"{self.name}: accepts a forged token")
        return refuses

    def verdict(self, authorization: str) -> bool:
        outcome: Any = self.check(authorization)
        return self.loops[0].run_until_complete(outcome) if self.waits else outcome

    def batch(self, workload: str, lane: str, seconds: float) -> float:
        """Nanoseconds of one call; of threads, of all their calls together."""
        if lane == "1 thread":
            return self.timed(workload, seconds, 0, None)
        together = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            threads = [pool.submit(self.timed, workload, seconds, thread, together) for thread in range(2)]
            return 1 / sum(1 / thread.result() for thread in threads)

    def timed(self, workload: str, seconds: float, thread: int, together: threading.Barrier | None) -> float:
        stream = self.values.stream(workload, self.positions)
        good = workload != "refused"
        self.chunk(stream, good, thread)
        if together:
            together.wait()
        calls, taken = 0, 0
        while taken < seconds * 1e9:
            taken += self.chunk(stream, good, thread)
            calls += CHUNK
        return taken / calls

    def chunk(self, stream: Iterator[bytes], good: bool, thread: int) -> int:
        """Nanoseconds of so many calls."""
        values = [next(stream).decode("latin-1") for _ in range(CHUNK)]
        run = self.loops[thread].run_until_complete(self.awaited(values)) if self.waits else self.called(values)
        taken, right = run
        if right != (CHUNK if good else 0):
            raise SystemExit(f"{self.name}: a wrong verdict")
        return taken

    def called(self, values: list[str]) -> tuple[int, int]:
        check: Any = self.check
        right, start = 0, time.perf_counter_ns()
        for value in values:
            right += check(value)
        return time.perf_counter_ns() - start, right

    async def awaited(self, values: list[str]) -> tuple[int, int]:
        check: Any = self.check
        right, start = 0, time.perf_counter_ns()
        for value in values:
            right += await check(value)
        return time.perf_counter_ns() - start, right


if __name__ == "__main__":
    main()
