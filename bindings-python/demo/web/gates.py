"""The protected MCP servers of the page: the official SDK behind a gate, with a scope for each of two tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judged import Judged
from mcp.server.mcpserver import MCPServer

from scopegate import AuthorizationServer, ResourceServer
from scopegate.mcp import list_filter, protect

WEATHER = "mcp:tools:weather"
EMAIL = "mcp:tools:email:send"


def protected_server(resource: str, authorization_servers: Sequence[AuthorizationServer]) -> Judged:
    """An MCP server for this resource, which trusts these authorization servers."""
    gate = ResourceServer(
        resource=resource,
        authorization_servers=list(authorization_servers),
        scopes_supported=[WEATHER, EMAIL],
        initial_scopes=[WEATHER],
        policy={"default": [], "tools": {"weather": [WEATHER], "send_*": [EMAIL], "drop_*": "deny"}},
        events={"capacity": 8192},
    )
    return Judged(protect(_weather_server(gate), gate))


def _weather_server(gate: ResourceServer) -> MCPServer[Any]:
    mcp: MCPServer[Any] = MCPServer("Weather", middleware=[list_filter(gate)])

    @mcp.tool()
    def weather(city: str) -> str:
        """Tells the weather."""
        return f"Sunny in {city}"

    @mcp.tool()
    def send_email(to: str) -> str:
        """Sends an email."""
        return f"Sent to {to}"

    @mcp.tool()
    def drop_tables() -> str:
        """Is never run: the policy denies it to everyone."""
        raise AssertionError("the policy denies it")

    return mcp
