"""The Python program of tests/memory: memory.rs says what it reads and writes."""

import gc
import logging
import re
import sys
from pathlib import Path

from scopegate import Rejected, ResourceServer


def main() -> None:
    logging.basicConfig(handlers=[logging.NullHandler()])
    gate = ResourceServer.from_json(sys.stdin.readline())
    seen = {"+": 0, "-": 0}
    for line in sys.stdin:
        expected, token = line[0], line[1:-1]
        if expected == "=":
            print(seen["+"], seen["-"], resident(), flush=True)
            continue
        found = "+" if is_accepted(gate, token) else "-"
        assert found == expected, line
        seen[found] += 1


def is_accepted(gate: ResourceServer, token: str) -> bool:
    try:
        return gate.authorize(f"Bearer {token}").resource == gate.resource
    except Rejected:
        return False


def resident() -> int:
    """KiB that are in memory."""
    gc.collect()
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


main()
