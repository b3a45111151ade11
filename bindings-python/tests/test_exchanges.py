"""The shared exchanges: raw requests against the official SDK's server and FastMCP's, and which tools ran.

Behind FastAPI and WSGI stands the official SDK's server too, and the same is told of them: ``python``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from fastapi import FastAPI
from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import PromptReference, ResourceTemplateReference
from player import Make, play, suites
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Router
from starlette.testclient import TestClient
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from wire import serving_wsgi

from scopegate import ResourceServer, wsgi
from scopegate.asgi import ASGIApp, Message, Receive, Scope, Send
from scopegate.fastapi import install
from scopegate.fastmcp import Scopegate
from scopegate.mcp import protect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

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


def operators(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    return protect(server(ran), gate, health="/healthz", metrics="/metrics", stateless_http=True)


def sessions(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    return protect(server(ran), gate, json_response=True)


def below_api(gate: ResourceServer, ran: list[str]) -> ASGIApp:
    """Where the path of the resource is not the one that the server sees."""
    return protect(server(ran), gate, path="/mcp", public=["/open"], stateless_http=True)


def mounted(make: Make) -> Make:
    """In a parent application, which has the lifespan."""

    def made(gate: ResourceServer, ran: list[str]) -> ASGIApp:
        app = make(gate, ran)
        router = Router([Mount("/api", app)])

        async def parent(scope: Scope, receive: Receive, send: Send) -> None:
            await (app if scope["type"] == "lifespan" else router)(scope, receive, send)

        return parent

    return made


def proxied(make: Make) -> Make:
    """Behind a proxy that takes the prefix off, and a server that says so."""

    def made(gate: ResourceServer, ran: list[str]) -> ASGIApp:
        app = make(gate, ran)

        async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                if not scope["path"].startswith("/api/") or not scope["raw_path"].startswith(b"/api/"):
                    await Response(status_code=404)(scope, receive, send)
                    return
                rest = {"path": scope["path"][4:], "raw_path": scope["raw_path"][4:], "root_path": "/api"}
                scope = {**scope, **rest}
            await app(scope, receive, send)

        return proxy

    return made


def fastmcp(*, stateless: bool, **options: Any) -> Make:
    """The same server as FastMCP's, whose routes beside the endpoint are open."""

    def make(gate: ResourceServer, ran: list[str]) -> ASGIApp:
        mcp = FastMCP("Stage", auth=Scopegate(gate, **options))

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


def sdk_application(ran: list[str], *, stateless: bool = True) -> Starlette:
    """The official SDK's server without a gate."""
    return server(ran).streamable_http_app(
        streamable_http_path="/mcp",
        stateless_http=stateless,
        json_response=not stateless,
        transport_security=TransportSecuritySettings(allowed_hosts=["mcp.test"]),
    )


def fastapi(*, stateless: bool, **options: Any) -> Make:
    """FastAPI that mounts the server."""

    def make(gate: ResourceServer, ran: list[str]) -> ASGIApp:
        inner = sdk_application(ran, stateless=stateless)

        @contextlib.asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with inner.router.lifespan_context(inner):
                yield

        app = FastAPI(lifespan=lifespan, openapi_url=None)
        install(app, gate, public=["/open"], **options)
        app.mount("/", inner)
        return cast(ASGIApp, app)

    return make


