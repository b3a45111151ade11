"""The resource server."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypedDict

from scopegate._config import (
    Configuration,
    ConfigurationMembers,
    KeySnapshot,
    key_set_to_json,
    list_to_json,
    to_json,
)
from scopegate._declared import Offered, PolicyReport
from scopegate._errors import ConfigError, Rejected
from scopegate._event import AuditEvent
from scopegate._explanation import Explanation
from scopegate._log import log_refusal, logger
from scopegate._response import HttpResponse
from scopegate._scopegate import (
    AccessToken,
    Authorizer,
    KeyRequest,
    NeedBody,
    Request,
    Server,
    environment,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

HeaderLines = str | bytes | Sequence[str | bytes] | None
"""The values of all field lines of one header: one value, a list of values, or ``None``."""


class McpCall(NamedTuple):
    """A JSON-RPC request or notification that the host's own parser read."""

    method: str
    """The method, such as ``tools/call``."""
    name: str | None = None
    """What the method names: ``params.name`` or ``params.uri``.

    What ``completion/complete`` and ``subscriptions/listen`` are about cannot be said here: such a call is refused, and
    has to be handed in as ``body``.
    """
    id: object = None
    """The id of the request. What is no integer or string counts as unknown."""


class RequestDetails(TypedDict, total=False):
    """What else is known of a request; each may be left out."""

    method: str
    """The HTTP method."""
    target: str
    """The path, and the query if any, as received."""
    scopes: Sequence[str]
    """Scopes that this request needs beside ``required_scopes`` and the policy's."""
    body: bytes | None
    """The whole body, ``b""`` when the request has none; ``None`` when it was not read."""
    calls: Sequence[McpCall] | None
    """In place of ``body``: the calls in it, for hosts whose own parser ran first."""
    origin: HeaderLines
    """``Origin``."""
    protocol_version: HeaderLines
    """``MCP-Protocol-Version``."""
    mcp_method: HeaderLines
    """``Mcp-Method``."""
    mcp_name: HeaderLines
    """``Mcp-Name``."""
    now: int | None
    """The time to judge by, in seconds since 1970; the machine's clock when ``None``."""


