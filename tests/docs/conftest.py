"""Prints what was run when all of it was."""

from __future__ import annotations

from collections import Counter

import pytest
from pages import every_block


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    if exitstatus == 0:
        kinds = Counter(block.language or "plain" for block in every_block())
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        terminalreporter.write_line(f"docs code blocks run: {kinds.total()} ({listed})")
