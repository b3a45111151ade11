"""Mistakes of a configuration: all at once, each with its path and what is expected there, as in every language."""

from __future__ import annotations

import json
from pathlib import Path

from scopegate import ConfigError, ResourceServer

SUITE = Path(__file__).parents[2] / "tests" / "vectors" / "configuration" / "errors.json"


def mistakes(text: str) -> list[dict[str, str]]:
    try:
        ResourceServer.from_json(text)
    except ConfigError as error:
        return [{"path": mistake.path, "message": mistake.message} for mistake in error.errors]
    return []


def test_every_mistake_has_its_path_and_says_what_is_expected() -> None:
    suite = json.loads(SUITE.read_text(encoding="utf-8"))
    assert len(suite["cases"]) == suite["number_of_tests"]
    for case in suite["cases"]:
        assert mistakes(case["config"]) == case["errors"], case["id"]