class ResourceServer(Authorizer):
    """An OAuth 2.1 resource server: judges requests, and writes refusals and the discovery document.

    The keyword arguments are the members of ``Configuration``, each with its meaning, range and default there and in
    ``docs/configuration.md``; ``resource`` and ``authorization_servers`` alone are a complete, strict one. Nothing is
    fetched and no thread is started here. The object may be used from any thread and event loop, and in the children
    of a fork. Not checked: whether a token was revoked before it expires, and the ``Host`` header.

    Raises ``ConfigError`` with every mistake.
    """

    def __init__(self, **configuration: Unpack[Configuration]) -> None:
        self._open(to_json(configuration))

    @classmethod
    def from_json(cls, text: str) -> ResourceServer:
        """A resource server from the configuration as JSON, the same document for every language.

        Raises ``ConfigError`` with every mistake.
        """
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ConfigError([("", "expected text, not lone surrogates")]) from None
        server = cls.__new__(cls)
        server._open(text)
        return server

    @classmethod
    def from_env(cls, **overrides: Unpack[ConfigurationMembers]) -> ResourceServer:
        """A resource server from ``os.environ``. ``SCOPEGATE_CONFIG`` is the path of a JSON document, or
        ``SCOPEGATE_CONFIG_JSON`` is one. Before it go ``SCOPEGATE_RESOURCE``, ``SCOPEGATE_AUTHORIZATION_SERVERS``
        (issuers with commas or blanks between them, or a JSON list), ``SCOPEGATE_REQUIRED_SCOPES`` and
        ``SCOPEGATE_SCOPES_SUPPORTED`` (with blanks between them) and ``SCOPEGATE_KEY_SNAPSHOT`` (the path of what
        ``export_keys`` returned, as JSON); before these go the arguments, members of the configuration. A variable that
        is empty is not set, and others are left alone.

        Raises ``ConfigError`` with every mistake; the path of one names the variable that it is in.
        """
        variables = {name: os.environ[name] for name in environment() if name in os.environ}
        unfit = [(name, "expected UTF-8") for name, value in variables.items() if not _is_text(value)]
        if unfit:
            raise ConfigError(unfit)
        return cls._new(Server.from_variables(variables, to_json(overrides)))

    def derive(self, *, reset: Sequence[str] = (), **changes: Unpack[ConfigurationMembers]) -> ResourceServer:
        """The resource server that this one would be if its configuration were changed: for another resource of the
        same authorization servers, or for a new version of the configuration while requests run. This one stays as it
        is.

        Each member that is given replaces that member whole; ``None`` is a mistake. Members that ``reset`` names have
        their defaults again, unless they are given; with ``"all"`` the arguments are a whole configuration. The whole
        is checked like a new one, with its files read again.

        The keys of an authorization server are shared, replaced ones too, unless something has changed that governs
        where they are, or how they are fetched, kept and read; verified tokens are shared unless ``token_cache`` has
        changed. What was distrusted stays so, and so does what was declared. Each server counts its own decisions.

        Raises ``ConfigError`` with every mistake; nothing has been done then.
        """
        named = {"reset": list(reset)} if reset else {}
        return self._new(self._native.derive(to_json({**changes, **named})))

    def declare(self, offered: Iterable[Offered]) -> tuple[ResourceServer, PolicyReport]:
        """A resource server that also asks for the scopes which tools, prompts and resources declare, and how the
        configured policy fits all that is offered. This one stays as it is; both share the keys and the verified
        tokens, and each counts its own decisions.

        A declaration joins the rules for the method and the name: all their scopes are needed, and any denial refuses.
        So it can only ask for more; but where the name has no rule, it stands in the place of ``default``. Without a
        policy, what declares nothing needs ``required_scopes`` only, as before.

        Raises ``ConfigError`` with every mistake; the path of one is such as ``tools.weather``.
        """
        native, report = self._native.declare(list_to_json(offered))
        server = type(self).__new__(type(self))
        server._hold(native)
        return server, PolicyReport._read(report)

    async def authorize_async(self, authorization: HeaderLines, **request: Unpack[RequestDetails]) -> AccessToken:
        """As ``authorize``, for asyncio. Only missing keys leave the event loop's thread."""
        outcome = self._native.check_once(authorization, request)
        if type(outcome) is AccessToken:
            return outcome
        details = Request(authorization=authorization, **request)
        del authorization, request  # as in authorize
        return self._token(details, await self._fetched(details, outcome))

    def check(self, authorization: HeaderLines, **request: Unpack[RequestDetails]) -> AccessToken:
        """As ``authorize``, without ever waiting: when keys are missing, it starts to fetch them in the background and
        refuses this request with ``keys_unavailable``.
        """
        outcome = self._native.check_once(authorization, request)
        if type(outcome) is AccessToken:
            return outcome
        details = Request(authorization=authorization, **request)
        del authorization, request  # as in authorize
        if isinstance(outcome, KeyRequest):
            self._native.start_refresh(outcome)
            return self._token(details, self._native.check_after(details, outcome))
        return self._token(details, outcome)

    def require(self, token: AccessToken, **request: Unpack[RequestDetails]) -> None:
        """Checks a further need, such as the ``scopes`` of one route, on a token that was verified already.

        It does not look at the token's expiry again. With ``body`` or ``calls`` the policy is judged too, and with
        ``method="POST"`` the refusal has the form that MCP clients read.

        Raises ``Rejected``.
        """
        self._require(token, Request(**request))

    def explain(self, authorization: HeaderLines, **request: Unpack[RequestDetails]) -> Explanation:
        """Why a request would be accepted or refused now: every check in its order, with what was expected and found.
        For operators and for whoever holds the token.

        It decides as ``check`` does and leaves no traces: it fetches no keys, counts nothing, logs nothing, is no event
        and remembers no token. Where keys are missing it says so; ``warm_up`` fetches them.
        """
        return Explanation._read(*self._native.explain(authorization, request))

    def allowed(self, token: AccessToken, kind: Literal["tools", "prompts", "resources"], name: str) -> bool:
        """Whether the policy lets this token use what is named: to leave the rest out of lists."""
        return self._native.allowed(token, kind, name)

    def well_known(
        self,
        method: str,
        target: str,
        origin: HeaderLines = None,
        *,
        access_control_request_method: HeaderLines = None,
        access_control_request_headers: HeaderLines = None,
    ) -> HttpResponse | None:
        """The answer to a preflight (for any path) and to a request for the protected resource metadata
        (RFC 9728 section 3), or ``None``: then the request is the application's. The query of ``target`` is ignored.
        After a fault of the library it raises ``Rejected``.
        """
        return self._well_known(
            Request(
                method=method,
                target=target,
                origin=origin,
                access_control_request_method=access_control_request_method,
                access_control_request_headers=access_control_request_headers,
            )
        )

    def warm_up(self) -> None:
        """Fetches the keys of every issuer now, unless usable ones are held, and the authorization server's metadata
        where that is served. Blocks. Calling it is optional.

        Raises ``ConnectionError`` that names each issuer whose keys or metadata are not to be had, and the step that
        failed. Those that were fetched are kept.
        """
        self._native.warm_up()

    def distrust_key(self, issuer: str, kid: str) -> None:
        """Distrusts the keys that ``issuer`` publishes under ``kid``: from the return on, every call refuses tokens
        that name it as ``unknown_key``, in an outage too, and no key set answers with such a key, under another
        ``kid`` or none either. ``issuer`` is any of the configured ones, compared exactly.

        It holds for this process and the children that it forks from now on: other processes must be told, and there
        is no way back but a restart, which only ``distrusted_keys`` of the configuration outlives. It ends nothing
        that the application keeps for a token that was accepted before, such as a session or a stream.

        Like the other three below it waits for no network.

        Raises ``ValueError`` that names the argument and what is expected; nothing has changed then.
        """
        self._native.distrust_key(issuer, kid)

    def replace_keys(self, issuer: str, jwks: Mapping[str, object] | str) -> None:
        """Puts a key set (RFC 7517 section 5), or its JSON text, in the place of an issuer's: from the return on its
        keys alone answer, they do not age, and nothing is fetched until ``resume``. As with fetched ones, keys that
        cannot be used are left aside; at least one must be usable and not distrusted.

        It holds for this process and the children that it forks from now on, and is not exported.

        Raises ``ValueError`` that names the argument and what is expected; nothing has changed then.
        """
        self._native.replace_keys(issuer, key_set_to_json(jwks))

    def resume(self, issuer: str) -> None:
        """Ends ``replace_keys``: a fetch is due at once, and the replaced keys are used until one succeeded. Keys that
        are in the configuration are back at once. Does nothing where no keys were replaced, and trusts no distrusted
        key again.

        Raises ``ValueError`` when the issuer is not a configured one.
        """
        self._native.resume(issuer)

    def export_keys(self) -> KeySnapshot:
        """The fetched key sets, for ``keys={"snapshot": ...}`` of another process, which then needs no fetch to begin:
        ``json.dumps`` writes it to a file. The keys keep their age, and serve a server with the same issuers.

        It holds no secret, but whoever can change it can make tokens: keep it like the configuration. Not in it:
        keys that are too old, distrusted, replaced or configured, and the list of what is distrusted.
        """
        snapshot: KeySnapshot = json.loads(self._native.export_keys())
        return snapshot

    def stats(self) -> dict[str, Any]:
        """Counters: decisions by reason, fetches by outcome, and the state of each key source."""
        stats: dict[str, Any] = json.loads(self._native.stats())
        return stats

    def metrics(self) -> str:
        """The same counters as Prometheus text, to be served as ``text/plain; version=0.0.4; charset=utf-8``. It names
        issuers: show it to operators alone.
        """
        return self._native.metrics()

    def drain_events(self) -> list[AuditEvent]:
        """Takes the audit events that were kept since they were last taken, in the order of their decisions: one for
        each request that was accepted or refused, and for each refusal of ``require``. None where ``events`` is not
        configured.

        Nothing waits for who drains: without room events are dropped, and ``stats()["events"]["dropped"]`` counts
        them. A forked child begins without any. ``scopegate.audit`` drains into ``logging``.
        """
        return [json.loads(line) for line in self._drained_lines()]

    def _drained_lines(self) -> list[str]:
        """The same as JSON objects, each on a line."""
        return self._native.drain_events().split("\n")[:-1]

    def health(self) -> dict[str, Any]:
        """Whether tokens can be judged now, and what keeps them from it. ``status`` is ``unavailable`` while no
        issuer's key set is held, and only then: an issuer that is down takes no server out of rotation that has one.
        It is ``degraded`` while some issuer's keys are missing, old or all distrusted, else ``ok``.
        """
        health: dict[str, Any] = json.loads(self._native.health())
        return health

    @property
    def metadata_url(self) -> str:
        """Where clients find the protected resource metadata."""
        return self._native.metadata_url

    @property
    def resource(self) -> str:
        """The resource identifier, as configured."""
        return self._native.resource

    @property
    def hostname(self) -> str:
        """The host of the resource, without port."""
        return self._native.hostname

    @property
    def origin(self) -> str:
        """Scheme, host and port of the resource."""
        return self._native.origin

    @property
    def path(self) -> str:
        """The path of the resource."""
        return self._native.path

    @property
    def _has_policy(self) -> bool:
        return self._native.has_policy

    @property
    def _leeway_seconds(self) -> int:
        return self._native.leeway_seconds

    @property
    def _configured_origins(self) -> list[str]:
        return self._native.configured_origins

    def _open(self, text: str) -> None:
        self._begin(Server(text))

    @classmethod
    def _new(cls, native: Server) -> ResourceServer:
        server = cls.__new__(cls)
        server._begin(native)
        return server

    def _begin(self, native: Server) -> None:
        self._hold(native)
        for warning in native.warnings():
            logger.warning("configuration: %s", warning)

    def _hold(self, native: Server) -> None:
        self._native = native
        self._serve(native)
        self._flights = _Flights()

    async def _decide(self, request: Request) -> AccessToken | NeedBody | Rejected:
        return await self._fetched(request, self._native.check(request))

    async def _fetched(
        self, request: Request, outcome: AccessToken | KeyRequest | NeedBody | Rejected
    ) -> AccessToken | NeedBody | Rejected:
        """The outcome once missing keys were waited for."""
        if isinstance(outcome, KeyRequest):
            await self._fetch(outcome)
            return self._native.check_after(request, outcome)
        return outcome

    async def _fetch(self, keys: KeyRequest) -> None:
        """Waits for the one fetch of this key source. Whoever stops waiting leaves it running for the others."""
        loop = asyncio.get_running_loop()
        flights = self._flights.by_source
        flight = flights.get(keys.source)
        if flight is None or flight.done() or flight.get_loop() is not loop:
            flight = flights[keys.source] = loop.run_in_executor(None, self._native.refresh, keys)
        await asyncio.wait((flight,), timeout=keys.longest_wait)

    def _token(self, request: Request, outcome: AccessToken | NeedBody | Rejected) -> AccessToken:
        if isinstance(outcome, NeedBody):
            outcome = self._native.body_missing(request)
        return _refused(outcome) if isinstance(outcome, Rejected) else outcome

    def _require(self, token: AccessToken, request: Request) -> None:
        refusal = self._native.require(token, request)
        if refusal is not None:
            _refused(refusal)

    def _well_known(self, request: Request) -> HttpResponse | None:
        response = self._native.well_known(request)
        return None if response is None else HttpResponse(*response)

    def _not_found(self, request: Request) -> HttpResponse | None:
        """The answer for metadata that nobody serves, or ``None`` for every other path."""
        response = self._native.not_found(request)
        return None if response is None else HttpResponse(*response)

    def _health_response(self, request: Request) -> HttpResponse | None:
        """The answer to a probe, or ``None`` for another method than GET and HEAD."""
        response = self._native.health_response(request)
        return None if response is None else HttpResponse(*response)

    def _metrics_response(self, request: Request) -> HttpResponse | None:
        """The answer to a scraper, or ``None`` likewise."""
        response = self._native.metrics_response(request)
        return None if response is None else HttpResponse(*response)


def _refused(refusal: Rejected) -> NoReturn:
    log_refusal(refusal)
    raise refusal


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Flights(threading.local):
    """The fetches that this thread's event loop waits for, by key source."""

    def __init__(self) -> None:
        self.by_source: dict[int, asyncio.Future[None]] = {}
