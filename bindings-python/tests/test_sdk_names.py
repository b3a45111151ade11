"""What we lean on in the SDKs beyond their documentation. A failure here means: the SDK changed, and its adapter must
be looked at before the new version is allowed.
"""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Callable
from typing import Any

import pytest

NAMES = {
    "mcp.server.auth.middleware.auth_context:AuthContextMiddleware": "get_access_token() in tools, requestState",
    "mcp.server.auth.middleware.auth_context:auth_context_var": "get_access_token() in tools, requestState",
    "mcp.server.auth.middleware.auth_context:get_access_token": "what tools call",
    "mcp.server.auth.middleware.bearer_auth:AuthenticatedUser": "the session-owner check looks for this class",
    "mcp.server.auth.middleware.bearer_auth:authorization_context": "who owns a session",
    "mcp.server.auth.provider:AccessToken": "what the user carries",
    "mcp.server.auth.provider:TokenVerifier": "the fallback's interface",
    "mcp.server.auth.provider:principal_components": "client, issuer and subject make the principal",
    "mcp.server.context:CallNext": "list_filter",
    "mcp.server.context:HandlerResult": "list_filter",
    "mcp.server.context:ServerMiddleware": "list_filter",
    "mcp.server.context:ServerRequestContext": "list_filter",
    "mcp.server.streamable_http:EventStore": "options of protect",
    "mcp.server.streamable_http_manager:StreamableHTTPSessionManager": "session owners",
    "mcp.server.transport_security:TransportSecuritySettings": "allowed_hosts, else 421",
    "mcp_types.version:MODERN_PROTOCOL_VERSIONS": "which results carry cacheScope",
    "fastmcp.server.auth:AuthProvider.get_middleware": "where our gate stands",
    "fastmcp.server.auth:AuthProvider.get_routes": "tells the path of the server, and serves the document",
    "fastmcp.server.auth:AuthProvider.get_well_known_routes": "the document of a mounted server",
    "fastmcp.server.auth:AuthProvider.set_mcp_path": "what get_routes of the base class does",
    "fastmcp.server.context:reset_transport": "listing what has an auth of its own",
    "fastmcp.server.context:set_transport": "listing what has an auth of its own",
    "fastmcp.server.dependencies:get_http_request": "list_filter",
    "fastmcp.server.providers:AggregateProvider.list_tools": "listing what is disabled",
    "fastmcp.server.providers.addressing:parse_hashed_backend_name": "second names of tools",
    "fastmcp.server:FastMCP.get_tool_by_hash": "second names of tools",
    "fastmcp.server.middleware:Middleware.on_call_tool": "tools that a request reaches by another name",
    "fastmcp.server.middleware:Middleware.on_list_tools": "list_filter",
    "fastmcp.server.middleware:Middleware.on_list_prompts": "list_filter",
    "fastmcp.server.middleware:Middleware.on_list_resources": "list_filter",
    "fastmcp.server.middleware:Middleware.on_list_resource_templates": "list_filter",
    "starlette.routing:compile_path": "which paths are the MCP server's",
}


@pytest.mark.parametrize("name", NAMES)
def test_name_is_still_there(name: str) -> None:
    module, _, attribute = name.partition(":")
    try:
        operator.attrgetter(attribute)(importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        pytest.fail(f"AN SDK LOST {name}, which its adapter needs for: {NAMES[name]} ({error})")


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_the_application_takes_the_options_that_we_pass() -> None:
    from mcp.server.mcpserver import MCPServer

    from scopegate.mcp import StreamableHttpOptions

    taken = parameters(MCPServer.streamable_http_app)
    assert {"streamable_http_path", *StreamableHttpOptions.__annotations__} <= taken
    untold = taken - {"self", "host", "streamable_http_path", *StreamableHttpOptions.__annotations__}
    assert not untold, f"THE MCP SDK HAS NEW OPTIONS that protect does not pass on: {untold}"


def test_principal_is_client_issuer_and_subject() -> None:
    from mcp.server.auth.provider import AccessToken, principal_components

    token = AccessToken(token="", client_id="app", scopes=[], subject="alice", claims={"iss": "https://as.test"})
    assert principal_components(token) == ("app", "https://as.test", "alice")


def test_context_carries_the_http_request_and_the_version() -> None:
    from mcp.server.context import ServerRequestContext

    assert {"method", "protocol_version", "request"} <= set(ServerRequestContext.__dataclass_fields__)


def test_server_tells_whether_it_has_a_gate_of_its_own() -> None:
    from mcp.server.mcpserver import MCPServer

    assert MCPServer("x").settings.auth is None


def test_fastmcps_cache_hints_are_where_list_filter_marks_them_private() -> None:
    from fastmcp import FastMCP

    hints = FastMCP("x", cache_ttl=60, cache_scope="public")._mcp_server.cache_hints
    assert {hint.scope for hint in hints.values()} == {"public"}
    assert {"tools/list", "prompts/list", "resources/list", "resources/templates/list"} <= set(hints)


def test_fastmcps_own_scopes_can_be_read() -> None:
    from fastmcp.server.auth import require_roles, require_scopes

    check: Any = require_scopes("b", "a")
    assert check.required_scopes == frozenset({"a", "b"})
    assert type(check) is not type(require_roles("a", extract=lambda claims: []))


def test_fastmcps_application_knows_its_server() -> None:
    from fastmcp import FastMCP

    server = FastMCP("x")
    assert server.http_app().state.fastmcp_server is server
