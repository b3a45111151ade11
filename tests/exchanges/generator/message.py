"""JSON-RPC messages of MCP as text. Members are written by hand where an attack is in their spelling."""

from __future__ import annotations

import json
from typing import Any

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", None)
VERSIONS = (MODERN, *LEGACY)
"""The protocol versions that a request may name, from `MCP-Protocol-Version`; None: it names none."""
TWO_VERSIONS = (MODERN, "2025-06-18")
"""For what no version makes a difference to, and is worth knowing of each era."""

_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def meta(version: str | None) -> str:
    """The last member of `params`, with a comma before it: requests of 2026-07-28 say what they are in the body too."""
    return f',"_meta":{compact(_META)}' if version == MODERN else ""


def message(version: str | None, method: str, params: str, id: str | None = "1") -> str:
    """`params`: the text of its members; `id`: the text of the id, None for none."""
    with_id = "" if id is None else f'"id":{id},'
    return f'{{"jsonrpc":"2.0",{with_id}"method":{compact(method)},"params":{{{params}{meta(version)}}}}}'


def tool(version: str | None, name: str, id: str | None = "1", arguments: str = "{}") -> str:
    """A call of this tool."""
    return message(version, "tools/call", f'"name":{compact(name)},"arguments":{arguments}', id)
