"""The official SDK behind ``protect``, on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RESOURCE
from example_server import EXAMPLES, running
from hosts import EMAIL, JSON, MODERN, WEATHER, bearer, client, initialize, message, post, weather_server
from mcp.client import Client
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from wire import exchange, free_socket, http_request, key_server, serving, wait_for

from scopegate import Rejected, ResourceServer
from scopegate.mcp import TokenVerifier, list_filter, protect
from scopegate.testing import Issuer


@pytest.fixture
def port(strict_gate: ResourceServer) -> Iterator[int]:
    with serving(protect(weather_server(strict_gate), strict_gate, health="/healthz")) as port:
        yield port


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
        assert len((await connected.list_tools()).tools) == 5


def test_public_host_name_is_not_misdirected(port: int, issuer: Issuer) -> None:
    for host in ("mcp.test", "mcp.test:443", "mcp.test:8443"):
        assert post(port, bearer(issuer), body=initialize(), host=host).status == 200, host
    for host in ("evil.test", "127.0.0.1", "mcp.test.evil.test"):
        assert post(port, bearer(issuer), body=initialize(), host=host).status == 421, host


def test_configured_origin_passes_the_sdks_own_check(port: int, issuer: Issuer) -> None:
    for origin in ("https://mcp.test", "https://app.test"):
        assert post(port, bearer(issuer), f"Origin: {origin}", body=initialize()).status == 200, origin


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
        hidden = await TokenVerifier(gate, expose_token="false").verify_token(token)  # type: ignore[arg-type]
        assert hidden is not None and hidden.token == ""

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


async def test_example_server_runs_as_it_stands(issuer: Issuer) -> None:
    with running("server_mcp.py", issuer, "/mcp") as example:
        async with client(example.port, issuer.headers(**example.claims, scope=WEATHER)) as connected:
            assert [tool.name for tool in (await connected.list_tools()).tools] == ["weather"]
            result = await connected.call_tool("weather", {"city": "Turku"})
        assert result.content[0].text == "Sunny in Turku"  # type: ignore[union-attr]
        assert exchange(example.port, http_request("GET", "/healthz")).status == 200
        assert post(example.port, body=initialize(), host=f"127.0.0.1:{example.port}").status == 401


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
        wait_for(port)
        async with client(port, issuer.headers(aud=resource)) as connected:
            assert (await connected.list_tools()).tools == []
        assert exchange(port, http_request("GET", "/healthz")).status == 200
        assert post(port, body=initialize(), host=f"127.0.0.1:{port}").status == 401
    finally:
        server.terminate()
        server.wait(20)


def test_examples_are_the_acceptance_programs() -> None:
    programs = Path(__file__).parents[3] / "shared" / "programs"
    if not programs.is_dir():
        pytest.skip("the acceptance programs are not beside this clone")
    accepted = sorted(programs.glob("*.py"))
    assert len(accepted) == 4
    for program in accepted:
        assert (EXAMPLES / program.name).read_bytes() == program.read_bytes(), program.name
