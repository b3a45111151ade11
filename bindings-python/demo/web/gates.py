"""The protected MCP servers of the page: the demo's behind a gate, with one tool more, which is denied to everyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judged import Judged
from mcp.server.mcpserver import MCPServer
from weather import EMAIL, NEEDS, WEATHER, weather_server

from scopegate import AuthorizationServer, ResourceServer
from scopegate.mcp import protect


def protected_server(resource: str, authorization_servers: Sequence[AuthorizationServer]) -> Judged:
    """An MCP server for this resource, which trusts these authorization servers."""
    gate = ResourceServer(
        resource=resource,
        authorization_servers=list(authorization_servers),
        scopes_supported=[WEATHER, EMAIL],
        initial_scopes=[WEATHER],
        policy={"default": [], "tools": {**NEEDS, "drop_*": "deny"}},
        events={"capacity": 8192},
    )
    return Judged(protect(_with_forbidden_tool(gate), gate))


def _with_forbidden_tool(gate: ResourceServer) -> MCPServer[Any]:
    mcp = weather_server(gate)

    @mcp.tool()
    def drop_tables() -> str:
        """Is never run: the policy denies it to everyone."""
        raise AssertionError("the policy denies it")

    return mcp
