"""FastMCP (``fastmcp`` 4.1) behind a resource server."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

try:
    import mcp_types as mt
    from fastmcp.exceptions import NotFoundError
    from fastmcp.prompts import Prompt
    from fastmcp.resources import Resource, ResourceTemplate
    from fastmcp.server.auth import AccessToken as FastMcpAccessToken
    from fastmcp.server.auth import AuthCheck, AuthProvider, require_scopes
    from fastmcp.server.context import reset_transport, set_transport
    from fastmcp.server.dependencies import get_http_request
    from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
    from fastmcp.server.providers import AggregateProvider as _all
    from fastmcp.server.providers.addressing import parse_hashed_backend_name
    from fastmcp.tools import Tool, ToolResult
    from starlette.middleware import Middleware as AsgiMiddleware
    from starlette.routing import Route, compile_path
except ImportError as _missing:
    raise ImportError("scopegate.fastmcp needs fastmcp 4.1 or newer: pip install 'scopegate[fastmcp]'") from _missing

from scopegate._adapter import GATE, TOKEN, Gate, Options, provider
from scopegate._config import Configuration
from scopegate._declared import Offered
from scopegate._log import log_limited
from scopegate._need import Scopes
from scopegate._offered import OfferedGate, offer
from scopegate._scopegate import AccessToken
from scopegate._sdk_user import SdkUser
from scopegate._server import ResourceServer
from scopegate.asgi import ASGIApp, Receive, Scope, ScopegateMiddleware, Send, routed_path
from scopegate.mcp import TokenVerifier

if TYPE_CHECKING:
    from fastmcp import FastMCP
    from typing_extensions import Unpack

__all__ = ["Scopegate", "list_filter"]


class Scopegate(AuthProvider):
    """The ``auth`` of a ``FastMCP`` server: guards its MCP path, and serves the discovery document.

    A request that passes carries an authenticated user, so that ``get_access_token()`` works in tools and a session
    answers its owner alone. Routes of ``custom_route`` are open, as FastMCP promises; so are ``health`` and
    ``metrics``. One object is for one server. The older SSE transport is not served: its message route refuses
    everything.
    """

    @overload
    def __init__(
        self,
        gate: Gate,
        *,
        health: str | None = None,
        metrics: str | None = None,
        scopes: Scopes = (),
        strict: bool = False,
        expose_token: bool = False,
    ) -> None: ...

    @overload
    def __init__(
        self,
        gate: None = None,
        *,
        health: str | None = None,
        metrics: str | None = None,
        scopes: Scopes = (),
        strict: bool = False,
        expose_token: bool = False,
        **configuration: Unpack[Configuration],
    ) -> None: ...

    def __init__(
        self,
        gate: Gate | None = None,
        *,
        health: str | None = None,
        metrics: str | None = None,
        scopes: Scopes = (),
        strict: bool = False,
        expose_token: bool = False,
        **configuration: Any,
    ) -> None:
        """Takes a resource server, a function that gives the current one, or the configuration of one as keyword
        arguments.

        ``health``, ``metrics``, ``scopes``: as in ``scopegate.asgi.ScopegateMiddleware``, and ``strict`` as in
        ``scopegate.mcp.protect``. ``expose_token``: whether the token that tools see holds its text, which MCP forbids
        passing on.

        Raises ``ConfigError``, and ``TypeError`` for both a resource server and a configuration.
        """
        if gate is not None and configuration:
            raise TypeError("Scopegate: expected a resource server or its configuration, not both")
        self._provider = provider(gate if gate is not None else ResourceServer(**configuration))
        self._offered = OfferedGate(self._provider, strict)
        self._server: FastMCP[Any] | None = None
        super().__init__(base_url=self.gate.origin, required_scopes=[])
        self._options = Options((), health, metrics, scopes)
        self._expose_token = expose_token
        self._paths: list[re.Pattern[str]] = []
        self._documents: tuple[ResourceServer, list[str]] | None = None

    @property
    def gate(self) -> ResourceServer:
        """The resource server that decides now, joined with what the server declares once that has started."""
        return self._offered.now()

    async def refresh(self) -> None:
        """Lists the server again, for tools that it offers since: until then ``default`` decides on those that have no
        rule, whatever they declare. Does nothing before the server has started.

        Raises ``ConfigError``; nothing has changed then.
        """
        if self._server is not None:
            await self._offered.refresh(self._list)

    def get_middleware(self) -> list[AsgiMiddleware]:
        """Ours in place of FastMCP's, which cannot send the core's refusals."""
        return [AsgiMiddleware(_Guard, provider=self)]

    def get_routes(self, mcp_path: str | None = None) -> list[Route]:
        """The discovery document, for the application that FastMCP makes and for one that mounts it."""
        self.set_mcp_path(mcp_path)
        if mcp_path is not None:
            self._paths.append(compile_path(mcp_path)[0])
        guarded = self._guard(_not_served)
        return [Route(path, endpoint=guarded) for path in self._document_paths(self.gate)]

    async def verify_token(self, token: str) -> FastMcpAccessToken | None:
        """For FastMCP's own gate, which ``MultiAuth`` uses; ``scopegate.mcp.TokenVerifier`` says what is lost there.

        Raises ``ValueError`` for a configuration with a policy, which would not be enforced.
        """
        verified = await TokenVerifier(self._provider, expose_token=self._expose_token).verify_token(token)
        return None if verified is None else FastMcpAccessToken(**verified.model_dump())

    async def _list(self) -> list[Offered]:
        """All that the server offers, or can come to offer: what has an ``auth`` of its own, which FastMCP shows nobody
        who has no token, and what is disabled, which it may enable for a session.
        """
        server = self._server
        assert server is not None
        transport = set_transport("stdio")
        try:
            tools = [*await server.list_tools(run_middleware=False), *await _all.list_tools(server)]
            prompts = [*await server.list_prompts(run_middleware=False), *await _all.list_prompts(server)]
            resources = [*await server.list_resources(run_middleware=False), *await _all.list_resources(server)]
            templates = [
                *await server.list_resource_templates(run_middleware=False),
                *await _all.list_resource_templates(server),
            ]
        finally:
            reset_transport(transport)
        return [
            *(offer("tool", tool.name, tool.meta, _of_auth(tool.auth)) for tool in tools),
            *(offer("prompt", prompt.name, prompt.meta, _of_auth(prompt.auth)) for prompt in prompts),
            *(offer("resource", str(resource.uri), resource.meta) for resource in resources),
            *(offer("resource", template.uri_template, template.meta) for template in templates),
        ]

    def _document_paths(self, gate: ResourceServer) -> list[str]:
        if self._documents is None or self._documents[0] is not gate:
            self._documents = gate, gate._native.well_known_paths
        return self._documents[1]

    def _guard(self, app: ASGIApp) -> ScopegateMiddleware:
        inner = SdkUser(app, self._expose_token)
        need = self._options.need
        scopes: Scopes = need.function or need.fixed
        options = self._options
        guard = ScopegateMiddleware(
            inner, self._provider, health=options.health, metrics=options.metrics, scopes=scopes
        )
        guard._sessions = None  # the SDK compares principals itself
        return guard

    def _guards(self, gate: ResourceServer, scope: Scope) -> bool:
        """Whether this request is the MCP server's, or asks for metadata, or for the server's health or counters."""
        path = routed_path(scope)
        ours = path in (self._options.health, self._options.metrics, *self._document_paths(gate))
        return ours or any(pattern.match(path) for pattern in self._paths)


class _Guard:
    """Guards the MCP path; what is not ours goes on to FastMCP's own routes."""

    def __init__(self, app: ASGIApp, provider: Scopegate) -> None:
        self._open = app
        self._guarded = provider._guard(app)
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = self._provider
        if ours._server is None:
            ours._server = scope["app"].state.fastmcp_server
            ours._server.add_middleware(_Calls())
        if scope["type"] == "lifespan":
            await ours._offered.lifespan(ours._list, self._open, scope, receive, send)
            return
        gate = ours._offered.listed() or await ours._offered.started(ours._list)
        if not ours._guards(gate, scope):
            await self._open(scope, receive, send)
        elif scope["type"] == "http":
            await self._guarded._judge(gate, scope, receive, send)
        else:
            await self._guarded(scope, receive, send)


