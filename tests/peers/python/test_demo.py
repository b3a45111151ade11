"""The demo, as `make demo` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[3] / "bindings-python" / "demo" / "demo.py"
JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.")


def run_demo(authserver: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SCOPEGATE_AUTHSERVER": str(authserver)}
    command = [sys.executable, str(DEMO)]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=300)


def test_demo_goes_as_expected(authserver: Path) -> None:
    demo = run_demo(authserver)
    assert (demo.returncode, demo.stderr) == (0, ""), demo.stdout + demo.stderr
    lines = demo.stdout.splitlines()
    assert lines[-1].startswith("All 11 steps went as expected")
    assert [line for line in lines if len(line) > 100] == []
    assert JWT.search(demo.stdout) is None, "a token was printed"


def test_demo_says_what_failed(tmp_path: Path) -> None:
    demo = run_demo(tmp_path / "absent")
    assert demo.returncode == 1
    assert demo.stderr.startswith("authorization server: ")
