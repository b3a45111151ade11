"""Writes down all that the package lets out, in each form of text it has, for ``tests/secrets`` to search (T55)."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import pytest
import test_vectors
from fastapi import Depends, FastAPI
from hosts import HOSTS, JSON
from test_vectors import SUITES, Case, details, gate_of
from wire import exchange, http_request, serving, serving_wsgi

import scopegate
import scopegate.fastapi
from scopegate import AccessToken, Call, ConfigError, Rejected, ResourceServer, _log, _scopegate, wsgi
from scopegate.asgi import ASGIApp, Receive, Scope, ScopegateMiddleware, Send
from scopegate.testing import Issuer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TRACES = Path(os.environ.get("SCOPEGATE_TRACES", test_vectors.REPOSITORY / "target" / "traces"))
PACKAGE = str(Path(scopegate.__file__).parent)


class Trace(logging.Handler):
    """What was let out, log lines of every logger included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(exc_info)s %(stack_info)s"))
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text += [self.format(record), repr(record.__dict__)]

    def forms(self, value: object) -> None:
        self.text += [str(value), repr(value), f"{value}"]
        if not isinstance(value, AccessToken | _scopegate.Request):
            self.text.append(pickle.dumps(value).decode("latin-1"))

    def error(self, error: BaseException) -> None:
        """The error with its causes."""
        self.forms(error)
        self.forms(error.__dict__)
        self.text += traceback.format_exception(error)

    def locals(self, error: BaseException) -> None:
        """The locals of our frames: services that collect errors keep them."""
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.text += [str(frame.locals) for frame in found.stack if frame.filename.startswith(PACKAGE)]

    def write(self, name: str) -> None:
        TRACES.mkdir(parents=True, exist_ok=True)
        text = "\n".join(self.text)
        (TRACES / f"{name}.txt").write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


@pytest.fixture
def trace() -> Iterator[Trace]:
    kept = Trace()
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)


async def test_every_outcome_is_written_down(trace: Trace) -> None:
    for suite in SUITES:
        for group in json.loads(suite.read_bytes())["groups"]:
            gate = gate_of(group)
            for case in group["cases"]:
                trace.text.append(f"== {case['id']}")
                await run(gate, case, trace)
            for shown in (gate, gate._native):
                trace.text += [str(shown), repr(shown)]
            trace.forms(gate.stats())
            trace.forms(gate.health())
    trace.write("python")


async def run(gate: ResourceServer, case: Case, trace: Trace) -> None:
    request = details(case["request"])
    authorization = request.pop("authorization", None)
    request["now"] = case["now"]
    trace.forms(_scopegate.Request(authorization=authorization, **request))
    trace.forms(gate.well_known(request["method"], request["target"], request.pop("origin", None)))
    for way in (gate.check, gate.authorize, gate.authorize_async):
        _log._limit.reset()
        try:
            token = way(authorization, **request)
            token = token if isinstance(token, AccessToken) else await token
            trace.forms(token)
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(token)
            gate.require(token, scopes=["a-scope-that-nobody-has"])
        except Rejected as refusal:
            trace.error(refusal)
            trace.locals(refusal)
            trace.forms(refusal.response)


def test_wrong_arguments_do_not_show_in_errors(trace: Trace) -> None:
    """The values may be tokens in the wrong place."""
    gate = ResourceServer(resource="https://mcp.test/mcp", authorization_servers=[Issuer().server()])
    token = Issuer().authorization(sub="canary-subject")
    arguments: list[tuple[str, Any]] = [
        ("authorization", bytearray(token.encode())),
        ("authorization", {"token": token}),
        ("authorization", [1, token]),
        ("now", token),
        ("calls", token),
        ("body", token),
        ("scopes", token),
        ("method", [token]),
    ]
    for name, value in arguments:
        with pytest.raises((TypeError, ValueError)) as error:
            gate.authorize(**{"authorization": None} | {name: value})
        trace.error(error.value)
    with pytest.raises(ConfigError) as mistakes:
        ResourceServer.from_json('{"resource": 1}')
    trace.error(mistakes.value)
    text = "\n".join(trace.text)
    assert "canary" not in text and not any(part in text for part in token.split(" ")[1].split("."))


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that shows what it was given of ours."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    shown = repr(scope["scopegate.token"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": shown})


def wsgi_passed(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """The same for WSGI."""
    start_response("200 OK", [])
    return [repr(environ["scopegate.token"]).encode()]


def fastapi_passed(gate: ResourceServer, scopes: Any) -> ASGIApp:
    """The same for FastAPI."""
    app = FastAPI()
    scopegate.fastapi.install(app, gate, scopes=scopes)

    @app.post("/mcp")
    def shown(token: Annotated[AccessToken, Depends(scopegate.fastapi.token)]) -> str:
        return repr(token)

    return cast(ASGIApp, app)


ADAPTERS: dict[str, Callable[[ResourceServer, Any], contextlib.AbstractContextManager[int]]] = {
    "asgi": lambda gate, scopes: serving(ScopegateMiddleware(passed, gate, scopes=scopes)),
    "mcp": lambda gate, scopes: serving(HOSTS["mcp"](gate, scopes)),
    "fastmcp": lambda gate, scopes: serving(HOSTS["fastmcp"](gate, scopes)),
    "fastapi": lambda gate, scopes: serving(fastapi_passed(gate, scopes)),
    "wsgi": lambda gate, scopes: serving_wsgi(wsgi.ScopegateMiddleware(wsgi_passed, gate, scopes=scopes)),
}


def failing(call: Call) -> list[str]:
    """A function of the call that fails for one client, with all that it was given in what it raises."""
    if call.token.client_id == "canary-failing":
        raise KeyError(call.token.claims, call.params, call)
    return []


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapter_lets_nothing_out(adapter: str, trace: Trace) -> None:
    issuer, resource = Issuer(), "https://mcp.test/mcp"
    call = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
        b'"clientInfo":{"name":"canary-client","version":"1"}}}'
    )
    marks: dict[str, Any] = {"sub": "canary-subject", "client_id": "canary-client", "marked": "canary-claim"}
    good = issuer.authorization(scope="mcp:read", **marks)
    values = [
        good,
        issuer.authorization(scope="mcp:read", expires_in=-3600, **marks),
        issuer.authorization(scope="canary-scope", **marks),
        issuer.authorization(aud="https://canary.test", **marks),
        issuer.authorization(iss="https://canary.test", **marks),
        issuer.authorization(scope="mcp:read", **{**marks, "client_id": "canary-failing"}),
        good[:-8] + "AAAAAAAA",
        good[:-8] + "~canary~",
        f"{good}, {good}",
    ]
    policy: Any = {"default": ["mcp:read"], "methods": {"initialize": ["mcp:read"]}, "tools": {"erase": "deny"}}
    server: Any = issuer.server()
    unreachable: Any = {"issuer": issuer.issuer, "jwks_uri": "http://127.0.0.1:1/keys"}
    statuses = set()
    for configured in (server, unreachable):
        gate = ResourceServer(resource=resource, authorization_servers=[configured], policy=policy)
        with ADAPTERS[adapter](gate, failing) as port:
            for value in values:
                _log._limit.reset()
                lines = (*JSON, f"Authorization: {value}")
                answer = exchange(port, http_request("POST", "/mcp?canary=1", *lines, body=call))
                statuses.add(answer.status)
                trace.text += [str(answer.headers), answer.body.decode()]
    assert statuses == {200, 400, 401, 403, 500, 503}
    trace.write(f"python-{adapter}")
    (TRACES / f"python-{adapter}.tokens").write_text("\n".join(values), encoding="utf-8")
