"""The scopes that a call needs beside those of the configuration: a list, or a function of the call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scopegate._errors import Rejected
from scopegate._log import log_refusal
from scopegate._scopegate import AccessToken, Request
from scopegate._server import ResourceServer


@dataclass(frozen=True)
class Call:
    """What a function of the call is asked about: one JSON-RPC request or notification of a token that is good."""

    method: str | None
    """The method, such as ``tools/call``; ``None`` for a request that calls nothing: GET and DELETE of the MCP
    transport, an answer to a request of the server's.
    """
    name: str | None
    """The tool, the prompt or the URI of the resource; ``None`` for methods that name nothing, or many things."""
    params: Mapping[str, Any] = field(repr=False)
    """Its ``params``, parsed, and empty where there are none. Of a body in which two parsers could find different
    arguments nobody is asked: it is refused.
    """
    token: AccessToken
    """The verified token."""


ScopesOfCall = Callable[[Call], Iterable[str] | None]
"""Gives the scopes that a call needs too; ``None`` is none."""

AsyncScopesOfCall = Callable[[Call], Awaitable[Iterable[str] | None]]
"""The same, awaited."""

Scopes = Iterable[str] | ScopesOfCall | AsyncScopesOfCall
"""What an adapter takes as ``scopes``."""


class Need:
    """The ``scopes`` of an adapter, checked."""

    fixed: tuple[str, ...]
    """The scopes of every request."""
    function: ScopesOfCall | AsyncScopesOfCall | None
    """What is asked for the scopes of a call."""

    def __init__(self, scopes: Scopes) -> None:
        """Raises ``TypeError`` for a string in place of a list."""
        if isinstance(scopes, str):
            raise TypeError("scopes: expected a list of strings or a function, not one string")
        self.function = scopes if callable(scopes) else None
        self.fixed = () if callable(scopes) else tuple(scopes)

    async def of(self, gate: ResourceServer, request: Request, token: AccessToken) -> tuple[str, ...]:
        """Asks the function for each call in the body, and checks the token for all that it said.

        Raises ``Rejected``.
        """
        assert self.function is not None
        asked = [await ask(self.function, call, gate, request) for call in calls_of(gate, request, token)]
        return _checked(asked, gate, request, token)

    def of_sync(self, gate: ResourceServer, request: Request, token: AccessToken) -> tuple[str, ...]:
        """``of``, for hosts that cannot await."""
        assert self.function is not None
        asked = [_ask_sync(self.function, call, gate, request) for call in calls_of(gate, request, token)]
        return _checked(asked, gate, request, token)


def calls_of(gate: ResourceServer, request: Request, token: AccessToken) -> Iterator[Call]:
    """The calls in a body that was judged; where there are none, the request as a call of nothing.

    Raises ``Rejected``.
    """
    calls = gate._native.calls(request)
    if isinstance(calls, Rejected):
        log_refusal(calls)
        raise calls
    if not calls:
        yield Call(None, None, {}, token)
    for method, name, params in calls:
        yield Call(method, name, json.loads(params) if params is not None else {}, token)


async def ask(
    function: ScopesOfCall | AsyncScopesOfCall, call: Call, gate: ResourceServer, request: Request
) -> list[str]:
    """What the function says. Whatever it raises refuses the request as our own fault.

    Raises ``Rejected``.
    """
    try:
        answer = function(call)
        return _read(await answer if inspect.isawaitable(answer) else answer)
    except Exception as error:
        raise _fault(error, gate, request) from None


def _ask_sync(
    function: ScopesOfCall | AsyncScopesOfCall, call: Call, gate: ResourceServer, request: Request
) -> list[str]:
    try:
        answer = function(call)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise TypeError("this host cannot await")
        return _read(answer)
    except Exception as error:
        raise _fault(error, gate, request) from None


def _read(answer: Iterable[str] | None) -> list[str]:
    scopes = [] if answer is None else list(answer)
    if isinstance(answer, str) or not all(isinstance(scope, str) for scope in scopes):
        raise TypeError("expected a list of strings, or None")
    return scopes


def _checked(asked: list[list[str]], gate: ResourceServer, request: Request, token: AccessToken) -> tuple[str, ...]:
    """All that was asked for, each once, when the token has it."""
    needed = tuple(dict.fromkeys(scope for scopes in asked for scope in scopes))
    try:
        whole = request.with_scopes(needed)
    except UnicodeEncodeError as error:  # lone surrogates
        raise _fault(error, gate, request) from None
    gate._require(token, whole)
    return needed


def _fault(error: Exception, gate: ResourceServer, request: Request) -> Rejected:
    """The refusal for a fault of the function. What it raised is not shown: it may hold arguments or claims."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else ""
    refusal = gate._native.internal_error(request, f"the scopes function: {type(error).__name__}{where}")
    log_refusal(refusal)
    return refusal
