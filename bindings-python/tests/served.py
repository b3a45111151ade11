"""The server that tests run with several workers: its configuration is in ``GATE``, and ``WARM_UP`` has it fetch keys
while it is loaded.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from scopegate import AccessToken, Rejected, ResourceServer
from scopegate.asgi import ScopegateMiddleware

gate = ResourceServer.from_json(os.environ["GATE"])
if "WARM_UP" in os.environ:
    gate.warm_up()


def told(token: AccessToken) -> dict[str, object]:
    """Who asked, and which worker answers. It takes its time, so that the next request is another worker's."""
    time.sleep(0.1)
    return {"subject": token.subject, "worker": os.getpid()}


def wsgi(environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """The server under a WSGI worker."""
    try:
        token = gate.authorize(environ.get("HTTP_AUTHORIZATION"))
    except Rejected as refused:
        start_response(f"{refused.status} Refused", list(refused.headers))
        return [refused.body]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told(token)).encode()]


async def answer(request: Request) -> JSONResponse:
    return JSONResponse(told(request.scope["scopegate.token"]))


asgi = ScopegateMiddleware(Starlette(routes=[Route("/mcp", answer)]), gate)
