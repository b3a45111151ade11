"""The programs of the matrix: a server behind each adapter, and a driver of each official client."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUILT = HERE.parent.parent / "target" / "matrix"
PYTHON, NODE = (
    (sys.executable, str(HERE / "servers/python_servers.py")),
    ("node", str(HERE / "servers/node_servers.mjs")),
)

ADAPTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "protect": ("Python: `scopegate.mcp.protect`", [*PYTHON, "protect"]),
    "fastmcp": ("Python: FastMCP", [*PYTHON, "fastmcp"]),
    "asgi": ("Python: ASGI around the SDK's application", [*PYTHON, "asgi"]),
    "fastapi": ("Python: FastAPI with the SDK's application in it", [*PYTHON, "fastapi"]),
    "flask": ("Python: WSGI around Flask", [*PYTHON, "flask"]),
    "django": ("Python: WSGI around Django", [*PYTHON, "django"]),
    "express": ("Node.js: Express, SDK 2.4", [*NODE, "express"]),
    "express-inside": ("Node.js: Express within `createMcpExpressApp`, SDK 2.4", [*NODE, "express-inside"]),
    "fastify": ("Node.js: Fastify, SDK 2.4", [*NODE, "fastify"]),
    "hono": ("Node.js: Hono, SDK 2.4", [*NODE, "hono"]),
    "fetch": ("Node.js: fetch, SDK 2.4", [*NODE, "fetch"]),
    "express-sdk1": ("Node.js: Express, SDK 1.32", [*NODE, "express-sdk1"]),
    "go-mcp": ("Go: `mcpgate.Protect`", [str(BUILT / "go_servers"), "mcp"]),
    "go-http": ("Go: `Protect` of `net/http`", [str(BUILT / "go_servers"), "net/http"]),
    "tower": ("Rust: tower, on axum", [str(BUILT / "axum")]),
    "rmcp": ("Rust: tower, around `rmcp` 3.11", [str(BUILT / "rmcp")]),
    "c": ("C", [str(BUILT / "server-c")]),
}
"""Name -> title and command of the server."""

WITHOUT_SESSIONS = {"flask", "django", "go-http", "c"}
"""Responders, which know no sessions."""

SORTING_HEADERS = {"go-mcp", "go-http", "hono", "fetch"}
"""``net/http`` and the Fetch API hold the lines of a response in the order of their names."""

TYPESCRIPT = ("node", str(HERE / "clients/typescript_client.mjs"))
CLIENTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "python": ("Python `mcp` 2.3", [sys.executable, str(HERE / "clients/python_client.py")]),
    "typescript": ("TypeScript 2.4", [*TYPESCRIPT, "2"]),
    "typescript1": ("TypeScript 1.32", [*TYPESCRIPT, "1"]),
    "go": ("Go SDK 1.8", [str(BUILT / "go_client")]),
}
"""Name -> title and command of the driver."""

ANSWERED_BEFORE = {
    "express-inside": {"not JSON", "origin not allowed", "preflight of another origin", "preflight of the metadata"}
}
"""What the application around the gate refuses by itself, before the gate sees it."""

START_SECONDS = 60
STEP_SECONDS = 20
"""How long a client waits for one answer."""


class Child:
    """A program that ends with its standard input, and so with this one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin is not None and process.stdout is not None, "both are pipes"
        self.stdin, self.stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, env={**os.environ, **(environment or {})}, limit=1 << 20
        )
        return cls(process)

    async def line(self, seconds: float) -> str:
        line = await asyncio.wait_for(self.stdout.readline(), seconds)
        if not line:
            raise RuntimeError(f"a program ended with {await self.process.wait()}; what it wrote is above")
        return line.decode()

    async def stop(self) -> None:
        self.stdin.close()
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()


async def serve(adapter: str, gate: Mapping[str, Any]) -> tuple[Child, list[int]]:
    """A server with this configuration, and its two ports: the second one's has a fault of its program."""
    child = await Child.start(ADAPTERS[adapter][1], {"GATE": json.dumps(gate)})
    ports: list[int] = json.loads(await child.line(START_SECONDS))
    return child, ports


class Driver:
    """An official client. It does what it is told by lines of JSON, any number of things at a time."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, client: str) -> Driver:
        return cls(await Child.start(CLIENTS[client][1]))

    async def run(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Connects, lists the tools, calls ``tool`` with ``arguments``, calls ``greet``, and closes. The report says of
        each step ``ok`` or what the SDK raised, and which scopes the authorization server was ``asked`` for.

        ``url``: the server. ``era``: ``auto``, or ``legacy`` to open a session. ``headers``: sent with every request.
        ``oauth``: ``client``, ``secret`` and ``issuer`` of a client that gets its tokens itself.
        """
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "seconds": STEP_SECONDS, **task})
        self._child.stdin.write(line.encode() + b"\n")
        await self._child.stdin.drain()
        return await asyncio.wait_for(future, 5 * STEP_SECONDS)

    async def stop(self) -> None:
        self._reader.cancel()
        await self._child.stop()

    async def _read(self) -> None:
        while True:
            try:
                answer = json.loads(await self._child.line(3600))
            except Exception as failure:
                for waiting in self._waiting.values():
                    if not waiting.done():
                        waiting.set_exception(failure)
                return
            self._waiting.pop(answer["id"]).set_result(answer["report"])
