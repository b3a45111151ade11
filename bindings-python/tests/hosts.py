"""The MCP servers that tests run, each behind its adapter and with the same tools, and what a client sends them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx2
from fastmcp import FastMCP
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wire import Answer, exchange, http_request

from scopegate import Policy
from scopegate._adapter import Gate
from scopegate._need import Scopes
from scopegate.asgi import ASGIApp
from scopegate.fastmcp import Scopegate
from scopegate.fastmcp import list_filter as fastmcp_list_filter
from scopegate.mcp import list_filter, protect
from scopegate.testing import Issuer

WEATHER, EMAIL = "mcp:tools:weather", "mcp:tools:email:send"
POLICY: Policy = {"default": [], "tools": {"weather": [WEATHER], "send_*": [EMAIL], "drop_*": "deny"}}
MODERN = "2026-07-28"
JSON = ("Content-Type: application/json", "Accept: application/json, text/event-stream")


def weather(city: str) -> str:
    return f"Sunny in {city}"


def send_email(to: str) -> str:
    return f"Sent to {to}"


def drop_table(name: str) -> str:
    raise AssertionError(name)


def echo(value: Any) -> str:
    return json.dumps(value)


def whoami() -> dict[str, Any]:
    token = get_access_token()
    assert token is not None
    return token.model_dump()


TOOLS = (weather, send_email, drop_table, echo, whoami)


def greet() -> str:
    return "Hello"


async def extra(request: Request) -> Response:
    return JSONResponse({"extra": True})


def weather_server(gate: Gate) -> MCPServer[Any]:
    mcp: MCPServer[Any] = MCPServer("Weather", middleware=[list_filter(gate)])
    for offered in TOOLS:
        mcp.add_tool(offered)
    mcp.prompt()(greet)
    mcp.custom_route("/extra", methods=["GET"])(extra)
    return mcp


def fastmcp_server(auth: Scopegate) -> FastMCP:
    mcp = FastMCP("Weather", auth=auth, middleware=[fastmcp_list_filter(auth.gate)])
    for offered in TOOLS:
        mcp.tool(offered)
    mcp.prompt(greet)
    mcp.custom_route("/extra", methods=["GET"])(extra)
    return mcp


def behind_protect(gate: Gate, scopes: Scopes = ()) -> ASGIApp:
    return protect(weather_server(gate), gate, health="/healthz", metrics="/metrics", scopes=scopes)


def behind_fastmcp(gate: Gate, scopes: Scopes = ()) -> ASGIApp:
    return fastmcp_server(Scopegate(gate, health="/healthz", metrics="/metrics", scopes=scopes)).http_app(path="/mcp")


HOSTS: Mapping[str, Callable[..., ASGIApp]] = {"mcp": behind_protect, "fastmcp": behind_fastmcp}
"""Name -> the application that serves the tools behind a resource server, with ``health`` and ``metrics``."""


def message(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()


def tool(called: str, **arguments: Any) -> bytes:
    return message("tools/call", name=called, arguments=arguments)


def initialize() -> bytes:
    return message(
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )


def post(port: int, *lines: str, body: bytes, host: str = "mcp.test") -> Answer:
    return exchange(port, http_request("POST", "/mcp", *JSON, *lines, body=body, host=host))


def bearer(issuer: Issuer, **claims: Any) -> str:
    return "Authorization: " + issuer.authorization(**{"scope": WEATHER, "sub": "alice", **claims})


@contextlib.asynccontextmanager
async def client(port: int, headers: Mapping[str, str], mode: Any = "auto") -> AsyncIterator[Client]:
    """The official client, holding a token."""
    async with httpx2.AsyncClient(headers=dict(headers), timeout=20) as http:
        url = f"http://127.0.0.1:{port}/mcp"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as connected:
            yield connected
