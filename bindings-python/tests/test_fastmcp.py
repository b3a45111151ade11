"""FastMCP behind ``Scopegate``: what is its own beside what every host does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import RESOURCE
from example_server import running
from fastmcp import Client as FastMcpClient
from fastmcp import FastMCP
from fastmcp.server.auth import MultiAuth
from hosts import EMAIL, JSON, MODERN, POLICY, WEATHER, bearer, client, fastmcp_server, initialize, message, post
from starlette.applications import Starlette
from starlette.routing import Mount
from wire import exchange, free_socket, http_request, serving

from scopegate import ConfigError, ResourceServer
from scopegate.fastmcp import Scopegate, list_filter
from scopegate.testing import Issuer

WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp"


@pytest.fixture
def port(strict_gate: ResourceServer) -> Iterator[int]:
    with serving(fastmcp_server(Scopegate(strict_gate, health="/healthz")).http_app()) as port:
        yield port


def test_document_health_and_custom_routes_are_open_and_the_mcp_path_is_not(port: int) -> None:
    document = exchange(port, http_request("GET", WELL_KNOWN))
    assert (document.status, json.loads(document.body)["scopes_supported"]) == (200, [WEATHER, EMAIL])
    assert exchange(port, http_request("POST", WELL_KNOWN)).status == 405
    assert exchange(port, http_request("GET", "/healthz")).body == b'{"status":"ok"}'
    assert exchange(port, http_request("GET", "/extra")).body == b'{"extra":true}'
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        assert exchange(port, http_request(method, "/mcp")).status == 401, method
    assert exchange(port, http_request("GET", "/other")).status == 404


def test_document_of_a_resource_with_a_slash_at_its_end_is_at_both_forms(issuer: Issuer) -> None:
    auth = Scopegate(
        resource=RESOURCE + "/", authorization_servers=[issuer.server()], serve_root_metadata=True, policy=POLICY
    )
    paths = {route.path for route in auth.get_well_known_routes("/mcp/")}
    assert paths == {WELL_KNOWN, WELL_KNOWN + "/", WELL_KNOWN.removesuffix("/mcp")}


def test_preflight_is_answered_for_the_mcp_path_alone(port: int) -> None:
    lines = ("Origin: https://app.test", "Access-Control-Request-Method: POST")
    answer = exchange(port, http_request("OPTIONS", "/mcp", *lines))
    assert (answer.status, answer.header("access-control-allow-origin")) == (204, "https://app.test")
    assert exchange(port, http_request("OPTIONS", "/extra", *lines)).status == 405


@pytest.mark.parametrize("target", ["/mcp/", "//mcp", "/MCP", "/%6dcp", "/mcp%2f", "/mcp;x", "/./mcp", "/x/../mcp"])
def test_no_spelling_of_the_path_calls_a_tool_without_a_token(port: int, target: str) -> None:
    answer = exchange(port, http_request("POST", target, *JSON, body=initialize()))
    assert answer.status in (307, 401, 404), answer.body


def test_application_that_mounts_the_server_serves_its_document(issuer: Issuer, strict_gate: ResourceServer) -> None:
    auth = Scopegate(strict_gate)
    inner = fastmcp_server(auth).http_app(path="/mcp")
    routes = [*auth.get_well_known_routes("/mcp"), Mount("/inner", inner)]
    with serving(Starlette(routes=routes, lifespan=inner.lifespan)) as port:
        assert exchange(port, http_request("GET", WELL_KNOWN)).status == 200
        assert exchange(port, http_request("GET", WELL_KNOWN + "/other")).status == 404
        for lines, status in ((JSON, 401), ((*JSON, bearer(issuer)), 200)):
            assert exchange(port, http_request("POST", "/inner/mcp", *lines, body=initialize())).status == status


def test_message_route_of_the_older_transport_refuses_everything(issuer: Issuer, gate: ResourceServer) -> None:
    app = fastmcp_server(Scopegate(gate)).http_app(transport="sse")
    with serving(app) as port:
        for lines in (JSON, (*JSON, bearer(issuer))):
            answer = exchange(port, http_request("POST", "/messages/?session_id=x", *lines, body=initialize()))
            assert answer.status == 401


def test_list_is_marked_private_even_when_the_server_calls_it_public(issuer: Issuer, gate: ResourceServer) -> None:
    mcp = FastMCP("Weather", auth=Scopegate(gate), middleware=[list_filter(gate)], cache_ttl=60, cache_scope="public")
    with serving(mcp.http_app()) as port:
        meta = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
        lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/list")
        answer = post(port, bearer(issuer), *lines, body=message("tools/list", _meta=meta))
    document = json.loads(answer.body.partition(b"data: ")[2] or answer.body)
    assert document["result"]["cacheScope"] == "private"


async def test_lists_are_empty_without_the_gate_and_whole_without_http(issuer: Issuer, gate: ResourceServer) -> None:
    unguarded = FastMCP("Weather", middleware=[list_filter(gate)])

    @unguarded.tool
    def weather(city: str) -> str:
        return city

    async with FastMcpClient(unguarded) as connected:
        assert [tool.name for tool in await connected.list_tools()] == ["weather"]
    with serving(unguarded.http_app()) as port:
        async with client(port, issuer.headers(scope=WEATHER)) as connected_over_http:
            assert (await connected_over_http.list_tools()).tools == []


async def test_lists_of_mounted_servers_are_filtered_by_the_server_in_front(issuer: Issuer) -> None:
    listener = free_socket()
    resource = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    issuer = Issuer(resource)
    auth = Scopegate(
        resource=resource,
        authorization_servers=[issuer.server()],
        policy={"default": [], "tools": {"inner_secret": ["secret"]}},
    )
    inner, outer = FastMCP("Inner"), FastMCP("Outer", auth=auth, middleware=[list_filter(auth.gate)])

    @inner.tool
    def secret() -> str:
        return "secret"

    outer.mount(inner, namespace="inner")
    with serving(outer.http_app(), listener) as port:
        for scope, shown in (("x", []), ("secret", ["inner_secret"])):
            async with client(port, issuer.headers(scope=scope)) as connected:
                assert [tool.name for tool in (await connected.list_tools()).tools] == shown


async def test_behind_a_gate_of_fastmcp_it_verifies_tokens(issuer: Issuer, gate: ResourceServer) -> None:
    multi = MultiAuth(server=Scopegate(gate))
    verified = await multi.verify_token(issuer.mint(scope="a", sub="alice", client_id="app"))
    assert verified is not None and (verified.token, verified.subject, verified.scopes) == ("", "alice", ["a"])
    assert await multi.verify_token("x") is None


async def test_a_policy_that_fastmcps_gate_would_not_enforce_is_refused(strict_gate: ResourceServer) -> None:
    with pytest.raises(ValueError, match="policy"):
        await Scopegate(strict_gate).verify_token("x")


def test_mistakes_are_told_at_once(issuer: Issuer, gate: ResourceServer) -> None:
    with pytest.raises(TypeError, match="not both"):
        Scopegate(gate, resource=RESOURCE, authorization_servers=[issuer.server()])  # type: ignore[call-overload]
    with pytest.raises(ConfigError):
        Scopegate(resource=RESOURCE, authorization_servers=[])
    with pytest.raises(ValueError, match="healthz"):
        Scopegate(gate, health="healthz")
    with pytest.raises(TypeError, match="list of strings"):
        Scopegate(gate, scopes="read")
    assert Scopegate(resource=RESOURCE, authorization_servers=[issuer.server()], policy=POLICY).gate.path == "/mcp"


async def test_example_server_runs_as_it_stands(issuer: Issuer) -> None:
    with running("server_fastmcp.py", issuer, "/mcp") as example:
        async with client(example.port, issuer.headers(**example.claims, scope=WEATHER)) as connected:
            assert [tool.name for tool in (await connected.list_tools()).tools] == ["weather"]
            result = await connected.call_tool("weather", {"city": "Turku"})
        assert result.content[0].text == "Sunny in Turku"  # type: ignore[union-attr]
        assert post(example.port, body=initialize(), host=f"127.0.0.1:{example.port}").status == 401
