"""The official SDK behind ``protect``, on a real server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import RESOURCE
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from pydantic import AnyHttpUrl
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wire import Answer, exchange, free_socket, http_request, key_server, serving

from scopegate import AuthorizationServer, Policy, Rejected, ResourceServer
from scopegate.mcp import TokenVerifier, list_filter, protect
from scopegate.testing import Issuer

METADATA_URL = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
WEATHER, EMAIL = "mcp:tools:weather", "mcp:tools:email:send"
POLICY: Policy = {"default": [], "tools": {"weather": [WEATHER], "send_*": [EMAIL], "drop_*": "deny"}}
MODERN = "2026-07-28"
JSON = ("Content-Type: application/json", "Accept: application/json, text/event-stream")


def weather_server(gate: ResourceServer) -> MCPServer[Any]:
    mcp: MCPServer[Any] = MCPServer("Weather", middleware=[list_filter(gate)])

    @mcp.tool()
    def weather(city: str) -> str:
        return f"Sunny in {city}"

    @mcp.tool()
    def send_email(to: str) -> str:
        return f"Sent to {to}"

    @mcp.tool()
    def drop_table(name: str) -> str:
        raise AssertionError(name)

    @mcp.tool()
    def whoami() -> dict[str, Any]:
        token = get_access_token()
        assert token is not None
        return token.model_dump()

    @mcp.prompt()
    def greet() -> str:
        return "Hello"

    @mcp.custom_route("/extra", methods=["GET"])  # type: ignore[untyped-decorator]  # the SDK's own
    async def extra(request: Request) -> Response:
        return JSONResponse({"extra": True})

    return mcp


@pytest.fixture
def strict_gate(issuer: Issuer) -> ResourceServer:
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        scopes_supported=[WEATHER, EMAIL],
        policy=POLICY,
        allowed_origins=["https://mcp.test", "https://app.test"],
        cors_origins=["https://app.test"],
    )


@pytest.fixture
def port(strict_gate: ResourceServer) -> Iterator[int]:
    with serving(protect(weather_server(strict_gate), strict_gate, health="/healthz")) as port:
        yield port


def message(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()


def tool(called: str, **arguments: Any) -> bytes:
    return message("tools/call", name=called, arguments=arguments)


def initialize() -> bytes:
    return message(
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )


def post(port: int, *lines: str, body: bytes, host: str = "mcp.test") -> Answer:
    return exchange(port, http_request("POST", "/mcp", *JSON, *lines, body=body, host=host))


def bearer(issuer: Issuer, **claims: Any) -> str:
    return "Authorization: " + issuer.authorization(**{"scope": WEATHER, "sub": "alice", **claims})


@contextlib.asynccontextmanager
async def client(port: int, headers: Mapping[str, str], mode: Any = "auto") -> AsyncIterator[Client]:
    """The official client, holding a token."""
    async with httpx2.AsyncClient(headers=dict(headers), timeout=20) as http:
        url = f"http://127.0.0.1:{port}/mcp"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as connected:
            yield connected


@pytest.fixture
def local(issuer: Issuer) -> Iterator[tuple[int, Issuer]]:
    """A server whose resource is the address it listens on, for the official client."""
    listener = free_socket()
    resource = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    issuer = Issuer(resource)
    gate = ResourceServer(resource=resource, authorization_servers=[issuer.server()], policy=POLICY)
    with serving(protect(weather_server(gate), gate), listener) as port:
        yield port, issuer


MODES = pytest.mark.parametrize("mode", ["legacy", MODERN])


@MODES
async def test_official_client_calls_a_tool(local: tuple[int, Issuer], mode: str) -> None:
    port, issuer = local
    async with client(port, issuer.headers(scope=WEATHER), mode) as connected:
        result = await connected.call_tool("weather", {"city": "Turku"})
    assert result.content[0].text == "Sunny in Turku"  # type: ignore[union-attr]


@MODES
async def test_tool_sees_who_calls_and_not_the_token(local: tuple[int, Issuer], mode: str) -> None:
    port, issuer = local
    headers = issuer.headers(scope="x y", sub="alice", client_id="app")
    async with client(port, headers, mode) as connected:
        result = await connected.call_tool("whoami", {})
    seen = result.structured_content
    assert seen is not None
    assert (seen["token"], seen["client_id"], seen["subject"]) == ("", "app", "alice")
    assert seen["scopes"] == ["x", "y"]
    assert seen["claims"]["iss"] == issuer.issuer
    assert headers["Authorization"].removeprefix("Bearer ") not in json.dumps(seen)


@MODES
async def test_list_shows_what_the_caller_may_use(local: tuple[int, Issuer], mode: str) -> None:
    port, issuer = local
    for scope, shown in ((WEATHER, ["weather", "whoami"]), (f"{WEATHER} {EMAIL}", ["weather", "send_email", "whoami"])):
        async with client(port, issuer.headers(scope=scope), mode) as connected:
            listed = await connected.list_tools()
            assert [tool.name for tool in listed.tools] == shown
            assert listed.cache_scope == "private"
            assert [prompt.name for prompt in (await connected.list_prompts()).prompts] == ["greet"]


def test_list_is_marked_private_even_when_the_server_calls_it_public(issuer: Issuer) -> None:
    from mcp.server.caching import CacheHint

    gate = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()])
    hints: Any = {"tools/list": CacheHint(ttl_ms=60000, scope="public")}
    mcp: MCPServer[Any] = MCPServer("Weather", middleware=[list_filter(gate)], cache_hints=hints)
    with serving(protect(mcp, gate)) as port:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/list")
        answer = post(port, bearer(issuer), *lines, body=message("tools/list", _meta=meta))
    assert json.loads(answer.body)["result"]["cacheScope"] == "private"


async def test_list_filter_without_protect_in_front_lists_nothing(issuer: Issuer, gate: ResourceServer) -> None:
    unguarded = weather_server(gate).streamable_http_app()
    with serving(unguarded) as port:
        async with client(port, issuer.headers(scope=WEATHER)) as connected:
            assert (await connected.list_tools()).tools == []


async def test_list_filter_leaves_lists_whole_where_there_is_no_http_request(gate: ResourceServer) -> None:
    async with Client(weather_server(gate)) as connected:
        assert len((await connected.list_tools()).tools) == 4


def test_second_users_token_on_the_first_users_session_is_not_found(port: int, issuer: Issuer) -> None:
    opened = post(port, bearer(issuer, sub="alice", client_id="app"), body=initialize())
    assert opened.status == 200
    session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"
    ping = message("ping")
    assert post(port, bearer(issuer, sub="alice", client_id="app"), session, body=ping).status == 200
    for other in (
        bearer(issuer, sub="bob", client_id="app"),
        bearer(issuer, sub="alice", client_id="other"),
    ):
        assert post(port, other, session, body=ping).status == 404
    assert post(port, session, body=ping).status == 401
    assert post(port, bearer(issuer, sub="alice", client_id="app"), session, body=ping).status == 200


def test_tokens_that_name_nobody_do_not_share_a_session(issuer: Issuer) -> None:
    server: AuthorizationServer = {**issuer.server(), "token_format": "generic"}
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[server])
    nobody: dict[str, Any] = {"sub": None, "client_id": None}
    with serving(protect(weather_server(gate), gate)) as port:
        first = bearer(issuer, **nobody)
        opened = post(port, first, body=initialize())
        assert opened.status == 200
        session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"
        assert post(port, first, session, body=message("ping")).status == 200
        assert post(port, bearer(issuer, **nobody), session, body=message("ping")).status == 404


def test_public_host_name_is_not_misdirected(port: int, issuer: Issuer) -> None:
    for host in ("mcp.test", "mcp.test:443", "mcp.test:8443"):
        assert post(port, bearer(issuer), body=initialize(), host=host).status == 200, host
    for host in ("evil.test", "127.0.0.1", "mcp.test.evil.test"):
        assert post(port, bearer(issuer), body=initialize(), host=host).status == 421, host


def test_configured_origin_passes_the_sdks_own_check(port: int, issuer: Issuer) -> None:
    for origin in ("https://mcp.test", "https://app.test"):
        assert post(port, bearer(issuer), f"Origin: {origin}", body=initialize()).status == 200, origin


CHALLENGE = f'Bearer resource_metadata="{METADATA_URL}"'
INVALID_TOKEN = (
    f'Bearer error="invalid_token", resource_metadata="{METADATA_URL}", '
    'error_description="Bearer token is invalid or expired"'
)
INVALID_TOKEN_BODY = b'{"error":"invalid_token","error_description":"Bearer token is invalid or expired"}'
EMAIL_CHALLENGE = (
    f'Bearer error="insufficient_scope", scope="{EMAIL} {WEATHER}", '
    f'resource_metadata="{METADATA_URL}", error_description="Required scope: {EMAIL}"'
)
TOO_LARGE = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Request too large"}}'
ORIGIN_DENIED = b'{"error":"access_denied","error_description":"Origin not allowed"}'
KEYS_UNAVAILABLE = (
    b'{"error":"temporarily_unavailable","error_description":"Token keys are unavailable, try again later"}'
)
SERVER_ERROR = b'{"error":"server_error","error_description":"Internal error"}'


def scope_short(id: Any) -> bytes:
    description = f"Required scope: {EMAIL}"
    return forbidden(id, {"error": "insufficient_scope", "error_description": description, "scope": EMAIL})


def not_allowed(id: Any) -> bytes:
    return forbidden(id, {"error": "access_denied", "error_description": "Not allowed"})


def forbidden(id: Any, data: dict[str, str]) -> bytes:
    error = {"code": -32001, "message": data["error_description"], "data": data}
    return json.dumps({"jsonrpc": "2.0", "id": id, "error": error}, separators=(",", ":")).encode()


@pytest.fixture
def keyless_port(issuer: Issuer) -> Iterator[int]:
    """A server whose issuer publishes no key set."""
    with key_server(b"no key set") as keys:
        gate = ResourceServer(
            resource=RESOURCE, authorization_servers=[{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}]
        )
        with serving(protect(weather_server(gate), gate)) as port:
            yield port


@pytest.fixture
def faulty_port(gate: ResourceServer) -> Iterator[int]:
    """A server whose program hands in scopes that are none."""
    app = protect(weather_server(gate), gate)
    app.scopes = ("not a scope",)
    with serving(app) as port:
        yield port


def assert_refused(answer: Answer, status: int, challenge: str | None, body: bytes) -> None:
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    if challenge is not None:
        headers.append(("www-authenticate", challenge))
    assert (answer.status, answer.body) == (status, body)
    assert answer.decided[: len(headers)] == headers
    assert (answer.header("www-authenticate") is None) == (challenge is None)


class TestWireTable:
    """Each row, through ``protect``, byte for byte."""

    def test_no_credential(self, port: int, issuer: Issuer) -> None:
        body = b'{"error":"unauthorized","error_description":"Bearer token required"}'
        token = issuer.mint(scope=WEATHER)
        for lines in ([], ["Authorization: Basic eDp5"], ["Authorization: Bearer"], ["Authorization: Bearer  "]):
            assert_refused(post(port, *lines, body=tool("weather", city="x")), 401, CHALLENGE, body)
        query = exchange(port, http_request("POST", f"/mcp?access_token={token}", *JSON, body=tool("weather")))
        assert_refused(query, 401, CHALLENGE, body)

    def test_more_than_one_credential(self, port: int, issuer: Issuer) -> None:
        good = bearer(issuer)
        answer = post(port, good, good, body=tool("weather", city="x"))
        challenge = f'Bearer error="invalid_request", resource_metadata="{METADATA_URL}"'
        body = b'{"error":"invalid_request","error_description":"More than one credential was sent"}'
        assert_refused(answer, 400, challenge, body)

    def test_token_that_was_judged_and_is_bad(self, port: int, issuer: Issuer) -> None:
        good = bearer(issuer)
        for bad in (
            "Authorization: Bearer x",
            good[:-8] + "AAAAAAAA",
            bearer(issuer, expires_in=-3600),
            bearer(issuer, aud="https://other.test/mcp"),
            bearer(issuer, iss="https://other.test"),
        ):
            assert_refused(post(port, bad, body=tool("weather", city="x")), 401, INVALID_TOKEN, INVALID_TOKEN_BODY)

    def test_scope_short(self, port: int, issuer: Issuer) -> None:
        answer = post(port, bearer(issuer, scope=WEATHER), body=tool("send_email", to="x"))
        assert_refused(answer, 403, EMAIL_CHALLENGE, scope_short(7))

    def test_policy_refuses_whatever_the_scope(self, port: int, issuer: Issuer) -> None:
        answer = post(port, bearer(issuer, scope=f"{WEATHER} {EMAIL}"), body=tool("drop_table", name="x"))
        assert_refused(answer, 403, CHALLENGE, not_allowed(7))

    @pytest.mark.parametrize("body", [b"{", b"\xff", b"{} {}", b"\xef\xbb\xbf{}"])
    def test_call_that_is_not_json(self, port: int, issuer: Issuer, body: bytes) -> None:
        expected = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
        assert_refused(post(port, bearer(issuer), body=body), 400, None, expected)

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b"7",
            b'{"method":"ping"}',
            b'{"jsonrpc":"2.0","method":7}',
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","name":"drop_table"}}',
        ],
    )
    def test_call_that_is_not_one_request(self, port: int, issuer: Issuer, body: bytes) -> None:
        expected = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}'
        assert_refused(post(port, bearer(issuer), body=body), 400, None, expected)

    def test_call_that_is_too_large(self, port: int, issuer: Issuer) -> None:
        answer = post(port, bearer(issuer), body=tool("weather", city="x" * (4 * 1024 * 1024)))
        assert_refused(answer, 413, None, TOO_LARGE)

    def test_routing_headers_that_contradict_the_body(self, port: int, issuer: Issuer) -> None:
        lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/call", "Mcp-Name: weather")
        answer = post(port, bearer(issuer, scope=f"{WEATHER} {EMAIL}"), *lines, body=tool("send_email", to="x"))
        expected = b'{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"Header mismatch"}}'
        assert_refused(answer, 400, None, expected)

    def test_origin_that_is_not_allowed(self, port: int, issuer: Issuer) -> None:
        answer = post(port, bearer(issuer), "Origin: https://evil.test", body=initialize())
        assert_refused(answer, 403, None, ORIGIN_DENIED)

    def test_keys_unavailable(self, keyless_port: int, issuer: Issuer) -> None:
        answer = post(keyless_port, bearer(issuer), body=initialize())
        assert_refused(answer, 503, None, KEYS_UNAVAILABLE)
        assert int(answer.header("retry-after") or "") >= 1

    def test_our_own_fault(self, faulty_port: int, issuer: Issuer) -> None:
        answer = post(faulty_port, bearer(issuer), body=initialize())
        assert_refused(answer, 500, None, SERVER_ERROR)


class TestWireTableOfTheOfficialClient:
    """The rows that the official client can reach: it never sends two credentials, text that is not JSON, a batch, or
    routing headers that contradict its body.
    """

    async def refusal(self, port: int, headers: Mapping[str, str], tool: str, **arguments: Any) -> tuple[Answer, Any]:
        """What a call met at the HTTP layer, and the id of the request."""
        met: list[tuple[Answer, Any]] = []

        async def record(response: httpx2.Response) -> None:
            body = await response.aread()
            answer = Answer(response.status_code, list(response.headers.items()), body)
            met.append((answer, json.loads(response.request.content)["id"]))

        hooks = {"response": [record]}
        async with httpx2.AsyncClient(headers=dict(headers), timeout=20, event_hooks=hooks) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            async with Client(transport, mode=MODERN) as connected:
                with pytest.raises(MCPError):
                    await connected.call_tool(tool, arguments)
        (found,) = met
        return found

    async def test_no_credential(self, port: int) -> None:
        answer, _ = await self.refusal(port, {}, "weather", city="x")
        body = b'{"error":"unauthorized","error_description":"Bearer token required"}'
        assert_refused(answer, 401, CHALLENGE, body)

    async def test_bad_token(self, port: int, issuer: Issuer) -> None:
        answer, _ = await self.refusal(port, issuer.headers(expires_in=-3600), "weather", city="x")
        assert_refused(answer, 401, INVALID_TOKEN, INVALID_TOKEN_BODY)

    async def test_scope_short(self, port: int, issuer: Issuer) -> None:
        answer, id = await self.refusal(port, issuer.headers(scope=WEATHER), "send_email", to="x")
        assert_refused(answer, 403, EMAIL_CHALLENGE, scope_short(id))

    async def test_policy_refuses(self, port: int, issuer: Issuer) -> None:
        answer, id = await self.refusal(port, issuer.headers(scope=WEATHER), "drop_table", name="x")
        assert_refused(answer, 403, CHALLENGE, not_allowed(id))

    async def test_call_too_large(self, port: int, issuer: Issuer) -> None:
        answer, _ = await self.refusal(port, issuer.headers(scope=WEATHER), "weather", city="x" * (4 * 1024 * 1024))
        assert_refused(answer, 413, None, TOO_LARGE)

    async def test_origin_not_allowed(self, port: int, issuer: Issuer) -> None:
        headers = {**issuer.headers(scope=WEATHER), "Origin": "https://evil.test"}
        answer, _ = await self.refusal(port, headers, "weather", city="x")
        assert_refused(answer, 403, None, ORIGIN_DENIED)

    async def test_keys_unavailable(self, keyless_port: int, issuer: Issuer) -> None:
        answer, _ = await self.refusal(keyless_port, issuer.headers(scope=WEATHER), "weather", city="x")
        assert_refused(answer, 503, None, KEYS_UNAVAILABLE)
        assert int(answer.header("retry-after") or "") >= 1

    async def test_our_own_fault(self, faulty_port: int, issuer: Issuer) -> None:
        answer, _ = await self.refusal(faulty_port, issuer.headers(), "weather", city="x")
        assert_refused(answer, 500, None, SERVER_ERROR)


def test_metadata_health_and_unknown_well_known_paths_need_no_token(port: int) -> None:
    document = exchange(port, http_request("GET", "/.well-known/oauth-protected-resource/mcp"))
    assert document.status == 200
    assert json.loads(document.body)["scopes_supported"] == [WEATHER, EMAIL]
    assert exchange(port, http_request("GET", "/healthz")).body == b'{"status":"ok"}'
    assert exchange(port, http_request("GET", "/.well-known/oauth-protected-resource/other")).status == 404


def test_custom_routes_are_guarded_unless_public(issuer: Issuer, strict_gate: ResourceServer, port: int) -> None:
    assert exchange(port, http_request("GET", "/extra")).status == 401
    assert exchange(port, http_request("GET", "/extra", bearer(issuer))).status == 200
    with serving(protect(weather_server(strict_gate), strict_gate, public=["/extra"])) as open_port:
        assert exchange(open_port, http_request("GET", "/extra")).body == b'{"extra":true}'


def test_path_may_differ_from_that_of_the_resource(issuer: Issuer, gate: ResourceServer) -> None:
    with serving(protect(weather_server(gate), gate, path="/inner")) as port:
        request = http_request("POST", "/inner", *JSON, bearer(issuer), body=initialize())
        assert exchange(port, request).status == 200
        assert post(port, bearer(issuer), body=initialize()).status == 404


def test_resource_without_a_path_is_served_at_the_root(issuer: Issuer) -> None:
    issuer = Issuer("https://mcp.test")
    gate = ResourceServer(resource="https://mcp.test", authorization_servers=[issuer.server()])
    with serving(protect(weather_server(gate), gate)) as port:
        request = http_request("POST", "/", *JSON, bearer(issuer), body=initialize())
        assert exchange(port, request).status == 200


async def test_token_is_exposed_only_when_asked_for(issuer: Issuer, gate: ResourceServer) -> None:
    authorization = issuer.authorization(scope="x", sub="alice")
    no_check = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    with serving(protect(weather_server(gate), gate, expose_token=True, transport_security=no_check)) as port:
        async with client(port, {"Authorization": authorization}) as connected:
            result = await connected.call_tool("whoami", {})
    assert result.structured_content is not None
    assert "Bearer " + result.structured_content["token"] == authorization


def auth_settings() -> AuthSettings:
    """The settings that the documentation of ``TokenVerifier`` asks for."""
    return AuthSettings(
        issuer_url=AnyHttpUrl("https://issuer.test"),
        resource_server_url=AnyHttpUrl(RESOURCE),
        required_scopes=[],
        validate_token_resource=True,
    )


def test_server_with_a_gate_of_its_own_is_refused(gate: ResourceServer) -> None:
    mcp: MCPServer[Any] = MCPServer("Weather", auth=auth_settings(), token_verifier=TokenVerifier(gate))
    with pytest.raises(ValueError, match="auth"):
        protect(mcp, gate)


def test_mcp_path_cannot_be_public(gate: ResourceServer) -> None:
    with pytest.raises(ValueError, match="/mcp"):
        protect(MCPServer("Weather"), gate, public=["/mcp"])


class TestTokenVerifier:
    """The fallback behind the SDK's own gate."""

    async def test_verified_token_carries_what_the_sdk_compares(self, issuer: Issuer, gate: ResourceServer) -> None:
        token = issuer.mint(scope="a b", sub="alice", client_id="app", expires_in=60)
        verified = await TokenVerifier(gate).verify_token(token)
        assert verified is not None
        assert (verified.token, verified.client_id, verified.subject) == ("", "app", "alice")
        assert (verified.scopes, verified.resource) == (["a", "b"], RESOURCE)
        assert verified.expires_at is not None and abs(verified.expires_at - (time.time() + 60 + 30)) <= 2
        exposed = await TokenVerifier(gate, expose_token=True).verify_token(token)
        assert exposed is not None and exposed.token == token

    async def test_judged_and_refused_is_none(self, issuer: Issuer, gate: ResourceServer) -> None:
        verifier = TokenVerifier(gate)
        assert await verifier.verify_token("x") is None
        assert await verifier.verify_token(issuer.mint(expires_in=-3600)) is None
        assert await verifier.verify_token(issuer.mint() + ", " + issuer.mint()) is None

    async def test_unavailable_keys_raise(self, issuer: Issuer) -> None:
        with key_server(b"no key set") as keys:
            gate = ResourceServer(
                resource=RESOURCE, authorization_servers=[{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}]
            )
            with pytest.raises(Rejected) as caught:
                await TokenVerifier(gate).verify_token(issuer.mint())
        assert caught.value.unavailable

    def test_policy_that_could_not_be_enforced_is_refused(self, strict_gate: ResourceServer) -> None:
        with pytest.raises(ValueError, match="protect"):
            TokenVerifier(strict_gate)

    def test_it_works_behind_the_sdks_gate(self, issuer: Issuer, gate: ResourceServer) -> None:
        mcp: MCPServer[Any] = MCPServer("Weather", auth=auth_settings(), token_verifier=TokenVerifier(gate))
        no_check = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        with serving(mcp.streamable_http_app(transport_security=no_check)) as port:
            assert post(port, bearer(issuer), body=initialize()).status == 200
            assert post(port, body=initialize()).status == 401


