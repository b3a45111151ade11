"""What ``AuditLog`` costs a server: decisions without events, with a handler that discards them, with no room for them.

Prints one JSON object. Usage: sinks.py SAMPLE
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from scopegate import ResourceServer
from scopegate.audit import AuditLog

ROUNDS, SPELL, INTERVAL = 15, 0.1, 0.01


class Discarding(logging.Handler):
    """Formats each event, as every handler that writes does."""

    received = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)
        self.received += record.levelno == logging.INFO


def main() -> None:
    sample = json.loads(Path(sys.argv[1]).read_text())
    handler, logger = Discarding(), logging.getLogger("scopegate.audit")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    off, on, full = [gate(sample, room) for room in (None, sample["room"], 1)]
    times: list[list[float]] = [[], [], []]
    decisions = 0
    with AuditLog(on, interval=INTERVAL):
        for _ in range(ROUNDS):
            for at, judge in enumerate((off, on, full)):
                made, seconds = spell(sample, judge)
                times[at].append(seconds / made * 1e9)
                decisions += made if judge is on else 0
    events = on.stats()["events"]
    assert handler.received == events["recorded"], (handler.received, events)
    assert events["recorded"] + events["dropped"] == decisions, (decisions, events)
    names = ("off_ns", "on_ns", "full_ns")
    figures = {name: min(found) for name, found in zip(names, times, strict=True)}
    print(json.dumps({**figures, "decisions": decisions, "drained": handler.received, "dropped": events["dropped"]}))


def gate(sample: dict[str, Any], room: int | None) -> ResourceServer:
    events = {} if room is None else {"events": {"capacity": room}}
    return ResourceServer(**sample["config"], **events)


def spell(sample: dict[str, Any], judge: ResourceServer) -> tuple[int, float]:
    authorization, body = sample["authorization"], sample["body"].encode()
    made, start = 0, time.perf_counter()
    while time.perf_counter() - start < SPELL:
        for _ in range(100):
            judge.authorize(authorization, method="POST", target="/mcp", body=body)
        made += 100
    return made, time.perf_counter() - start


if __name__ == "__main__":
    main()
