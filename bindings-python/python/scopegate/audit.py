"""Audit events into ``logging``."""

from __future__ import annotations

import logging
import os
import threading

from scopegate._server import ResourceServer

logger = logging.getLogger("scopegate.audit")
"""Where events go, at the level ``INFO``."""


class AuditLog:
    """Drains the audit events of a resource server into a logger: a JSON object as the message of each.

    It works on a thread of its own from ``start`` to ``stop``; as a context manager it does both. A slow handler slows
    no request: events that find no room are dropped, and the log says how many. A forked child needs ``start`` again.

    What a handler or filter of the logger raises keeps no other event from it. ``flush`` and ``stop`` raise the first
    of it in the end; on the thread ``threading.excepthook`` is told, and the thread goes on.
    """

    def __init__(
        self, gate: ResourceServer, *, interval: float = 1.0, logger: logging.Logger = logger, level: int = logging.INFO
    ) -> None:
        """``interval``: seconds between two looks.

        Raises ``ValueError`` for an interval that is not positive.
        """
        if not interval > 0:
            raise ValueError("interval: expected a positive number of seconds")
        self._gate = gate
        self._interval = interval
        self._logger = logger
        self._level = level
        self._dropped = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process = 0

    def start(self) -> None:
        """Begins to drain. Does nothing when it has begun in this process."""
        if self._thread is not None and self._process == os.getpid():
            return
        self._process = os.getpid()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(self._stopping,), name="scopegate-audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it, after what still waited was logged."""
        if self._thread is not None and self._process == os.getpid():
            self._stopping.set()
            self._thread.join()
        self._thread = None
        self.flush()

    def flush(self) -> None:
        """Logs all that waits."""
        raised: list[Exception] = []
        for line in self._gate._drained_lines():
            try:
                self._logger.log(self._level, "%s", line)
            except Exception as error:
                raised.append(error)
        self._warn_of_dropped()
        if raised:
            raise raised[0]

    def _warn_of_dropped(self) -> None:
        dropped = self._gate.stats()["events"]["dropped"]
        if dropped > self._dropped:
            since, self._dropped = dropped - self._dropped, dropped
            self._logger.warning("%d audit events found no room and were dropped", since)

    def __enter__(self) -> AuditLog:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self, stopping: threading.Event) -> None:
        while not stopping.wait(self._interval):
            try:
                self.flush()
            except Exception as error:
                told = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(told))
