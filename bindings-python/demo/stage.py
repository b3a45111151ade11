"""The two servers of the demo, on free ports of 127.0.0.1."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from authorization_server import AuthorizationServer, running
from child import Child

WEATHER = "mcp:tools:weather"
EMAIL = "mcp:tools:email:send"
START_SECONDS = 20


class Stage:
    """An MCP server, and the authorization server that it trusts."""

    def __init__(self, authorization_server: AuthorizationServer, listener: socket.socket) -> None:
        self.authorization_server = authorization_server
        self.origin = _origin(listener)
        self._listener = listener
        self._mcp_server = self._start_mcp_server()

    @property
    def resource(self) -> str:
        """The URL of the MCP server."""
        return f"{self.origin}/mcp"

    @property
    def metadata_url(self) -> str:
        """Where its protected resource metadata is."""
        return f"{self.origin}/.well-known/oauth-protected-resource/mcp"

    @property
    def issuer(self) -> str:
        """The issuer of its tokens."""
        return self.authorization_server.issuers["weather"]

    def restart_mcp_server(self) -> None:
        """Stops it, and starts one that holds no keys."""
        self._mcp_server.stop()
        self._mcp_server = self._start_mcp_server()

    def next_refusal(self) -> str:
        """The next refusal in the log of the MCP server, with the reason that no client is told."""
        return self._mcp_server.line("refused with ")

    def log_end(self) -> list[str]:
        """The last lines of the log of the MCP server."""
        return self._mcp_server.output_end()

    def stop(self) -> None:
        """Stops the MCP server."""
        self._mcp_server.stop()

    def _start_mcp_server(self) -> Child:
        issuers = self.authorization_server.issuers
        listener = self._listener.fileno()
        environment = {
            "RESOURCE": self.resource,
            "ISSUER": issuers["weather"],
            "OTHER_ISSUER": issuers["calendar"],
            "LISTENER": str(listener),
        }
        command = [sys.executable, str(Path(__file__).with_name("server.py"))]
        child = Child("MCP server", command, environment={**os.environ, **environment}, pass_fds=[listener])
        try:
            _wait_for(f"{self.origin}/healthz", child)
        except BaseException:
            child.stop()
            raise
        return child


@contextmanager
def staged(authserver: Path) -> Iterator[Stage]:
    """Both servers, running; ``authserver`` is the program of the authorization server.

    Raises ``ChildError`` when one does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        resources = [
            {"id": "weather", "name": "Weather", "resource": f"{_origin(listener)}/mcp", "scopes": [WEATHER, EMAIL]},
            {"id": "calendar", "name": "Calendar", "resource": "https://calendar.example/mcp", "scopes": []},
        ]
        grants = {
            "assistant": [
                {"resource": "weather", "scopes": [WEATHER, EMAIL]},
                {"resource": "calendar", "scopes": []},
            ],
            "reader": [{"resource": "weather", "scopes": [WEATHER]}],
        }
        with running(authserver, resources, grants) as authorization_server:
            stage = Stage(authorization_server, listener)
            try:
                yield stage
            finally:
                stage.stop()


def _origin(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _wait_for(url: str, child: Child) -> None:
    """Returns when the program answers. Raises ``ChildError`` when it has ended, or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client(trust_env=False, timeout=0.5) as http:
        while time.monotonic() < deadline:
            child.check()
            try:
                http.get(url)
                return
            except httpx2.TransportError:
                continue
    raise child.error(f"did not answer within {START_SECONDS} seconds")
