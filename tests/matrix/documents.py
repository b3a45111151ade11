"""Requests that no client is needed for: the well-known document, and preflights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tap import Request, Tap

METADATA = "/.well-known/oauth-protected-resource/mcp"


async def fetch(tap: Tap, request: Request) -> None:
    """Sends a request through the tap, which records the answer."""
    reader, writer = await asyncio.open_connection(*tap.listener.getsockname())
    writer.write(request.bytes())
    while await reader.read(65536):
        pass
    writer.close()


def _request(method: str, target: str, *lines: tuple[str, str]) -> Callable[[Any], Request]:
    def make(stage: Any) -> Request:
        host = ("Host", stage.tap.origin.removeprefix("http://"))
        return Request(method, target, (host, *lines), b"")

    return make


def _preflight(target: str, origin: str | None) -> Callable[[Any], Request]:
    def make(stage: Any) -> Request:
        named = origin if origin is not None else stage.page_origin
        asked = (("Origin", named), ("Access-Control-Request-Method", "POST"))
        headers = ("Access-Control-Request-Headers", "authorization, content-type, mcp-param-city")
        return _request("OPTIONS", target, *asked, headers)(stage)

    return make


DOCUMENTS: Mapping[str, Callable[[Any], Request]] = {
    "GET of the metadata": _request("GET", METADATA),
    "HEAD of the metadata": _request("HEAD", METADATA),
    "OPTIONS of the metadata": _request("OPTIONS", METADATA),
    "DELETE of the metadata": _request("DELETE", METADATA),
    "metadata with a query": _request("GET", f"{METADATA}?x=1"),
    "preflight of a listed origin": _preflight("/mcp", None),
    "preflight of another origin": _preflight("/mcp", "https://evil.test"),
    "preflight of the metadata": _preflight(METADATA, "https://evil.test"),
}