class _Calls(Middleware):
    """Has the policy decide on tools that a request reaches by another name than its own: by ``<hash>_<name>``, which
    FastMCP takes for a tool of a ``FastMCPApp`` too, or out of a tool that calls others for its caller, as those of its
    search and code mode do. The name under which a tool is listed counts. It is the innermost middleware of the server
    that is served.
    """

    async def on_call_tool(
        self,
        context: MiddlewareContext[mt.CallToolRequestParams],
        call_next: CallNext[mt.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        if not _may_use(await _listed_name(context)):
            log_limited(
                logging.WARNING, "inner-call", "refused: a request reached a tool that the policy does not allow"
            )
            raise NotFoundError(f"Unknown tool: {context.message.name!r}")
        return await call_next(context)


async def _listed_name(context: MiddlewareContext[mt.CallToolRequestParams]) -> str:
    name = context.message.name
    second = parse_hashed_backend_name(name)
    if second is None or context.fastmcp_context is None:
        return name
    server = context.fastmcp_context.fastmcp
    if await server.get_tool(name) is not None:
        return name
    tool = await server.get_tool_by_hash(*second)
    return name if tool is None else tool.name


def _may_use(tool: str) -> bool:
    """Whether the policy lets the caller use a tool; over stdio there is none."""
    try:
        scope = get_http_request().scope
    except RuntimeError:
        return True
    token, gate = scope.get(TOKEN), scope.get(GATE)
    return isinstance(token, AccessToken) and isinstance(gate, ResourceServer) and gate.allowed(token, "tools", tool)


async def _not_served(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands behind a guard whose every path is answered by the guard itself."""
    raise AssertionError("unreachable: the route is one of the discovery document's")


def _of_auth(checks: AuthCheck | list[AuthCheck] | None) -> list[str]:
    """The scopes of FastMCP's ``auth=require_scopes(...)``, which join the policy: its own refusal names no scope.
    Other checks are FastMCP's alone.
    """
    listed = checks if isinstance(checks, list) else [checks]
    return [scope for check in listed if isinstance(check, _REQUIRE_SCOPES) for scope in sorted(check.required_scopes)]


_REQUIRE_SCOPES: Any = type(require_scopes("x"))

Item = TypeVar("Item")


def list_filter(gate: Gate | None = None) -> Middleware:
    """Middleware for ``FastMCP(middleware=[...])`` that leaves out of each list what the caller may not use, and
    marks the list as private, so that no cache hands it to another caller.

    It hides names; it is ``Scopegate`` that refuses the calls. Over stdio there is no caller, and lists stay whole.
    Over HTTP without ``Scopegate`` in front nothing is listed. Put it on the server that is served: what servers that
    are mounted into it list is filtered there too. A request is filtered by the resource server that let it pass, so
    ``gate`` need not be given.
    """
    return _ListFilter()


class _ListFilter(Middleware):
    async def on_list_tools(
        self, context: MiddlewareContext[mt.ListToolsRequest], call_next: CallNext[mt.ListToolsRequest, Sequence[Tool]]
    ) -> Sequence[Tool]:
        return self._allowed(context, "tools", await call_next(context), lambda tool: tool.name)

    async def on_list_prompts(
        self,
        context: MiddlewareContext[mt.ListPromptsRequest],
        call_next: CallNext[mt.ListPromptsRequest, Sequence[Prompt]],
    ) -> Sequence[Prompt]:
        return self._allowed(context, "prompts", await call_next(context), lambda prompt: prompt.name)

    async def on_list_resources(
        self,
        context: MiddlewareContext[mt.ListResourcesRequest],
        call_next: CallNext[mt.ListResourcesRequest, Sequence[Resource]],
    ) -> Sequence[Resource]:
        return self._allowed(context, "resources", await call_next(context), lambda resource: str(resource.uri))

    async def on_list_resource_templates(
        self,
        context: MiddlewareContext[mt.ListResourceTemplatesRequest],
        call_next: CallNext[mt.ListResourceTemplatesRequest, Sequence[ResourceTemplate]],
    ) -> Sequence[ResourceTemplate]:
        return self._allowed(context, "resources", await call_next(context), lambda template: template.uri_template)

    def _allowed(
        self,
        context: MiddlewareContext[Any],
        kind: Literal["tools", "prompts", "resources"],
        items: Sequence[Item],
        name: Callable[[Item], str],
    ) -> Sequence[Item]:
        try:
            scope = get_http_request().scope
        except RuntimeError:  # no HTTP request: stdio
            return items
        _mark_private(context)
        token, gate = scope.get(TOKEN), scope.get(GATE)
        if not isinstance(token, AccessToken) or not isinstance(gate, ResourceServer):
            return []
        return [item for item in items if gate.allowed(token, kind, name(item))]


def _mark_private(context: MiddlewareContext[Any]) -> None:
    """FastMCP writes one ``cacheScope`` for a method, that of ``FastMCP(cache_scope=...)``, after this middleware."""
    if context.fastmcp_context is None or context.method is None:
        return
    hints = context.fastmcp_context.fastmcp._mcp_server.cache_hints
    if (hint := hints.get(context.method)) is not None and hint.scope != "private":
        hints[context.method] = replace(hint, scope="private")
