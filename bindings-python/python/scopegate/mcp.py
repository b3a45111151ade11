"""The official MCP Python SDK (``mcp`` 2.3) behind a resource server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict
from urllib.parse import urlsplit

try:
    from mcp.server.auth.provider import AccessToken as SdkAccessToken
    from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
    from mcp.server.mcpserver import MCPServer
    from mcp.server.streamable_http import EventStore
    from mcp.server.transport_security import TransportSecuritySettings
    from mcp_types.version import MODERN_PROTOCOL_VERSIONS
    from pydantic import BaseModel
except ImportError as _missing:
    raise ImportError("scopegate.mcp needs mcp 2.3 or newer: pip install 'scopegate[mcp]'") from _missing

from scopegate._adapter import GATE, TOKEN, Gate, provider
from scopegate._declared import Offered
from scopegate._errors import Rejected
from scopegate._need import Scopes
from scopegate._offered import OfferedGate, offer
from scopegate._scopegate import AccessToken
from scopegate._sdk_user import SdkUser, sdk_token
from scopegate._server import ResourceServer
from scopegate.asgi import ASGIApp, Receive, Scope, ScopegateMiddleware, Send

if TYPE_CHECKING:
    from typing_extensions import Unpack


class StreamableHttpOptions(TypedDict, total=False):
    """What ``MCPServer.streamable_http_app`` takes beside the path."""

    json_response: bool
    stateless_http: bool
    event_store: EventStore | None
    retry_interval: int | None
    max_request_body_size: int
    session_idle_timeout: float | None
    max_sessions: int | None
    transport_security: TransportSecuritySettings | None


class Protected(ScopegateMiddleware):
    """An MCP server behind its resource server: the application to serve.

    When it starts, or else at the first request, it lists what the server offers: scopes that stand in the ``meta`` of
    a tool or resource, ``{"scopegate/scopes": [...]}`` or ``"deny"``, join the policy. They can only ask for more, but
    where no rule of the policy names the tool: there they stand in the place of ``default``.
    """

    def __init__(self, app: ASGIApp, mcp: MCPServer[Any], gate: OfferedGate, **options: Unpack[_Options]) -> None:
        super().__init__(app, gate.now, **options)
        self._sessions = None  # the SDK compares principals itself
        self._offered = gate
        self._mcp = mcp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._offered.lifespan(self._list, self.app, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def refresh(self) -> None:
        """Lists the server again, for tools that it offers since: until then ``default`` decides on those that have no
        rule, whatever they declare.

        Raises ``ConfigError``; nothing has changed then.
        """
        await self._offered.refresh(self._list)

    async def _current(self) -> ResourceServer:
        return await self._offered.started(self._list)

    async def _list(self) -> list[Offered]:
        return [
            *(offer("tool", tool.name, tool.meta) for tool in await self._mcp.list_tools()),
            *(offer("prompt", prompt.name, prompt.meta) for prompt in await self._mcp.list_prompts()),
            *(offer("resource", resource.uri, resource.meta) for resource in await self._mcp.list_resources()),
            *(
                offer("resource", template.uri_template, template.meta)
                for template in await self._mcp.list_resource_templates()
            ),
        ]


class _Options(TypedDict):
    public: Iterable[str]
    health: str | None
    metrics: str | None
    scopes: Scopes


def protect(
    mcp: MCPServer[Any],
    gate: Gate,
    *,
    path: str | None = None,
    public: Iterable[str] = (),
    health: str | None = None,
    metrics: str | None = None,
    scopes: Scopes = (),
    strict: bool = False,
    expose_token: bool = False,
    **options: Unpack[StreamableHttpOptions],
) -> Protected:
    """The server's streamable HTTP application behind ``gate``: serve what this returns.

    A request that passes carries an authenticated user, so that ``get_access_token()`` works in tools, a session
    answers its owner alone, and ``requestState`` is bound to its principal. The scopes the SDK sees are the effective
    ones. Its ``token`` is ``""`` unless ``expose_token`` is set: MCP forbids passing a client's token on.

    ``gate``: the resource server, or a function that gives the current one: sessions go on while it changes, and the
    discovery document is the current one's.
    ``path``: where the server listens; the path of the resource by default, to be set when a proxy rewrites paths.
    ``public``, ``health``, ``metrics``, ``scopes``: as in ``ScopegateMiddleware``; routes of ``custom_route`` are
    guarded unless listed.
    ``strict``: have the server not start, with a ``ConfigError``, when a rule of the policy matches nothing that the
    server offers, or ``default`` alone decides on something that it offers. Otherwise the log tells.
    ``options``: those of ``streamable_http_app``. By default ``transport_security`` accepts the host of the resource on
    any port, and as ``Origin`` that of the resource, ``cors_origins`` and ``allowed_origins``.

    Raises ``ValueError`` when the server has ``auth=`` of its own, or when ``public`` holds the MCP path.
    """
    current = provider(gate)
    if mcp.settings.auth is not None:
        raise ValueError("MCPServer(auth=...): remove it, the resource server takes its place")
    path = path if path is not None else current().path or "/"
    public = frozenset(public)
    if path in public:
        raise ValueError(f"public: {path!r} is the path of the MCP server")
    given = options.get("transport_security")
    security = given if given is not None else TransportSecuritySettings()
    options["transport_security"] = security
    app: ASGIApp = mcp.streamable_http_app(streamable_http_path=path, **options)
    if given is None:
        app = _Hosts(app, security)
    offered = OfferedGate(current, strict)
    guarding = _Options(public=public, health=health, metrics=metrics, scopes=scopes)
    return Protected(SdkUser(app, expose_token), mcp, offered, **guarding)


def run(
    mcp: MCPServer[Any],
    gate: Gate,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    path: str | None = None,
    public: Iterable[str] = (),
    health: str | None = None,
    metrics: str | None = None,
    scopes: Scopes = (),
    strict: bool = False,
    expose_token: bool = False,
    **options: Unpack[StreamableHttpOptions],
) -> None:
    """Serves ``protect(...)`` with uvicorn until the process is told to stop."""
    import uvicorn

    app = protect(
        mcp,
        gate,
        path=path,
        public=public,
        health=health,
        metrics=metrics,
        scopes=scopes,
        strict=strict,
        expose_token=expose_token,
        **options,
    )
    uvicorn.run(app, host=host, port=port)


def list_filter(gate: Gate | None = None) -> ServerMiddleware[Any]:
    """Middleware for ``MCPServer(middleware=[...])`` that leaves out of each list what the caller may not use, and
    marks the list as private, so that no cache hands it to another caller.

    It hides names; it is ``protect`` that refuses the calls. Over stdio there is no caller, and lists stay whole.
    Over HTTP without ``protect`` in front nothing is listed. A request is filtered by the resource server that let it
    pass, so ``gate`` need not be given.
    """

    async def filter_list(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method not in _LISTS or ctx.request is None:
            return result
        listed = _wire_form(result)
        token, judge = ctx.request.scope.get(TOKEN), ctx.request.scope.get(GATE)
        member, kind, key = _LISTS[ctx.method]
        listed[member] = [
            item
            for item in listed.get(member, [])
            if isinstance(token, AccessToken)
            and isinstance(judge, ResourceServer)
            and judge.allowed(token, kind, item[key])
        ]
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            listed["cacheScope"] = "private"
        return listed

    return filter_list


class TokenVerifier:
    """The SDK's ``TokenVerifier`` interface, for servers that must keep the SDK's own gate. Prefer ``protect``.

    What is lost: a 401 names no scopes; a token that lacks ``required_scopes`` gets 401 where 403 is right, so
    clients cannot step up; when keys are unavailable the answer is a 500 without ``Retry-After``; several credentials
    in one request are not refused; a policy cannot be enforced at all, so a configuration with one is refused here.

    Pass ``AuthSettings(resource_server_url=<the resource>, required_scopes=[], validate_token_resource=True, ...)``
    beside it.
    """

    def __init__(self, gate: Gate, *, expose_token: bool = False) -> None:
        """Raises ``ValueError`` for a configuration with a policy."""
        self._provider = provider(gate)
        self._gate()
        self._expose_token = expose_token

    async def verify_token(self, token: str) -> SdkAccessToken | None:
        """What the token says, or ``None`` for one that was judged and refused.

        ``expires_at`` holds the leeway, since the SDK compares it with its own clock.

        Raises ``Rejected`` when nothing could be judged.
        """
        gate = self._gate()
        try:
            accepted = await gate.authorize_async(f"Bearer {token}")
        except Rejected as refusal:
            if refusal._undecided:
                raise
            return None
        verified = sdk_token(accepted, token, self._expose_token)
        verified.expires_at = accepted.expires_at + gate._leeway_seconds
        return verified

    def _gate(self) -> ResourceServer:
        gate = self._provider()
        if gate._has_policy:
            raise ValueError("a policy cannot be enforced by a verifier: use scopegate.mcp.protect")
        return gate


_LISTS: Mapping[str, tuple[str, Literal["tools", "prompts", "resources"], str]] = {
    "tools/list": ("tools", "tools", "name"),
    "prompts/list": ("prompts", "prompts", "name"),
    "resources/list": ("resources", "resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "resources", "uriTemplate"),
}
"""Method -> the member of its result that is a list, the kind of call that uses an item, the item's name."""


class _Hosts:
    """Has the SDK accept the host and the origins of the resource server that let a request pass: the SDK knows
    loopback names alone and answers every other ``Host`` with 421.
    """

    def __init__(self, app: ASGIApp, security: TransportSecuritySettings) -> None:
        self._app = app
        self._security = security
        self._gate: ResourceServer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = scope.get(GATE)
        if isinstance(gate, ResourceServer) and gate is not self._gate:
            origin = urlsplit(gate.origin)
            host = origin.netloc.removesuffix(f":{origin.port}")
            self._security.allowed_hosts = [host, f"{host}:*"]
            self._security.allowed_origins = [gate.origin, *gate._configured_origins]
            self._gate = gate
        await self._app(scope, receive, send)


def _wire_form(result: HandlerResult) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})
