"""What holds for every host of the MCP SDKs behind its adapter, on a real server and on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from conftest import RESOURCE
from hosts import EMAIL, HOSTS, JSON, MODERN, POLICY, WEATHER, bearer, client, initialize, message, post, tool
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from wire import Answer, exchange, free_socket, http_request, key_server, serving

from scopegate import AuthorizationServer, ResourceServer
from scopegate.testing import Issuer

METADATA_URL = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
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


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def port(host: str, strict_gate: ResourceServer) -> Iterator[int]:
    with serving(HOSTS[host](strict_gate)) as port:
        yield port


@pytest.fixture
def keyless_port(host: str, issuer: Issuer) -> Iterator[int]:
    """A server whose issuer publishes no key set."""
    with key_server(b"no key set") as keys:
        gate = ResourceServer(
            resource=RESOURCE, authorization_servers=[{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}]
        )
        with serving(HOSTS[host](gate)) as port:
            yield port


@pytest.fixture
def faulty_port(host: str, gate: ResourceServer) -> Iterator[int]:
    """A server whose program hands in scopes that are none."""
    with serving(HOSTS[host](gate, scopes=["not a scope"])) as port:
        yield port


def assert_refused(answer: Answer, status: int, challenge: str | None, body: bytes) -> None:
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    if challenge is not None:
        headers.append(("www-authenticate", challenge))
    assert (answer.status, answer.body) == (status, body)
    assert answer.decided[: len(headers)] == headers
    assert (answer.header("www-authenticate") is None) == (challenge is None)


@pytest.fixture
def local(host: str) -> Iterator[tuple[int, Issuer]]:
    """A server whose resource is the address it listens on, for the official client."""
    listener = free_socket()
    resource = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    issuer = Issuer(resource)
    gate = ResourceServer(resource=resource, authorization_servers=[issuer.server()], policy=POLICY)
    with serving(HOSTS[host](gate), listener) as port:
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
    for scope, shown in (
        (WEATHER, ["weather", "echo", "whoami"]),
        (f"{WEATHER} {EMAIL}", ["weather", "send_email", "echo", "whoami"]),
    ):
        async with client(port, issuer.headers(scope=scope), mode) as connected:
            listed = await connected.list_tools()
            assert [tool.name for tool in listed.tools] == shown
            assert listed.cache_scope == "private"
            assert [prompt.name for prompt in (await connected.list_prompts()).prompts] == ["greet"]


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


def test_tokens_that_name_nobody_do_not_share_a_session(host: str, issuer: Issuer) -> None:
    server: AuthorizationServer = {**issuer.server(), "token_format": "generic"}
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[server])
    nobody: dict[str, Any] = {"sub": None, "client_id": None}
    with serving(HOSTS[host](gate)) as port:
        first = bearer(issuer, **nobody)
        opened = post(port, first, body=initialize())
        assert opened.status == 200
        session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"
        assert post(port, first, session, body=message("ping")).status == 200
        assert post(port, bearer(issuer, **nobody), session, body=message("ping")).status == 404


class TestWireTable:
    """Each row, byte for byte."""

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
