"""The page: its files, what it may choose from, and the one route that has a client do something.

It is for the browser of this machine alone: other hosts' names and other origins are refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clients import CLIENTS, TOOLS, World
from judged import Judged
from official_client import cause
from reasons import PAGE, sections
from recording import Recording
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from scopegate.asgi import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js", "/icon.svg": "icon.svg"}
RUN_SECONDS = 30
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

logger = logging.getLogger("page")


def page(origin: str, world: World, servers: Mapping[str, Judged]) -> ASGIApp:
    """The application. ``origin`` is where it is served; ``servers`` are the protected ones, by their origin."""
    runs = _Runs(world, servers)

    async def choices(request: Request) -> Response:
        return JSONResponse(
            {
                "clients": [{"id": id, "title": each.title, "about": each.about} for id, each in CLIENTS.items()],
                "tools": [{"id": id, "title": each.title, "about": each.needs} for id, each in TOOLS.items()],
                "resource": world.resource,
                "issuer": world.authorization_server.issuers["weather"],
                "reasons": {name: asdict(section) for name, section in sections().items()},
            }
        )

    async def reasons(request: Request) -> Response:
        return PlainTextResponse(PAGE.read_text())

    async def run(request: Request) -> Response:
        chosen = await _chosen(request)
        if chosen is None:
            return PlainTextResponse("expected a client and a tool, as JSON", 400)
        return StreamingResponse(runs.lines(*chosen), media_type="application/x-ndjson")

    app = Starlette(
        routes=[
            *(Route(path, _file(name)) for path, name in FILES.items()),
            Route("/choices", choices),
            Route("/docs/reasons.md", reasons),
            Route("/run", run, methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return _SameOrigin(app, origin)


async def _chosen(request: Request) -> tuple[str, str] | None:
    if request.headers.get("content-type") != "application/json":
        return None
    try:
        choice = await request.json()
    except ValueError:
        return None
    match choice:
        case {"client": str(client), "tool": str(tool)} if client in CLIENTS and tool in TOOLS:
            return client, tool
    return None


def _file(name: str) -> Any:
    async def answer(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


class _Runs:
    """Runs of clients, one at a time."""

    def __init__(self, world: World, servers: Mapping[str, Judged]) -> None:
        self._world = world
        self._servers = servers
        self._turn = asyncio.Lock()

    async def lines(self, client: str, tool: str) -> AsyncIterator[str]:
        """Each exchange as a line of JSON when it has happened, then what came of it all."""
        told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        recording = Recording(self._servers, told.put_nowait)

        async def run() -> None:
            try:
                async with self._turn:
                    running = CLIENTS[client].run(self._world, TOOLS[tool], recording)
                    result = await asyncio.wait_for(running, RUN_SECONDS)
                told.put_nowait({"type": "result", "text": result})
            except Exception as error:
                logger.exception("a run failed")
                told.put_nowait({"type": "failure", "text": f"The demo itself failed: {type(cause(error)).__name__}"})
            finally:
                told.put_nowait(None)

        task = asyncio.create_task(run())
        try:
            while (event := await told.get()) is not None:
                yield json.dumps(event) + "\n"
        finally:
            task.cancel()


class _SameOrigin:
    """Refuses what a page of another origin could have a browser send: requests for another host, which a name that
    leads to loopback would make (DNS rebinding), and anything but reading that does not come from the page itself.
    """

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin.encode()
        self._host = origin.partition("://")[2].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *fields]
            await send(message)

        refusal = self._refusal(scope)
        await (refusal if refusal is not None else self._app)(scope, receive, sealed)

    def _refusal(self, scope: Scope) -> Response | None:
        if _values(scope, b"host") != [self._host]:
            return PlainTextResponse("this page is served to this machine alone", 421)
        if scope["method"] not in ("GET", "HEAD") and _values(scope, b"origin") != [self._origin]:
            return PlainTextResponse("expected a request of this page", 403)
        return None


def _values(scope: Scope, field: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == field]
