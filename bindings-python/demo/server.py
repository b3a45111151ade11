"""The MCP server of the demo behind Scopegate, as a program.

It serves on the socket that it inherits, and ends with its standard input.
"""

import logging
import os
import socket
import sys
import threading

import uvicorn
from weather import EMAIL, NEEDS, WEATHER, weather_server

from scopegate import ResourceServer
from scopegate.mcp import protect

gate = ResourceServer(
    resource=os.environ["RESOURCE"],
    authorization_servers=[
        {"issuer": os.environ["ISSUER"], "token_format": "rfc9068"},
        # Trusted as well, so that its tokens, which are for another resource, are refused for their audience alone.
        {"issuer": os.environ["OTHER_ISSUER"], "token_format": "rfc9068", "advertise": False},
    ],
    scopes_supported=[WEATHER, EMAIL],
    initial_scopes=[WEATHER],
    policy={"default": [], "tools": {**NEEDS}},
)
# Before the SDK does it: where the package rich is installed, that wraps the lines.
logging.basicConfig(level=logging.INFO, format="%(message)s")


def serve(listener: socket.socket) -> None:
    """Serves until standard input ends."""
    server = uvicorn.Server(uvicorn.Config(protect(weather_server(gate), gate, health="/healthz")))

    def watch_stdin() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch_stdin, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(os.environ["LISTENER"])))