EXAMPLE = Path(__file__).parent.parent / "examples" / "server_mcp.py"


async def test_example_server_runs_as_it_stands(issuer: Issuer) -> None:
    """Its issuer is a URL on loopback, whose keys it has to discover."""
    listener = free_socket()
    port = listener.getsockname()[1]
    listener.close()
    resource = f"http://127.0.0.1:{port}/mcp"
    with key_server(json.dumps(issuer.server()["jwks"]).encode()) as keys:
        metadata = {"issuer": keys.url, "jwks_uri": keys.jwks_uri}
        keys.documents["/.well-known/oauth-authorization-server"] = json.dumps(metadata).encode()
        environment = {**os.environ, "RESOURCE": resource, "ISSUER": keys.url, "PORT": str(port)}
        server = subprocess.Popen([sys.executable, str(EXAMPLE)], env=environment)
        try:
            wait_for_port(port)
            async with client(port, issuer.headers(iss=keys.url, aud=resource, scope=WEATHER)) as connected:
                assert [tool.name for tool in (await connected.list_tools()).tools] == ["weather"]
                result = await connected.call_tool("weather", {"city": "Turku"})
            assert result.content[0].text == "Sunny in Turku"  # type: ignore[union-attr]
            assert exchange(port, http_request("GET", "/healthz")).status == 200
            assert post(port, body=initialize(), host=f"127.0.0.1:{port}").status == 401
        finally:
            server.terminate()
            server.wait(20)


