"""One log line for each refusal, through ``logging.getLogger("scopegate")``."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from scopegate._errors import Rejected

logger = logging.getLogger("scopegate")

LINES_PER_SECOND = 5
"""The most lines for one reason in one second; the rest are counted."""


def log_refusal(refusal: Rejected) -> None:
    """Writes the line: reason, code, what was expected, and where ``docs/reasons.md`` has the cause and the cure.

    A request without a token is the start of every client's login, so it is information; what needs an operator is an
    error; the rest are warnings.
    """
    if refusal.reason == "missing_token":
        level = logging.INFO
    elif refusal._undecided:
        level = logging.ERROR
    else:
        level = logging.WARNING
    if logger.isEnabledFor(level):  # most hosts want no information
        log_limited(
            level,
            refusal.reason,
            f"refused with {refusal.status}: {refusal.reason} ({refusal.code}): {refusal.detail}"
            f" [docs/reasons.md#{refusal.reason}]",
        )


def log_limited(level: int, subject: str, message: str) -> None:
    """Writes ``message`` unless ``subject`` has had its lines for this second."""
    if not logger.isEnabledFor(level):
        return
    suppressed = _limit.admit(subject)
    if suppressed is None:
        return
    logger.log(level, "%s", f"{message} ({suppressed} more like it were not logged)" if suppressed else message)


class LineLimit:
    """Admits ``LINES_PER_SECOND`` lines for each subject and second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets everything; in the child of a fork the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._seconds: dict[str, tuple[int, int, int]] = {}

    def admit(self, subject: str) -> int | None:
        """How many lines were suppressed since the last one that was admitted, or ``None`` to suppress this one."""
        now = int(self._clock())
        with self._lock:
            second, written, suppressed = self._seconds.get(subject, (now, 0, 0))
            if second != now:
                second, written = now, 0
            if written >= LINES_PER_SECOND:
                self._seconds[subject] = (second, written, suppressed + 1)
                return None
            self._seconds[subject] = (second, written + 1, 0)
            return suppressed


_limit = LineLimit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.reset)
