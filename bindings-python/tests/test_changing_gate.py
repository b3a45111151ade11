"""A function in the place of the resource server: the configuration changes, and nothing is dropped."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from conftest import RESOURCE
from fastapi import FastAPI
from hosts import EMAIL, HOSTS, JSON, MODERN, WEATHER, bearer, initialize, message, post, tool
from mcp.server.mcpserver import MCPServer
from wire import Answer, exchange, http_request, serving, serving_wsgi

import scopegate.asgi
import scopegate.fastapi
import scopegate.wsgi
from scopegate import Call, Policy, ResourceServer
from scopegate.fastmcp import Scopegate
from scopegate.mcp import TokenVerifier, protect
from scopegate.testing import Issuer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WELL_KNOWN = "/.well-known/oauth-protected-resource"


class Changing:
    """A function that gives the current resource server, and counts how often it was asked."""

    def __init__(self, current: ResourceServer) -> None:
        self.current = current
        self.asked = 0

    def __call__(self) -> ResourceServer:
        self.asked += 1
        return self.current


def configured(issuer: Issuer, supported: Sequence[str] = (), **tools: Any) -> ResourceServer:
    policy: Policy = {"default": [], "tools": tools}
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        scopes_supported=supported or ["one"],
        policy=policy,
        cors_origins=[f"https://{scope}.test" for scope in supported],
    )


@pytest.fixture
def changing(issuer: Issuer) -> Changing:
    return Changing(configured(issuer, weather=[WEATHER]))


@pytest.mark.parametrize("host", HOSTS)
def test_sessions_go_on_and_every_answer_is_the_current_ones(host: str, issuer: Issuer, changing: Changing) -> None:
    with serving(HOSTS[host](changing)) as port:
        opened = post(port, bearer(issuer), body=initialize())
        session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"

        def listed() -> set[str]:
            answer = post(port, bearer(issuer), session, body=message("tools/list"))
            told = json.loads(answer.body.partition(b"data: ")[2].partition(b"\r\n")[0])
            return {tool["name"] for tool in told["result"]["tools"]}

        assert post(port, bearer(issuer), session, body=tool("weather", city="x")).status == 200
        assert "weather" in listed()
        changing.current = configured(issuer, ["two"], weather=["new"])
        refused = post(port, bearer(issuer), session, body=tool("weather", city="x"))
        assert (refused.status, "new" in (refused.header("www-authenticate") or "")) == (403, True)
        assert "weather" not in listed()
        granted = bearer(issuer, scope=f"{WEATHER} new")
        origin = "Origin: https://two.test"
        assert post(port, granted, session, origin, body=tool("weather", city="x")).status == 200
        document = exchange(port, http_request("GET", f"{WELL_KNOWN}/mcp"))
        assert json.loads(document.body)["scopes_supported"] == ["two"]


@pytest.mark.parametrize("host", HOSTS)
def test_another_resource_is_found_where_its_clients_look(host: str, issuer: Issuer, changing: Changing) -> None:
    with serving(HOSTS[host](changing)) as port:
        changing.current = ResourceServer(
            resource="https://new.test/mcp2", authorization_servers=[issuer.server()], additional_audiences=[RESOURCE]
        )
        document = exchange(port, http_request("GET", f"{WELL_KNOWN}/mcp2"))
        assert (document.status, json.loads(document.body)["resource"]) == (200, "https://new.test/mcp2")
        assert exchange(port, http_request("GET", f"{WELL_KNOWN}/mcp")).status == 404
        assert post(port, bearer(issuer), body=initialize(), host="new.test").status == 200
        refused = post(port, body=initialize(), host="new.test")
        assert f"{WELL_KNOWN}/mcp2" in (refused.header("www-authenticate") or "")


@pytest.mark.parametrize("host", HOSTS)
def test_one_request_is_judged_by_one_gate_from_begin_to_end(host: str, issuer: Issuer, changing: Changing) -> None:
    """The gate changes while a request waits for what its call needs, before its list is filtered."""
    waiting, go_on = threading.Event(), threading.Event()

    async def slowly(call: Call) -> list[str]:
        if call.name == "weather" or call.method == "tools/list":
            waiting.set()
            await asyncio.to_thread(go_on.wait, 20)
        return ["short"] if call.name == "weather" else []

    def meanwhile(port: int, body: bytes, *lines: str) -> Answer:
        answers: list[Answer] = []
        before = changing.current
        client = threading.Thread(target=lambda: answers.append(post(port, bearer(issuer), *lines, body=body)))
        client.start()
        assert waiting.wait(20)
        changing.current = configured(issuer, weather=["other"])
        assert post(port, bearer(issuer), body=tool("echo", value=1)).status < 500
        go_on.set()
        client.join()
        changing.current = before
        waiting.clear()
        go_on.clear()
        return answers[0]

    with serving(HOSTS[host](changing, slowly)) as port:
        refused = meanwhile(port, tool("weather", city="x"))
        assert (refused.status, f'scope="{WEATHER} short"' in (refused.header("www-authenticate") or "")) == (403, True)
        meta = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
        lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/list")
        listed = meanwhile(port, message("tools/list", _meta=meta), *lines)
        assert (listed.status, b'"weather"' in listed.body) == (200, True)


@pytest.mark.parametrize("host", HOSTS)
def test_the_function_is_asked_once_for_each_request(host: str, issuer: Issuer, changing: Changing) -> None:
    with serving(HOSTS[host](changing)) as port:
        initialized = http_request("POST", "/mcp", *JSON, bearer(issuer), body=initialize())
        stranger = http_request("POST", "/mcp", *JSON, body=initialize())
        open_to_all = [http_request("GET", path) for path in (f"{WELL_KNOWN}/mcp", "/healthz", "/metrics")]
        for request in (initialized, stranger, *open_to_all):
            changing.asked = 0
            assert exchange(port, request).status < 500
            assert changing.asked == 1


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_passes_while_the_function_fails(host: str, issuer: Issuer, changing: Changing) -> None:
    with serving(HOSTS[host](changing)) as port:
        good, changing.current = changing.current, None  # type: ignore[assignment]
        assert post(port, bearer(issuer), body=initialize()).status == 500
        changing.current = good
        assert post(port, bearer(issuer), body=initialize()).status == 200


def test_wsgi_and_fastapi_follow_it_too(issuer: Issuer, changing: Changing) -> None:
    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0")])
        return []

    app = FastAPI()
    scopegate.fastapi.install(app, changing, health="/healthz")

    @app.post("/mcp")
    def mcp() -> None: ...

    guarded = scopegate.wsgi.ScopegateMiddleware(wsgi, changing, health="/healthz")
    first, second = changing.current, configured(issuer, ["two"], weather=[EMAIL])
    for served in (serving(app), serving_wsgi(guarded)):
        with served as port:
            for gate, status in ((first, 200), (second, 403), (first, 200)):
                changing.current = gate
                changing.asked = 0
                lines = (*JSON, bearer(issuer))
                request = http_request("POST", "/mcp", *lines, body=tool("weather"))
                assert exchange(port, request).status == status
                assert changing.asked == 1


async def test_verifier_refuses_a_policy_that_comes_later(issuer: Issuer, gate: ResourceServer) -> None:
    changing = Changing(gate)
    verifier = TokenVerifier(changing)
    verified = await verifier.verify_token(issuer.mint(sub="alice"))
    assert verified is not None and verified.subject == "alice"
    changing.current = configured(issuer)
    with pytest.raises(ValueError, match="policy"):
        await verifier.verify_token(issuer.mint(sub="alice"))


def test_what_is_no_gate_is_refused_when_the_server_is_made(gate: ResourceServer) -> None:
    wrong: Any = {"resource": RESOURCE}
    server = MCPServer("Weather")

    async def application(scope: object, receive: object, send: object) -> None: ...

    for make in (
        lambda: protect(server, wrong),
        lambda: protect(gate, server),  # type: ignore[arg-type]
        lambda: Scopegate(wrong),
        lambda: scopegate.asgi.ScopegateMiddleware(application, wrong),
        lambda: scopegate.wsgi.ScopegateMiddleware(lambda environ, start: [], wrong),
    ):
        with pytest.raises(TypeError, match="gate: expected a ResourceServer, or a function that gives one, not "):
            make()
