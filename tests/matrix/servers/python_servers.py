"""An MCP server behind the Python adapter that the first argument names.

Its configuration is in ``GATE``. It prints two ports as JSON: the server's, and that of the same server with a fault of
its program: scopes that are none. It ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from scopegate import ResourceServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from mcp.server.mcpserver import MCPServer

    from scopegate.asgi import ASGIApp


def sdk_server() -> MCPServer[Any]:
    from mcp.server.mcpserver import MCPServer

    mcp: MCPServer[Any] = MCPServer("matrix", log_level="CRITICAL")
    for name in ("weather", "send_email", "drop_table", "greet"):
        mcp.add_tool(tool(name), name=name)
    return mcp


def tool(name: str) -> Callable[[str], str]:
    def run(city: str = "") -> str:
        return name

    return run


def mcp_protect(gate: ResourceServer, scopes: Sequence[str]) -> ASGIApp:
    from scopegate.mcp import protect

    return protect(sdk_server(), gate, scopes=scopes)


def fastmcp(gate: ResourceServer, scopes: Sequence[str]) -> ASGIApp:
    from fastmcp import FastMCP

    from scopegate.fastmcp import Scopegate

    mcp = FastMCP("matrix", auth=Scopegate(gate, scopes=scopes))
    for name in ("weather", "send_email", "drop_table", "greet"):
        mcp.tool(tool(name), name=name)
    return mcp.http_app(path=gate.path)


def asgi(gate: ResourceServer, scopes: Sequence[str]) -> ASGIApp:
    from scopegate.asgi import ScopegateMiddleware

    return ScopegateMiddleware(sdk_server().streamable_http_app(), gate, scopes=scopes)


def fastapi(gate: ResourceServer, scopes: Sequence[str]) -> ASGIApp:
    from fastapi import FastAPI

    import scopegate.fastapi

    mcp = sdk_server()
    mounted = mcp.streamable_http_app()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with mcp.session_manager.run():
            yield

    app = FastAPI(lifespan=lifespan)
    scopegate.fastapi.install(app, gate, scopes=scopes)
    app.mount("/", mounted)
    return app


def flask(gate: ResourceServer, scopes: Sequence[str]) -> WSGIApplication:
    from flask import Flask, Response, request
    from responder import respond

    from scopegate.wsgi import ScopegateMiddleware

    app = Flask(__name__)

    @app.post("/mcp")
    def mcp() -> Response:
        answer = respond(request.get_data())
        return Response(answer, mimetype="application/json") if answer is not None else Response(status=202)

    return ScopegateMiddleware(app.wsgi_app, gate, scopes=scopes)


def django(gate: ResourceServer, scopes: Sequence[str]) -> WSGIApplication:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path
    from django.views.decorators.http import require_POST
    from responder import respond

    from scopegate.wsgi import ScopegateMiddleware

    @require_POST
    def mcp(request: HttpRequest) -> HttpResponse:
        answer = respond(request.body)
        return HttpResponse(answer, content_type="application/json") if answer is not None else HttpResponse(status=202)

    global urlpatterns
    urlpatterns = [path("mcp", mcp)]
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__)
    return ScopegateMiddleware(get_wsgi_application(), gate, scopes=scopes)


urlpatterns: list[Any] = []
ASGI: dict[str, Callable[[ResourceServer, Sequence[str]], ASGIApp]] = {
    "protect": mcp_protect,
    "fastmcp": fastmcp,
    "asgi": asgi,
    "fastapi": fastapi,
}
WSGI: dict[str, Callable[[ResourceServer, Sequence[str]], WSGIApplication]] = {"flask": flask, "django": django}


def serve(name: str, gate: ResourceServer, scopes: Sequence[str]) -> int:
    """Serves in a thread, on the port that it gives."""
    if name in WSGI:
        from werkzeug.serving import make_server

        server = make_server("127.0.0.1", 0, WSGI[name](gate, scopes), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.port
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(ASGI[name](gate, scopes), log_level="critical", lifespan="on")
    threading.Thread(target=uvicorn.Server(config).run, kwargs={"sockets": [listener]}, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


if __name__ == "__main__":
    logging.disable()
    gate = ResourceServer.from_json(os.environ["GATE"])
    print(json.dumps([serve(sys.argv[1], gate, scopes) for scopes in ([], ["not a scope"])]), flush=True)
    sys.stdin.read()
    os._exit(0)
