#!/usr/bin/env python3
"""Runs the programs of this folder, prints what they held, and fails where it grew.

Arguments: how many accepted and as many refused tokens each language sees after its warm-up. All are distinct.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BUILT = REPOSITORY / "target" / "memory"
PROGRAMS = {
    "Rust": [BUILT / "scopegate-memory"],
    "C": [BUILT / "memory-c"],
    "Go": [BUILT / "memory-go"],
    "Python": [sys.executable, REPOSITORY / "tests/memory/memory.py"],
    "Node.js": ["node", "--expose-gc", REPOSITORY / "tests/memory/memory.mjs"],
}

WARM_UP = 20_000
"""The least warm-up: more than the cache of verified tokens holds, 10,000 entries.

In a long run it is a tenth, after which V8's heap has its size.
"""

GROWTH = {"Rust": 1024, "C": 1024, "Go": 8192, "Python": 2048, "Node.js": 16384}
"""The most KiB that the end may hold above the warm-up: what the allocator, or a collector's heap, wavers by."""


def main() -> int:
    count = int(sys.argv[1])
    only = sys.argv[2:] or list(PROGRAMS)
    heads = ("accepted", "refused", "start", "warm", "end", "growth")
    print(f"{'language':9}{''.join(f'{head:>10}' for head in heads)}  KiB     a token")
    grown = []
    for language in only:
        start, *samples = run(PROGRAMS[language], count)
        warm, end = samples[0], samples[-1]
        seen = (end[0] - warm[0], end[1] - warm[1])
        if seen != (count, count):
            raise SystemExit(f"{language}: saw {seen} of {count} tokens each")
        growth = end[2] - warm[2]
        row = "".join(f"{number:>10}" for number in (end[0], end[1], start[2], warm[2], end[2], growth))
        print(f"{language:9}{row}     {1024 * growth / (2 * count):>6.2f} bytes", flush=True)
        if growth > GROWTH[language]:
            held = [kib for *_, kib in samples]
            grown.append(f"{language}: grew by {growth} KiB, {GROWTH[language]} allowed: {held}")
    print("\n".join(grown), file=sys.stderr)
    return 1 if grown else 0


def run(program: list[str | Path], count: int) -> list[tuple[int, int, int]]:
    """What the program said at its start, after the warm-up, and at ten moments since."""
    tokens = [BUILT / "scopegate-memory", "tokens", str(max(WARM_UP, count // 10)), str(count)]
    with subprocess.Popen(tokens, stdout=subprocess.PIPE) as producer:
        said = subprocess.run(program, stdin=producer.stdout, stdout=subprocess.PIPE, text=True, check=True).stdout
    if producer.returncode != 0:
        raise SystemExit("the tokens ended early")
    accepted_refused_kib = [tuple(int(number) for number in line.split()) for line in said.splitlines()]
    return accepted_refused_kib  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
