"""Nothing is decided twice: no byte of a refusal is written in the binding."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

BINDING = Path(__file__).parent.parent
GENERATED = BINDING / "python" / "scopegate" / "_reason.py"
PYTHON = {*(BINDING / "python").rglob("*.py"), *(BINDING / "python").rglob("*.pyi")}
RUST = {*(BINDING / "src").rglob("*.rs")}
FORBIDDEN = ("WWW-Authenticate", "invalid_token", "insufficient_scope", "invalid_request", ".well-known", "Retry-After")
STATUS = re.compile(r"(?<![\w.])[45]\d\d(?![\w.])")


def code_of_python(path: Path) -> str:
    """The source without comments and documentation."""
    kept = []
    line_start = True
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        documentation = token.type == tokenize.STRING and line_start
        if token.type != tokenize.COMMENT and not documentation:
            kept.append(token.string)
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            line_start = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    return " ".join(kept)


def code_of_rust(path: Path) -> str:
    return re.sub(r"//.*", "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted((PYTHON | RUST) - {GENERATED}), ids=lambda path: path.name)
def test_source_holds_no_status_and_no_word_of_a_refusal(path: Path) -> None:
    code = code_of_rust(path) if path.suffix == ".rs" else code_of_python(path)
    assert [word for word in FORBIDDEN if word.lower() in code.lower()] == []
    assert STATUS.findall(code) == []


def test_the_search_sees_what_it_must(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text('"""403 in documentation."""\nstatus = 403  # 401\nname = "invalid_token"\n', encoding="utf-8")
    code = code_of_python(sample)
    assert STATUS.findall(code) == ["403"]
    assert "invalid_token" in code
