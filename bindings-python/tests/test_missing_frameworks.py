"""An adapter whose framework is not installed, or is an older one, says what it needs."""

from __future__ import annotations

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("adapter", "missing", "extra"),
    [
        ("scopegate.mcp", "mcp.server.mcpserver", "mcp"),
        ("scopegate.fastmcp", "fastmcp.server.auth", "fastmcp"),
        ("scopegate.fastapi", "fastapi", "fastapi"),
    ],
)
def test_adapter_names_its_framework(adapter: str, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, adapter, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError) as raised:
        importlib.import_module(adapter)
    assert str(raised.value).startswith(f"{adapter} needs ")
    assert str(raised.value).endswith(f": pip install 'scopegate[{extra}]'")
