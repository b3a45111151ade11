"""Writes python/scopegate/_reason.py from the core's list of reasons; ``--check`` only compares.

It needs the built package.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scopegate._scopegate import reasons

FILE = Path(__file__).parent / "python" / "scopegate" / "_reason.py"


def source() -> str:
    """The module's text."""
    lines = [
        '"""Why a request was refused: generated from the core by generate_reason.py, never edited."""',
        "",
        "from typing import Literal, TypeAlias",
        "",
        "Reason: TypeAlias = Literal[",
        *(f'    "{name}",' for name, _ in reasons()),
        "]",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the file, or says whether it is what would be written."""
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text(encoding="utf-8") == source() else 1
    FILE.write_text(source(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
