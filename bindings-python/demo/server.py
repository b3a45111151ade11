"""The MCP server of the demo: the official SDK behind Scopegate, with a scope for each of its two tools.

It serves on the socket that it inherits, and ends with its standard input.
"""

import logging
import os
import socket
import sys
import threading

import uvicorn
from mcp.server.mcpserver import MCPServer

from scopegate import ResourceServer
from scopegate.mcp import list_filter, protect

gate = ResourceServer(
    resource=os.environ["RESOURCE"],
    authorization_servers=[
        {"issuer": os.environ["ISSUER"], "token_format": "rfc9068"},
        # Trusted as well, so that its tokens, which are for another resource, are refused for their audience alone.
        {"issuer": os.environ["OTHER_ISSUER"], "token_format": "rfc9068", "advertise": False},
    ],
    scopes_supported=["mcp:tools:weather", "mcp:tools:email:send"],
    initial_scopes=["mcp:tools:weather"],
    policy={
        "default": [],
        "tools": {"weather": ["mcp:tools:weather"], "send_*": ["mcp:tools:email:send"]},
    },
)
# Before the SDK does it: where the package rich is installed, that wraps the lines.
logging.basicConfig(level=logging.INFO, format="%(message)s")
mcp = MCPServer("Weather", middleware=[list_filter(gate)])


@mcp.tool()
def weather(city: str) -> str:
    """Tells the weather."""
    return f"Sunny in {city}"


@mcp.tool()
def send_email(to: str) -> str:
    """Sends an email."""
    return f"Sent to {to}"


def serve(listener: socket.socket) -> None:
    """Serves until standard input ends."""
    server = uvicorn.Server(uvicorn.Config(protect(mcp, gate, health="/healthz")))

    def watch_stdin() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch_stdin, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(os.environ["LISTENER"])))