async def test_run_serves_the_protected_server(issuer: Issuer) -> None:
    listener = free_socket()
    port = listener.getsockname()[1]
    listener.close()
    resource = f"http://127.0.0.1:{port}/mcp"
    configuration = json.dumps({"resource": resource, "authorization_servers": [issuer.server()]})
    program = """
import sys
from mcp.server.mcpserver import MCPServer
from scopegate import ResourceServer
from scopegate.mcp import run
run(MCPServer("Weather"), ResourceServer.from_json(sys.argv[1]), port=int(sys.argv[2]), health="/healthz")
"""
    server = subprocess.Popen([sys.executable, "-c", program, configuration, str(port)])
    try:
        wait_for_port(port)
        async with client(port, issuer.headers(aud=resource)) as connected:
            assert (await connected.list_tools()).tools == []
        assert exchange(port, http_request("GET", "/healthz")).status == 200
        assert post(port, body=initialize(), host=f"127.0.0.1:{port}").status == 401
    finally:
        server.terminate()
        server.wait(20)


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)


def test_examples_are_the_acceptance_programs() -> None:
    programs = Path(__file__).parents[3] / "shared" / "programs"
    if not programs.is_dir():
        pytest.skip("the acceptance programs are not beside this clone")
    for example in EXAMPLE.parent.glob("*.py"):
        assert example.read_bytes() == (programs / example.name).read_bytes(), example.name