class Bridge:
    """The server as a WSGI application, which hands it each request that the gate let pass.

    It answers when all is there: it has none of the streams that other methods than POST open, which never end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.client = TestClient(app)  # for its lifespan and its event loop

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1")
        if method not in ("POST", "DELETE") and path == b"/mcp":
            start_response("405 Method Not Allowed", [("Content-Length", "0")])
            return []
        fields = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            fields["Content-Type"] = environ["CONTENT_TYPE"]
        scope = {
            "type": "http",
            "method": method,
            "path": path.decode("utf-8", "replace"),
            "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()],
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        assert self.client.portal is not None
        head, content = self.client.portal.call(self._ask, scope, body)
        length = ("Content-Length", str(len(content)))
        sessions = [(name.decode(), value.decode()) for name, value in head["headers"] if name == b"mcp-session-id"]
        start_response(f"{head['status']} Bridged", [length, *sessions])
        return [content]

    async def _ask(self, scope: Scope, body: bytes) -> tuple[Message, bytes]:
        sent: list[Message] = []
        left: list[Message] = [{"type": "http.request", "body": body}]

        async def receive() -> Message:
            return left.pop() if left else await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


def bridged(*, stateless: bool = True, **options: Any) -> Callable[[ResourceServer, list[str]], Any]:
    def make(gate: ResourceServer, ran: list[str]) -> wsgi.ScopegateMiddleware:
        return wsgi.ScopegateMiddleware(Bridge(sdk_application(ran, stateless=stateless)), gate, **options)

    return make


def serving_bridged(prefix: str) -> Callable[[wsgi.ScopegateMiddleware], Any]:
    """Serves it below this prefix."""

    @contextlib.contextmanager
    def serve(guarded: wsgi.ScopegateMiddleware) -> Iterator[int]:
        assert isinstance(guarded.app, Bridge)
        app = DispatcherMiddleware(NotFound(), {prefix: guarded}) if prefix else guarded
        with guarded.app.client, serving_wsgi(app) as port:
            yield port

    return serve


WATCHED: dict[str, Any] = {"health": "/healthz", "metrics": "/metrics"}
STAGES: dict[str, dict[str, Make]] = {
    "plain": {"python": plain, "python-fastmcp": fastmcp(stateless=True), "python-fastapi": fastapi(stateless=True)},
    "paths": {"python": paths, "python-fastmcp": fastmcp(stateless=True), "python-fastapi": fastapi(stateless=True)},
    "sessions": {
        "python": sessions,
        "python-fastmcp": fastmcp(stateless=False),
        "python-fastapi": fastapi(stateless=False),
    },
    "mounted": {
        "python": mounted(below_api),
        "python-proxied": proxied(below_api),
        "python-fastapi": mounted(fastapi(stateless=True)),
        "python-fastapi-proxied": proxied(fastapi(stateless=True)),
    },
    "operators": {
        "python": operators,
        "python-fastmcp": fastmcp(stateless=True, **WATCHED),
        "python-fastapi": fastapi(stateless=True, **WATCHED),
    },
}
TOLD_AS = {"python-fastapi": "python", "python-fastapi-proxied": "python-proxied"}
PLAYS = [
    pytest.param(suite, TOLD_AS.get(host, host), make, id=f"{suite['suite']}-{host}")
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


WSGI_STAGES = {
    "plain": bridged(),
    "paths": bridged(public=["/open"]),
    "sessions": bridged(stateless=False),
    "mounted": bridged(public=["/open"]),
    "operators": bridged(**WATCHED),
}
WSGI_PLAYS = [suite for suite in suites() if suite["suite"] != "framing"]
"""`framing` is the HTTP server's: test_wsgi.py plays it under those that people use."""
Outcome = tuple[list[int], list[str]]
"""The statuses of the answers, and what ran."""
JUDGED_AND_PASSED: Outcome = ([401, 403, 200], ["weather"])
"""Of a call without a token, of a denied tool and of an allowed one."""
ELSEWISE: dict[str, Outcome] = {
    # WSGI does not tell an empty Content-Type from none: the server behind refuses it.
    "type-empty-weather@2026-07-28": ([400], []),
    "type-empty-weather@2025-06-18": ([400], []),
    # It keeps blanks around a value: the gate ignores them, the server behind does not.
    "blanks-around@2026-07-28": ([400], []),
    # The HTTP server of these tests takes slashes in front together, so that gate and application get another path,
    "health-double-slash": ([200], []),
    "metrics-double-slash": ([200], []),
    "path-double-slash": JUDGED_AND_PASSED,
    "mounted-double-slash": JUDGED_AND_PASSED,
    # and takes the path out of an absolute URL, and a fragment from its end.
    "path-absolute": JUDGED_AND_PASSED,
    "mounted-absolute": JUDGED_AND_PASSED,
    "path-fragment": JUDGED_AND_PASSED,
    "path-public-fragment": JUDGED_AND_PASSED,
    # The parent application hands its prefix alone on, and does not redirect it.
    "mounted-prefix-alone": ([401, 403, 404], []),
}
"""What goes otherwise there."""


@pytest.mark.parametrize("suite", [pytest.param(suite, id=suite["suite"]) for suite in WSGI_PLAYS])
def test_wsgi_goes_as_told(suite: dict[str, Any]) -> None:
    for case in suite["cases"]:
        if case["id"].startswith("websocket-"):  # what `python` does is uvicorn's: here nothing takes a WebSocket
            case.pop("hosts", None)
    serve = serving_bridged("/api" if suite["stage"] == "mounted" else "")
    rows = play(suite, "python", WSGI_STAGES[suite["stage"]], serve)
    assert len(rows) == suite["number_of_cases"]
    for row in rows:
        assert NEVER.isdisjoint(row.ran), row.id
        if row.id in ELSEWISE:
            assert ([answer["status"] for answer in row.found], row.ran) == ELSEWISE[row.id], row.id
    differences = [row.difference for row in rows if row.difference is not None and row.id not in ELSEWISE]
    assert not differences, "\n".join(differences)


def test_counts_are_pinned() -> None:
    """How many cases there are, and how many of them FastAPI and WSGI play, the ones that go otherwise among them."""
    number = {suite["suite"]: suite["number_of_cases"] for suite in suites()}
    fastapi_plays = [suite for suite in suites() if "python-fastapi" in STAGES[suite["stage"]]]
    assert sum(number.values()) == sum(suite["number_of_cases"] for suite in fastapi_plays) == 1315
    assert sum(suite["number_of_cases"] for suite in WSGI_PLAYS) == 1315 - number["framing"] == 1259
    ids = {case["id"] for suite in WSGI_PLAYS for case in suite["cases"]}
    assert len(ELSEWISE) == 12 and ELSEWISE.keys() <= ids
