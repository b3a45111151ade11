"""The demo in a browser: an authorization server, two MCP servers behind Scopegate, and a page that has clients ask
them, all on loopback.

    PYTHONPATH=bindings-python/demo SCOPEGATE_AUTHSERVER=target/release/scopegate-authserver \\
        python bindings-python/demo/web/serve.py

It prints the URL of the page, and serves until it is interrupted. ``PORT`` is that of the page, a free one by default.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import uvicorn
from authorization_server import running
from child import ChildError
from clients import World
from gates import protected_server
from page_server import page
from weather import EMAIL, WEATHER

from scopegate.asgi import ASGIApp
from scopegate.testing import Issuer

GRANTS = {
    "assistant": [
        {"resource": "weather", "scopes": [WEATHER, EMAIL]},
        {"resource": "calendar", "scopes": []},
        {"resource": "outage", "scopes": [WEATHER, EMAIL]},
    ],
    "reader": [{"resource": "weather", "scopes": [WEATHER]}],
    "neighbour": [{"resource": "weather", "scopes": [WEATHER, EMAIL]}],
}


class PortError(Exception):
    """The port cannot be had."""


class Server(uvicorn.Server):
    """One of several in a process, which handles signals itself."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(applications: Mapping[socket.socket, ASGIApp], url: str) -> None:
    """Serves each application on its socket until the process is told to end, and prints ``url`` when all do."""
    servers = {Server(app): listener for listener, app in applications.items()}

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    serving = asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in servers.items()))
    for server in servers:
        await server.listening.wait()
    print(url, flush=True)
    await serving


def play(authserver: Path, port: int) -> None:
    """Starts everything, says where the page is, and serves it.

    Raises ``ChildError`` when the authorization server does not start, and ``PortError``.
    """
    with contextlib.ExitStack() as stack:
        page_listener, weather_listener, outage_listener = (
            stack.enter_context(_listening(each)) for each in (port, 0, 0)
        )
        resource, resource_in_outage = f"{_origin(weather_listener)}/mcp", f"{_origin(outage_listener)}/mcp"
        resources = [
            {"id": "weather", "name": "Weather", "resource": resource, "scopes": [WEATHER, EMAIL]},
            {"id": "calendar", "name": "Calendar", "resource": "https://calendar.example/mcp", "scopes": []},
            {"id": "outage", "name": "Outage", "resource": resource_in_outage, "scopes": [WEATHER, EMAIL]},
        ]
        authorization_server = stack.enter_context(running(authserver, resources, GRANTS))
        authorization_server.set_keys_available("outage", False)
        issuers = authorization_server.issuers
        second_issuer = Issuer(resource)
        weather = protected_server(
            resource,
            [
                {"issuer": issuers["weather"], "token_format": "rfc9068"},
                # Trusted as well, so that their tokens are refused for their audience and their age alone.
                {"issuer": issuers["calendar"], "token_format": "rfc9068", "advertise": False},
                {**second_issuer.server(), "advertise": False},
            ],
        )
        outage = protected_server(resource_in_outage, [{"issuer": issuers["outage"], "token_format": "rfc9068"}])
        world = World(authorization_server, resource, resource_in_outage, second_issuer, Issuer(resource))
        servers = {_origin(weather_listener): weather, _origin(outage_listener): outage}
        origin = _origin(page_listener)
        applications: dict[socket.socket, ASGIApp] = {
            page_listener: page(origin, world, servers),
            weather_listener: weather,
            outage_listener: outage,
        }
        asyncio.run(serve(applications, f"{origin}/"))


def main() -> int:
    authserver = os.environ.get("SCOPEGATE_AUTHSERVER")
    if authserver is None:
        print("SCOPEGATE_AUTHSERVER: expected the path of the program scopegate-authserver", file=sys.stderr)
        return 2
    port = os.environ.get("PORT", "0")
    if not port.isdecimal() or int(port) > 65535:
        print("PORT: expected a number from 0 to 65535", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # the refusals, as an operator sees them
    logging.getLogger("mcp.client").propagate = False  # it logs every refusal with a stack
    try:
        play(Path(authserver), int(port))
    except (ChildError, PortError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise PortError(f"PORT: expected one that is free, not {port}: {os.strerror(error.errno or 0)}") from None


def _origin(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
