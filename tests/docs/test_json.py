"""The JSON of the pages parses, and what is a configuration, or a member of one, is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pages import Block, every_block

from scopegate import ResourceServer
from scopegate.testing import Issuer

BLOCKS = [block for block in every_block() if block.language == "json"]
BASE = {"resource": "https://mcp.example.com/mcp", "authorization_servers": ["https://as.example.com"]}
FORMATS = {"tests/exchanges/README.md", "tests/vectors/README.md"}
"""Pages that show the format of a file of ours and no configuration."""


def document(block: Block) -> Any:
    """The block; a member by itself is a document that has it alone."""
    text = block.text.strip()
    return json.loads(f"{{{text}}}" if text.startswith('"') else text)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_configuration_is_accepted(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = document(block)
    if block.page in FORMATS:
        assert "suite" in configuration
        return
    monkeypatch.chdir(tmp_path)
    for server in configuration.get("authorization_servers", []):
        if isinstance(server, dict) and "jwks_file" in server:
            key_set = json.dumps(dict(Issuer().server())["jwks"])
            server["jwks_file"] = str(tmp_path / "jwks.json")
            Path(server["jwks_file"]).write_text(key_set, encoding="utf-8")
    ResourceServer.from_json(json.dumps(BASE | configuration))
