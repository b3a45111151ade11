"""Compares the decision on an RS256 token that was not seen before with the bare verification of its signature.

Usage: bench.py PATH-OF-scopegate-bench
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from scopegate import ResourceServer

BATCHES = 11
BATCH_SECONDS = 0.2


def median_ns(call: Callable[[], object]) -> float:
    def batch() -> float:
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < BATCH_SECONDS:
            for _ in range(100):
                call()
            calls += 100
        return (time.perf_counter() - start) / calls * 1e9

    return statistics.median(batch() for _ in range(BATCHES))


def main() -> None:
    rust = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
    gate = ResourceServer(**rust["config"])
    authorization, now = rust["authorization"], rust["now"]
    python = median_ns(lambda: gate.authorize(authorization, method="POST", body=b"", now=now))
    raw = rust["raw_ns"]
    machine = f"{platform.machine()}, {platform.system()}, CPython {platform.python_version()}"
    print(f"{machine}; RS256, {rust['token_bytes']} bytes")
    print(f"{'':38}{'us':>8}{'ratio':>8}")
    for name, value in [
        ("aws-lc-rs, signature alone, parsed key", raw),
        ("Rust authorize, token not seen before", rust["authorize_ns"]),
        ("Python authorize, the same", python),
        ("Rust authorize, no token", rust["missing_token_ns"]),
    ]:
        print(f"{name:38}{value / 1000:8.2f}{value / raw:8.2f}")


if __name__ == "__main__":
    main()
