"""The Python of the pages is strictly typed and runs; servers refuse a stranger and let a token in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import Block, programs

HERE = Path(__file__).parent
PROGRAMS = programs("python")


def test_programs_are_strictly_typed(tmp_path: Path) -> None:
    files = []
    for number, program in enumerate(PROGRAMS):
        name = f"{program.page}_{program.line}".replace("/", "_").replace(".", "_").replace("-", "_")
        files.append(tmp_path / f"{name}_{number}.py")
        files[-1].write_text(program.text, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_program_runs(program: Block, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(program.text, encoding="utf-8")
    command = [sys.executable, str(HERE / "visit.py"), str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    is_server = re.search(r"^(?:app|application|mcp) = (?!MCPServer)", program.text, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == ("answered" if is_server else "ran")
    if "def test_" in program.text:
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
        tested = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
        assert tested.returncode == 0, tested.stdout + tested.stderr
