"""The shared exchanges: raw requests against the official SDK's server and FastMCP's, and which tools ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult
from mcp.server.mcpserver import MCPServer
from mcp_types import PromptReference, ResourceTemplateReference
from player import Make, play, suites
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Router

from scopegate import ResourceServer
from scopegate.asgi import ASGIApp, Receive, Scope, Send
from scopegate.fastmcp import Scopegate
from scopegate.mcp import protect

TOOLS = ("weather", "send_email", "erase", "drop_table", "free")
PROMPTS = ("greet", "brief", "secret")
RESOURCES = {"open": "file:///reports/open.txt", "plans": "file:///secret/plans.txt"}
NEVER = {"erase", "drop_table", "secret", "complete:secret", "plans", "complete:note"}
"""What the policy of every suite denies."""


def noting(ran: list[str], name: str) -> Callable[[], str]:
    def run() -> str:
        ran.append(name)
        return "done"

    return run


def prompting(ran: list[str], name: str) -> Callable[[str], str]:
    return lambda x: noting(ran, name)()


def server(ran: list[str]) -> MCPServer[Any]:
    """Whatever runs writes down its name: tools, prompts, resources and completions."""
    mcp: MCPServer[Any] = MCPServer("Stage")

    for name in TOOLS:
        mcp.add_tool(noting(ran, name), name=name)
    for name in PROMPTS:
        mcp.prompt(name=name)(prompting(ran, name))
    for name, uri in RESOURCES.items():
        mcp.resource(uri, name=name)(noting(ran, name))

    @mcp.resource("note:///{name}")
    def note(name: str) -> str:
        ran.append("note")
        return name

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK's own
    async def complete(ref: PromptReference | ResourceTemplateReference, *_: object) -> None:
        ran.append(f"complete:{ref.name if isinstance(ref, PromptReference) else 'note'}")

    @mcp.custom_route("/open", methods=["GET", "POST"])  # type: ignore[untyped-decorator]  # the SDK's own
    async def open_to_all(request: Request) -> Response:
        return PlainTextResponse("open")

    return mcp


def plain(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    return protect(server(ran), gate, stateless_http=True)


def paths(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    return protect(server(ran), gate, public=["/open"], stateless_http=True)


def sessions(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    return protect(server(ran), gate, json_response=True)


def mounted(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    """In a parent application, which has the lifespan."""
    app = protect(server(ran), gate, path="/mcp", public=["/open"], stateless_http=True)
    router = Router([Mount("/api", app)])

    async def parent(scope: Scope, receive: Receive, send: Send) -> None:
        await (app if scope["type"] == "lifespan" else router)(scope, receive, send)

    return parent


def proxied(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    """Behind a proxy that takes the prefix off, and a server that says so."""
    app = protect(server(ran), gate, path="/mcp", public=["/open"], stateless_http=True)

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not scope["path"].startswith("/api/") or not scope["raw_path"].startswith(b"/api/"):
                await Response(status_code=404)(scope, receive, send)
                return
            rest = {"path": scope["path"][4:], "raw_path": scope["raw_path"][4:], "root_path": "/api"}
            scope = {**scope, **rest}
        await app(scope, receive, send)

    return proxy


def fastmcp(*, stateless: bool) -> Make:
    """The same server as FastMCP's, whose routes beside the endpoint are open."""

    def make(gate: ResourceServer, ran: list[str]) -> ASGIApp:
        mcp = FastMCP("Stage", auth=Scopegate(gate))

        class Noting(Tool):
            async def run(self, arguments: dict[str, Any]) -> ToolResult:
                ran.append(self.name)
                return ToolResult("done")

        for name in TOOLS:
            mcp.add_tool(Noting(name=name, parameters={"type": "object"}))
        for name in PROMPTS:
            mcp.prompt(prompting(ran, name), name=name)
        for name, uri in RESOURCES.items():
            mcp.resource(uri, name=name)(noting(ran, name))

        @mcp.resource("note:///{name}")
        def note(name: str) -> str:
            return noting(ran, "note")()

        @mcp.custom_route("/open", methods=["GET", "POST"])
        async def open_to_all(request: Request) -> Response:
            return PlainTextResponse("open")

        return mcp.http_app(path="/mcp", stateless_http=stateless)

    return make


STAGES: dict[str, dict[str, Make]] = {
    "plain": {"python": plain, "python-fastmcp": fastmcp(stateless=True)},
    "paths": {"python": paths, "python-fastmcp": fastmcp(stateless=True)},
    "sessions": {"python": sessions, "python-fastmcp": fastmcp(stateless=False)},
    "mounted": {"python": mounted, "python-proxied": proxied},
}
PLAYS = [
    pytest.param(suite, host, make, id=f"{suite['suite']}-{host}")
    for suite in suites()
    for host, make in STAGES[suite["stage"]].items()
]


@pytest.mark.parametrize(("suite", "host", "make"), PLAYS)
def test_exchanges_go_as_told(suite: dict[str, Any], host: str, make: Make) -> None:
    rows = play(suite, host, make)
    assert len(rows) == suite["number_of_cases"]
    for row in rows:
        assert NEVER.isdisjoint(row.ran), row.id
    differences = [row.difference for row in rows if row.difference is not None]
    assert not differences, "\n".join(differences)
