"""Every block of code of every page has somebody who runs it."""

from __future__ import annotations

import json

from pages import COUNTS, REPOSITORY, Block, counts, every_block, read

BY_LANGUAGE = {
    "python": "tests/docs/test_python.py",
    "json": "tests/docs/test_json.py",
    "sh": "tests/docs/test_commands.py",
    "indented": "tests/docs/test_commands.py",
    "ts": "bindings-node/test/documentation.test.mjs",
    "go": "bindings-go/mcp/docs_test.go",
    "c": "ffi/tests/programs/documentation.rs",
    "cpp": "ffi/tests/programs/documentation.rs",
    "rust": "tests/rust/lib.rs",
    "dockerfile": "tests/docs/test_deployment.py",
    "yaml": "tests/docs/test_deployment.py",
    "nginx": "tests/docs/test_deployment.py",
    "console": "ffi/tests/programs/documentation.rs",
}
"""Language -> who runs its blocks, on whatever page they stand."""

BY_PLACE = {
    ("README.md", ""): "bindings-python/tests/test_readme.py",
    ("docs/start.md", "shell"): "tests/docs/test_start.py",
    ("docs/go.md", "text"): "bindings-go/mcp/docs_test.go",
    ("docs/operating.md", "text"): "bindings-python/tests/test_command_line.py",
    ("docs/frameworks/rmcp.md", "rust"): "core/examples/rmcp/tests/example.rs",
}
"""Page and language -> who compares what is shown there with what comes out."""


def runner(block: Block) -> str | None:
    return BY_PLACE.get((block.page, block.language)) or BY_LANGUAGE.get(block.language)


def test_every_block_is_run() -> None:
    unclaimed = [f"{block}: no test runs blocks of {block.language!r}" for block in every_block() if not runner(block)]
    assert unclaimed == []


def test_whoever_runs_blocks_is_there() -> None:
    for place, path in [*BY_LANGUAGE.items(), *BY_PLACE.items()]:
        assert (REPOSITORY / path).is_file(), place
    used = {(block.page, block.language) for block in every_block()}
    assert [place for place in BY_PLACE if place not in used] == []


def test_the_program_for_rmcp_is_the_example() -> None:
    (shown,) = [
        block for block in every_block() if block.page == "docs/frameworks/rmcp.md" and block.language == "rust"
    ]
    assert shown.text == read("core/examples/rmcp/src/main.rs")


def test_counts_are_those_that_are_pinned() -> None:
    assert json.loads(COUNTS.read_text(encoding="utf-8")) == counts(), "python3 tests/docs/pages.py writes them"
