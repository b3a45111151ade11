"""One HTTP request as it goes over the wire."""

from __future__ import annotations

import base64
from typing import Any

from .message import MODERN, tool

HOST = "Host: mcp.test"
CLOSE = "Connection: close"
JSON = "Content-Type: application/json"
ACCEPT = "Accept: application/json, text/event-stream"

Body = str | bytes | list[tuple[str, int]]
"""Text, bytes, or pieces of text with how often each is repeated."""


def bearer(token: str | None) -> tuple[str, ...]:
    """The credential of a named token, which the runner mints; none for None."""
    return () if token is None else (f"Authorization: Bearer {{{token}}}",)


def size(body: Body) -> int:
    if isinstance(body, list):
        return sum(len(text.encode()) * times for text, times in body)
    return len(body.encode() if isinstance(body, str) else body)


def request(
    *lines: str, body: Body | None = None, method: str = "POST", target: str = "/mcp", http: str = "1.1", keep: bool = False
) -> dict[str, Any]:
    """These field lines after `Host`. `keep`: the connection is used again, and the lines say it all."""
    made: dict[str, Any] = {"request_line": f"{method} {target} HTTP/{http}"}
    made["field_lines"] = [HOST, *([] if keep else [CLOSE]), *lines]
    if isinstance(body, str):
        made["body"] = body
    elif isinstance(body, bytes):
        made["body_base64"] = base64.b64encode(body).decode()
    elif body is not None:
        made["body_repeated"] = [list(piece) for piece in body]
    return made


def routed(version: str | None, method: str = "tools/call", name: str | None = "weather") -> tuple[str, ...]:
    """The lines that a request of this version has beside those of every request."""
    if version is None:
        return ()
    lines = [f"MCP-Protocol-Version: {version}"]
    if version == MODERN:
        lines.append(f"Mcp-Method: {method}")
        if name is not None:
            lines.append(f"Mcp-Name: {name}")
    return tuple(lines)


def post(
    *lines: str,
    body: Body,
    token: str | None = "alice",
    version: str | None = None,
    method: str = "tools/call",
    name: str | None = "weather",
    content_type: str | None = JSON,
    **more: Any,
) -> dict[str, Any]:
    """A POST with every line that an honest client sends, and then `lines`."""
    honest = [*([content_type] if content_type else []), ACCEPT, *bearer(token), *routed(version, method, name)]
    return request(*honest, *lines, f"Content-Length: {size(body)}", body=body, **more)


def call(name: str, *lines: str, version: str | None = None, token: str | None = "alice", **more: Any) -> dict[str, Any]:
    """An honest call of a tool."""
    return post(*lines, body=tool(version, name), version=version, name=name, token=token, **more)
