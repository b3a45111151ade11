"""Prints what was run when all of it was."""

from __future__ import annotations

from collections import Counter

import pytest
from pages import counts, every_block
from test_every_block import runner


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    if exitstatus == 0:
        listed = ", ".join(f"{count} {language}" for language, count in counts().items())
        terminalreporter.write_line(f"docs code blocks run: {sum(counts().values())} ({listed})")
        for path, count in Counter(runner(block) for block in every_block()).most_common():
            terminalreporter.write_line(f"  {count:3} by {path}")
