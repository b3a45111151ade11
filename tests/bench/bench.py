"""Times one decision in every language: on an RS256 token that was not seen before, beside the bare verification of its
signature, and on a token that is refused before its signature. Verified tokens are not kept, but where it says so.

Usage: bench.py FOLDER, which has what `make bench` puts there: scopegate-bench, bench-c, bench-go. Two rounds are made,
and each figure is the smaller of its medians.
"""

import asyncio
import json
import logging
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from scopegate import Rejected, ResourceServer

BATCHES = 11
BATCH_SECONDS = 0.2
ROUNDS = 2
LABELS = {
    "authorize_ns": "authorize",
    "authorize_two_threads_ns": "authorize on two threads",
    "authorize_in_flight_ns": "authorize, 16 in flight",
    "authorize_async_ns": "authorize_async",
    "authorize_and_keep_ns": "authorize and keep",
    "seen_before_ns": "seen before, kept",
    "seen_before_async_ns": "seen before, kept, async",
    "digest_ns": "SHA-256 of the token",
    "refused_ns": "refused for its issuer",
    "crossing_ns": "one crossing",
}

Times = dict[str, float]


def main() -> None:
    folder = Path(sys.argv[1])
    rounds = [one_round(folder) for _ in range(ROUNDS)]
    best = {
        language: {name: min(each[language][name] for each in rounds) for name in times}
        for language, times in rounds[0].items()
    }
    report(best, json.loads((folder / "sample.json").read_text()))


def one_round(folder: Path) -> dict[str, Times]:
    text = output(folder / "scopegate-bench")
    (folder / "sample.json").write_text(text)
    sample = json.loads(text)
    arguments = [json.dumps(sample["config"]), sample["authorization"], sample["refused"], str(sample["now"])]
    arguments.append(json.dumps(keeping_tokens(sample["config"])))
    return {
        "Rust": {name: value for name, value in sample.items() if name.endswith("_ns")},
        "C": json.loads(output(folder / "bench-c", *arguments)),
        "Go": go(folder),
        "Python": python(sample),
        "Node.js": json.loads(output("node", Path(__file__).with_name("bench.mjs"), folder / "sample.json")),
    }


def keeping_tokens(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration, in which as many verified tokens are kept as usual."""
    return {name: value for name, value in config.items() if name != "token_cache"}


def output(*command: object, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    return done.stdout


def go(folder: Path) -> Times:
    program = (folder / "bench-go").absolute()
    sample = str((folder / "sample.json").absolute())
    text = output(program, "-test.run", "^$", "-test.bench", ".", "-test.count", 5, SCOPEGATE_SAMPLE=sample)
    found: dict[str, list[float]] = {}
    for name, nanoseconds in re.findall(r"^Benchmark(\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", text, re.MULTILINE):
        found.setdefault(f"{name.lower()}_ns", []).append(float(nanoseconds))
    return {name: statistics.median(values) for name, values in found.items()}


def python(sample: dict[str, Any]) -> Times:
    logging.disable()
    gate = ResourceServer(**sample["config"])
    keeping = ResourceServer(**keeping_tokens(sample["config"]))
    details: dict[str, Any] = {"method": "POST", "body": b"", "now": sample["now"]}
    line = sample["authorization"].encode()

    def authorize(server: ResourceServer) -> None:
        server.authorize(line.decode("latin-1"), **details)  # a new string each time, as a server has it

    async def authorize_async(server: ResourceServer) -> None:
        await server.authorize_async(line.decode("latin-1"), **details)

    def refuse() -> None:
        with suppress(Rejected):
            gate.authorize(sample["refused"], **details)

    def on_two_threads() -> None:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: [authorize(gate) for _ in range(500)], range(2)))

    return {
        "authorize_ns": median_ns(lambda: authorize(gate)),
        "authorize_two_threads_ns": median_ns(on_two_threads, calls=1000),
        "authorize_async_ns": asyncio.run(median_async_ns(lambda: authorize_async(gate))),
        "seen_before_ns": median_ns(lambda: authorize(keeping)),
        "seen_before_async_ns": asyncio.run(median_async_ns(lambda: authorize_async(keeping))),
        "refused_ns": median_ns(refuse),
    }


def median_ns(call: Callable[[], object], calls: int = 1) -> float:
    """The nanoseconds of one call, where ``call`` makes so many."""

    def batch() -> float:
        made, start = 0, time.perf_counter()
        while time.perf_counter() - start < BATCH_SECONDS:
            for _ in range(max(1, 100 // calls)):
                call()
                made += calls
        return (time.perf_counter() - start) / made * 1e9

    return statistics.median(batch() for _ in range(BATCHES))


async def median_async_ns(call: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """As ``median_ns``, one after the other on one event loop."""
    batches = []
    for _ in range(BATCHES):
        made, start = 0, time.perf_counter()
        while time.perf_counter() - start < BATCH_SECONDS:
            for _ in range(100):
                await call()
            made += 100
        batches.append((time.perf_counter() - start) / made * 1e9)
    return statistics.median(batches)


def report(best: dict[str, Times], sample: dict[str, Any]) -> None:
    versions = f"CPython {platform.python_version()}, Node.js {output('node', '--version').strip()}"
    print(f"{platform.machine()}, {platform.system()}, {versions}, {output('go', 'version').split()[2]}")
    print(f"RS256, {sample['token_bytes']} bytes, keys held; microseconds, and thousands of calls in a second")
    raw, rust = best["Rust"].pop("raw_ns"), best["Rust"]["authorize_ns"]
    print(f"{'signature alone (aws-lc-rs, parsed key)':42}{raw / 1000:9.2f}{1e6 / raw:9.1f}")
    for language, times in best.items():
        for name, value in times.items():
            whole = name.startswith("authorize")
            ratios = f"   {value / raw:.2f} x signature, {value / rust:.2f} x Rust" if whole else ""
            print(f"{language + ', ' + LABELS[name]:42}{value / 1000:9.3f}{1e6 / value:9.1f}{ratios}")


if __name__ == "__main__":
    main()
