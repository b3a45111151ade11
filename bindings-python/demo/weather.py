"""The MCP server of the demo, on the terminal and on the page: two tools, each with a scope."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from scopegate import ResourceServer
from scopegate.mcp import list_filter

WEATHER = "mcp:tools:weather"
EMAIL = "mcp:tools:email:send"
NEEDS = {"weather": [WEATHER], "send_*": [EMAIL]}
"""What the policy asks for each tool."""


def weather_server(gate: ResourceServer) -> MCPServer[Any]:
    """The official SDK's, whose lists show what the caller may use."""
    mcp: MCPServer[Any] = MCPServer("Weather", middleware=[list_filter(gate)])

    @mcp.tool()
    def weather(city: str) -> str:
        """Tells the weather."""
        return f"Sunny in {city}"

    @mcp.tool()
    def send_email(to: str) -> str:
        """Sends an email."""
        return f"Sent to {to}"

    return mcp
