"""JSON-RPC bodies for the cases."""

from __future__ import annotations

from typing import Any

from .strict_json import compact
from .tokens import ABSENT, Raw, object_text


def body(method: str, id: Any = 1, **members: Any) -> str:
    """A JSON-RPC message. `id` ABSENT makes a notification; a Raw one goes in as it stands."""
    return object_text({"jsonrpc": "2.0", "id": id, "method": method, **members})


def tool_call(name: str, id: Any = 1) -> str:
    return body("tools/call", id, params={"name": name, "arguments": {}})


def response(id: Any = 1) -> str:
    """What a client posts in answer to a server's request."""
    return object_text({"jsonrpc": "2.0", "id": id, "result": {}})


def error(code: int, message: str, id: Any = None, data: Any = ABSENT) -> str:
    """A JSON-RPC error as the rules write it."""
    inner = object_text({"code": code, "message": message, "data": data})
    return object_text({"jsonrpc": "2.0", "id": id, "error": Raw(inner)})


def forbidden(message: str, id: Any, data: dict[str, str]) -> str:
    """The body of a 403 for a call with a known id."""
    return error(-32001, message, id, Raw(compact(data)))
