#!/usr/bin/env python3
"""Counts the lines of each example, and writes the table of the README.

    python3 tests/lines.py            # writes the table
    python3 tests/lines.py --check    # fails where the README says something else

What counts is the whole program as it stands, since all of it is what a user writes: every line but blank ones,
comments and documentation. Nothing is left out for being about the tools or the web server and not about Scopegate.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
BEGIN, END = "<!-- made by tests/lines.py -->\n", "<!-- end -->\n"

EXAMPLES = {
    "Python": ("bindings-python/examples", "*.py"),
    "Node.js": ("bindings-node/examples", "*.ts"),
    "Go": ("bindings-go/**/examples", "*.go"),
    "C": ("ffi/examples", "*.c"),
    "Rust": ("core/examples/*/src", "*.rs"),
}
"""Language -> its folders of examples, and which files in them are programs."""

BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def lines(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    code = python(text) if path.suffix == ".py" else re.sub(r"^\s*//.*", "", BLOCK_COMMENT.sub("", text), flags=re.M)
    return sum(bool(line.strip()) for line in code.splitlines())


def python(text: str) -> str:
    """The source without comments and documentation."""
    kept = text.splitlines()
    starts_statement = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.strip() == token.string:
            kept[token.start[0] - 1] = ""
        elif token.type == tokenize.STRING and starts_statement:
            for at in range(token.start[0], token.end[0] + 1):
                kept[at - 1] = ""
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            starts_statement = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    return "\n".join(kept)


def table() -> str:
    rows = ["| | lines of each example, blank ones and comments left out |", "| --- | --- |"]
    for language, (folders, files) in EXAMPLES.items():
        found = sorted(file for folder in REPOSITORY.glob(folders) for file in folder.glob(files))
        if not found:
            raise SystemExit(f"{language}: no examples in {folders}")
        counted = [f"[{name(file)}]({file.relative_to(REPOSITORY).as_posix()}) {lines(file)}" for file in found]
        rows.append(f"| {language} | {' · '.join(counted)} |")
    return "".join(f"{row}\n" for row in rows)


def name(file: Path) -> str:
    """The file, or the folder of a program that has one to itself."""
    return file.parents[1].name if file.stem == "main" else file.name


def main() -> int:
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    written, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md: expected {BEGIN.strip()} and {END.strip()}")
    if sys.argv[1:] == ["--check"]:
        if written != table():
            print("README.md: run python3 tests/lines.py", file=sys.stderr)
            return 1
    else:
        README.write_text(before + begin + table() + end + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
