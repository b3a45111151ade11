"""What little of MCP is answered where the SDK's server cannot stand: WSGI has no streams. No sessions."""

from __future__ import annotations

import json
from typing import Any

TOOLS = ("weather", "send_email", "drop_table", "greet")


def respond(body: bytes) -> bytes | None:
    """The answer to one message, or ``None`` where none is due."""
    message = json.loads(body)
    if "id" not in message:
        return None
    answer = {"jsonrpc": "2.0", "id": message["id"], **_outcome(message["method"], message.get("params", {}))}
    return json.dumps(answer).encode()


def _outcome(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        info = {"name": "responder", "version": "1"}
        return {"result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}}
    if method == "tools/list":
        return {"result": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}}
    if method == "tools/call":
        return {"result": {"content": [{"type": "text", "text": params["name"]}]}}
    return {"error": {"code": -32601, "message": "Method not found"}}
