"""The code blocks of the README are programs that type-check and run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == README.read_text(encoding="utf-8").count("```python") > 0


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block_is_strictly_typed_and_runs(block: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(block, encoding="utf-8")
    type_check = ["-m", "mypy", "--strict", "--cache-dir", str(README.parent / ".mypy_cache"), str(program)]
    for command in (type_check, ["-c", "import program"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
