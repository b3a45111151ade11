"""FastAPI behind a resource server: ``install`` guards the application, ``token`` and ``require`` are dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

try:
    from fastapi import FastAPI, Request
    from fastapi.openapi.models import HTTPBearer
    from fastapi.security.base import SecurityBase
    from starlette.responses import Response
except ImportError as _missing:
    raise ImportError("scopegate.fastapi needs FastAPI 0.165 or newer: pip install 'scopegate[fastapi]'") from _missing

from scopegate._adapter import GATE, JUDGED, NEEDED, TOKEN, Gate, Options
from scopegate._errors import Rejected
from scopegate._need import AsyncScopesOfCall, Call, Scopes, ScopesOfCall, ask, calls_of
from scopegate._scopegate import AccessToken
from scopegate._scopegate import Request as Judged
from scopegate._server import ResourceServer
from scopegate.asgi import ScopegateMiddleware

__all__ = ["install", "require", "token"]


def install(
    app: FastAPI,
    gate: Gate,
    *,
    public: Iterable[str] = (),
    health: str | None = None,
    metrics: str | None = None,
    scopes: Scopes = (),
) -> None:
    """Guards every route of ``app``, ``/docs`` and ``/openapi.json`` included, but for the discovery document and the
    paths in ``public``, and answers a ``Rejected`` that a route or a dependency raises with its response.

    ``gate``, ``public``, ``health``, ``metrics``, ``scopes``: as in ``ScopegateMiddleware``. Middleware that is added
    later stands outside: add a CORS layer of your own after this, so that it sees refusals too. Applications that are
    mounted into this one are guarded as well; a ``Rejected`` that they raise themselves needs a handler of theirs.

    Raises ``ValueError`` when the application is guarded already, and what ``ScopegateMiddleware`` raises.
    """
    installed: list[object] = [middleware.cls for middleware in app.user_middleware]
    if ScopegateMiddleware in installed:
        raise ValueError("install: this application has a resource server already")
    # Starlette makes middleware at the first request; mistakes are told now.
    options = Options(public, health, metrics, scopes)
    given = options.need.function or options.need.fixed
    app.add_middleware(
        ScopegateMiddleware, gate=gate, public=options.public, health=health, metrics=metrics, scopes=given
    )
    app.add_exception_handler(Rejected, _refuse)


def require(*scopes: str | ScopesOfCall | AsyncScopesOfCall) -> Callable[[Request], Awaitable[AccessToken]]:
    """A dependency for routes that need these scopes too, beside ``required_scopes``: all of them. It gives the token.

    A function is given the ``Call`` and returns scopes, with or without ``await``. Where a policy had the body read, it
    is asked about each call in it; else once, with ``method`` and ``name`` ``None`` and the route's path parameters as
    ``params``. What it raises is answered with 500.

    A token that lacks one is answered with 403, and a challenge that names every scope that this request was found to
    need so far: those of ``install`` and of the dependencies before this one are in it.

    Raises ``ValueError`` when no scope is named.
    """
    if not scopes:
        raise ValueError("require: expected at least one scope")

    async def required(request: Request) -> AccessToken:
        verified = await token(request)
        gate: ResourceServer = request.scope[GATE]
        origin = request.headers.getlist("origin")
        asked: list[str] = []
        for scope in scopes:
            if isinstance(scope, str):
                asked.append(scope)
                continue
            for call in _calls(request, verified):
                asked += await ask(scope, call, gate, Judged(method=request.method, origin=origin))
        needed = request.scope[NEEDED] = (*request.scope[NEEDED], *asked)
        gate.require(verified, scopes=needed, method=request.method, origin=origin)
        return verified

    return required


def _calls(request: Request, verified: AccessToken) -> Iterator[Call]:
    judged: Judged | None = request.scope[JUDGED]
    if judged is None:
        return iter([Call(None, None, request.path_params, verified)])
    return calls_of(request.scope[GATE], judged, verified)


class _Token(SecurityBase):
    """The token of this request, as a dependency. It stands in the OpenAPI document as a bearer token.

    Raises ``RuntimeError`` on a path in ``public``: nothing was verified there.
    """

    model = HTTPBearer(bearerFormat="JWT", description="An access token of a configured authorization server.")
    scheme_name = "AccessToken"

    async def __call__(self, request: Request) -> AccessToken:
        verified = request.scope.get(TOKEN)
        if not isinstance(verified, AccessToken):
            raise RuntimeError("no token was verified: the path is public, or scopegate.fastapi.install was not called")
        return verified


token = _Token()
"""A dependency that gives the ``AccessToken`` of the request."""


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Rejected)
    response = Response(refusal.body, refusal.status)
    response.raw_headers = [
        (b"content-length", b"%d" % len(refusal.body)),
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in refusal.headers),
    ]
    return response
