"""What an MCP server offers joined with its policy: the scopes that stand beside a tool, and what the policy forgot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from scopegate._declared import Offered, OfferedKind
from scopegate._errors import ConfigError
from scopegate._log import logger
from scopegate._server import ResourceServer
from scopegate.asgi import ASGIApp, Receive, Scope, Send

META = "scopegate/scopes"
"""The member of a tool's ``meta`` that holds the scopes it needs, or ``"deny"``."""

Lister = Callable[[], Awaitable[list[Offered]]]
"""Lists all that a server offers."""


def offer(kind: OfferedKind, name: str, meta: Mapping[str, Any] | None, further: Iterable[str] = ()) -> Offered:
    """A tool, prompt or resource with what its ``meta`` and the SDK's own means declare."""
    declared = (meta or {}).get(META)
    more = list(further)
    if more and (declared is None or isinstance(declared, list | tuple)):  # anything else is "deny" or a mistake
        declared = [*(declared or ()), *more]
    return {"kind": kind, "name": name} if declared is None else {"kind": kind, "name": name, "scopes": declared}


class OfferedGate:
    """The current resource server joined with what a server offers."""

    def __init__(self, provider: Callable[[], ResourceServer], strict: bool) -> None:
        self._provider = provider
        self._strict = strict
        self._offered: list[Offered] | None = None
        self._joined: tuple[ResourceServer, ResourceServer] | None = None

    def now(self) -> ResourceServer:
        """The current resource server, joined with what was listed last."""
        configured = self._provider()
        if self._offered is None:
            return configured
        if self._joined is None or self._joined[0] is not configured:
            self._joined = configured, _joined(configured, self._offered, strict=False)
        return self._joined[1]

    def listed(self) -> ResourceServer | None:
        """The same, or ``None`` before the server was listed for the first time."""
        return None if self._offered is None else self.now()

    async def started(self, lister: Lister) -> ResourceServer:
        """The same, after the server was listed for the first time."""
        if self._offered is None:
            await self.refresh(lister)
        return self.now()

    async def refresh(self, lister: Lister) -> None:
        """Lists the server again. Requests are judged by the last list until this one is there.

        Raises ``ConfigError`` for scopes that are none and, when strict, for what the policy forgot; nothing has
        changed then.
        """
        offered = await lister()
        configured = self._provider()
        self._joined = configured, _joined(configured, offered, strict=self._strict)
        self._offered = offered

    async def lifespan(self, lister: Lister, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Lists the server when it starts, and has it not start when it must not."""
        try:
            await self.started(lister)
        except Exception as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await app(scope, receive, send)


def _joined(configured: ResourceServer, offered: list[Offered], *, strict: bool) -> ResourceServer:
    """``configured`` itself where nothing is declared, so that its counters go on."""
    declared, report = configured.declare(offered)
    if strict and report.forgotten:
        raise ConfigError(report.forgotten)
    if declared._has_policy:
        for path, message in report.forgotten:
            logger.warning("policy: %s: %s", path, message)
    return declared if any("scopes" in entry for entry in offered) else configured
