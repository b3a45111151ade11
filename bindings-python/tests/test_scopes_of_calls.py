"""``scopes=`` as a function of the call, behind the servers of the SDKs, ASGI, WSGI and FastAPI."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from conftest import RESOURCE
from fastapi import Depends, FastAPI
from hosts import EMAIL, HOSTS, JSON, MODERN, WEATHER, bearer, initialize, message, post, tool
from wire import Answer, exchange, http_request, serving, serving_wsgi

import scopegate.asgi
import scopegate.fastapi
import scopegate.wsgi
from scopegate import AccessToken, Call, Policy, ResourceServer
from scopegate._need import Scopes
from scopegate.asgi import ASGIApp, Receive, Scope, Send
from scopegate.testing import Issuer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
SERVER_ERROR = b'{"error":"server_error","error_description":"Internal error"}'
INVALID = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}'


async def read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part.get("body", b""), part.get("more_body", False)
    return body


def behind_asgi(gate: ResourceServer, scopes: Scopes) -> ASGIApp:
    """An application that answers with the body it got."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = await read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    return scopegate.asgi.ScopegateMiddleware(app, gate, scopes=scopes)


def behind_wsgi(gate: ResourceServer, scopes: Any) -> scopegate.wsgi.ScopegateMiddleware:
    """The same."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return scopegate.wsgi.ScopegateMiddleware(app, gate, scopes=scopes)


Serve = Callable[[ResourceServer, Any], "contextlib.AbstractContextManager[int]"]
SERVED: dict[str, Serve] = {
    "mcp": lambda gate, scopes: serving(HOSTS["mcp"](gate, scopes)),
    "fastmcp": lambda gate, scopes: serving(HOSTS["fastmcp"](gate, scopes)),
    "asgi": lambda gate, scopes: serving(behind_asgi(gate, scopes)),
    "wsgi": lambda gate, scopes: serving_wsgi(behind_wsgi(gate, scopes)),
}


class Recorder:
    """A function of the call that writes down what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[Call] = []
        self.answer: Callable[[Call], Any] = lambda call: None

    def __call__(self, call: Call) -> Any:
        self.asked.append(call)
        return self.answer(call)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=[*SERVED, "mcp-async", "fastmcp-async"])
def port(request: pytest.FixtureRequest, strict_gate: ResourceServer, recorder: Recorder) -> Iterator[int]:
    """Each host, with the function as it is and, where a host can await, as one that is awaited."""
    host, _, awaited = request.param.partition("-")

    async def later(call: Call) -> Any:
        return recorder(call)

    with SERVED[host](strict_gate, later if awaited else recorder) as port:
        yield port


def test_call_is_told_and_what_it_needs_joins_the_policys_need_in_one_challenge(
    port: int, issuer: Issuer, recorder: Recorder
) -> None:
    recorder.answer = lambda call: ["city:" + call.params["arguments"]["city"], WEATHER, "late"]
    body = tool("weather", city="turku")
    answer = post(port, bearer(issuer, scope=f"{WEATHER} city:turku"), body=body)
    need = f"{WEATHER} city:turku late"
    challenge = (
        f'Bearer error="insufficient_scope", scope="{need}", resource_metadata="{METADATA}", '
        f'error_description="Required scope: {need}"'
    )
    data = {"error": "insufficient_scope", "error_description": f"Required scope: {need}", "scope": need}
    refused = {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": -32001, "message": data["error_description"], "data": data},
    }
    assert (answer.status, answer.header("www-authenticate")) == (403, challenge)
    assert answer.body == json.dumps(refused, separators=(",", ":")).encode()
    (call,) = recorder.asked
    assert (call.method, call.name, call.token.subject) == ("tools/call", "weather", "alice")
    assert call.params == {"name": "weather", "arguments": {"city": "turku"}}
    granted = bearer(issuer, scope=f"{need}")
    assert post(port, granted, body=body).status != 403
    assert len(recorder.asked) == 2


def test_only_good_tokens_and_allowed_calls_are_asked_about(port: int, issuer: Issuer, recorder: Recorder) -> None:
    good, call = bearer(issuer), tool("weather", city="x")
    refused = {
        401: [post(port, body=call), post(port, bearer(issuer, expires_in=-3600), body=call)],
        403: [post(port, good, body=tool("send_email", to="x")), post(port, good, body=tool("drop_table", name="x"))],
        400: [post(port, good, body=b"{"), post(port, good, body=call[:-1] + b',"method":"tools/list"}')],
    }
    for status, answers in refused.items():
        assert [answer.status for answer in answers] == [status] * len(answers)
    assert recorder.asked == []


@pytest.mark.parametrize("nothing", [None, [], (), iter([])])
def test_nothing_more_may_be_needed(port: int, issuer: Issuer, recorder: Recorder, nothing: Any) -> None:
    recorder.answer = lambda call: nothing
    assert post(port, bearer(issuer), body=initialize()).status == 200
    assert [call.method for call in recorder.asked] == ["initialize"]


def raise_canary(call: Call) -> None:
    raise KeyError("canary " + str(call.params))


FAULTS: list[Callable[[Call], Any]] = [
    raise_canary,
    lambda call: "mcp:read",
    lambda call: [1],
    lambda call: 7,
    lambda call: ["not a scope"],
    lambda call: ["offline_access"],
    lambda call: ["\ud800"],
    lambda call: [""],
]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_the_function_is_ours_and_never_a_pass(
    port: int, issuer: Issuer, recorder: Recorder, fault: Callable[[Call], Any], caplog: pytest.LogCaptureFixture
) -> None:
    recorder.answer = fault
    with caplog.at_level(logging.INFO, "scopegate"):
        answer = post(port, bearer(issuer), body=tool("weather", city="canary-city"))
    assert (answer.status, answer.body, answer.header("www-authenticate")) == (500, SERVER_ERROR, None)
    lines = [record.getMessage() for record in caplog.records if record.name == "scopegate"]
    assert len(lines) == 1 and "internal" in lines[0] and "canary" not in caplog.text
    if fault is raise_canary:
        assert f"KeyError at {__file__}" in lines[0]


def test_requests_that_call_nothing_are_asked_about_once_without_a_method(
    port: int, issuer: Issuer, recorder: Recorder
) -> None:
    recorder.answer = lambda call: ["stream"] if call.method is None else []
    responded = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode()
    answers = [
        exchange(port, http_request("GET", "/mcp", *JSON, bearer(issuer))),
        exchange(port, http_request("DELETE", "/mcp", *JSON, bearer(issuer))),
        post(port, bearer(issuer), body=responded),
    ]
    assert [answer.status for answer in answers] == [403, 403, 403]
    assert all('scope="stream' in (answer.header("www-authenticate") or "") for answer in answers)
    assert [(call.method, call.name, call.params) for call in recorder.asked] == [(None, None, {})] * 3


def test_batch_needs_what_any_of_its_calls_needs(port: int, issuer: Issuer, recorder: Recorder) -> None:
    recorder.answer = lambda call: [call.method.replace("/", ":"), "both"] if call.method else ["none"]
    calls = [message("tools/list"), message("ping"), tool("weather", city="x")]
    batch = b"[" + b",".join(calls) + b"]"
    answer = post(port, bearer(issuer), body=batch)
    assert answer.status == 403
    assert f'scope="{WEATHER} tools:list both ping tools:call"' in (answer.header("www-authenticate") or "")
    assert [call.name for call in recorder.asked] == [None, None, "weather"]
    assert post(port, bearer(issuer, scope=f"{WEATHER} tools:list both ping tools:call"), body=batch).status != 403


AMBIGUOUS = ['{"value":1,"value":2}', '{"value":{"a":[{"b":1,"\\u0062":2}]}}', '{"value":1e999}', '{"value":"\\ud800"}']


@pytest.mark.parametrize("arguments", AMBIGUOUS)
def test_arguments_that_two_parsers_read_differently_are_refused_without_asking(
    port: int, issuer: Issuer, recorder: Recorder, arguments: str
) -> None:
    body = tool("echo").replace(b'"arguments": {}', f'"arguments":{arguments}'.encode())
    answer = post(port, bearer(issuer), body=body)
    assert (answer.status, answer.body) == (400, INVALID)
    assert recorder.asked == []


VALUES = [
    "0",
    "-0",
    "1E2",
    "1.0",
    "0.1",
    "123456789012345678901234567890",
    "1.7976931348623157e308",
    "5e-324",
    "1e-999",
    '"\\u00e5\\ud83d\\ude00\\/\\b"',
    '"\u2028\\u0000"',
    '{"__proto__":{"A":1,"a":2},"":[[],{},null,true]}',
    '"__class__"',
]


@pytest.mark.parametrize("host", HOSTS)
def test_function_sees_the_arguments_that_the_tool_gets(
    host: str, issuer: Issuer, gate: ResourceServer, recorder: Recorder
) -> None:
    app = HOSTS[host](gate, recorder)
    with serving(app) as port:
        opened = post(port, bearer(issuer), body=initialize())
        session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"
        for value in VALUES:
            recorder.asked.clear()
            body = tool("echo").replace(b'"arguments": {}', f'"arguments": {{"value": {value}}}'.encode())
            answer = post(port, bearer(issuer), session, body=body)
            told = json.loads(answer.body.partition(b"data: ")[2].partition(b"\r\n")[0])
            got = told["result"]["content"][0]["text"]
            (call,) = recorder.asked
            assert json.dumps(call.params["arguments"]["value"]) == got, value


@pytest.mark.parametrize("host", SERVED)
def test_without_a_policy_the_body_is_read_as_strictly(
    host: str, issuer: Issuer, gate: ResourceServer, recorder: Recorder
) -> None:
    recorder.answer = lambda call: ["more"] if call.name == "weather" else []
    with SERVED[host](gate, recorder) as port:
        assert post(port, bearer(issuer), body=tool("weather", city="x")).status == 403
        assert post(port, bearer(issuer), body=initialize()).status == 200
        asked = len(recorder.asked)
        twice = tool("free").replace(b'"name": "free"', b'"name":"weather","name":"free"')
        lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/call", "Mcp-Name: free")
        for body, status in ((twice, 400), (b'{"city":"x"}', 400), (b" " * (4 * 1024 * 1024 + 1), 413)):
            assert post(port, bearer(issuer), body=body).status == status
        assert post(port, bearer(issuer), *lines, body=tool("weather", city="x")).status == 400
        assert len(recorder.asked) == asked


@pytest.mark.parametrize("host", SERVED)
def test_arguments_are_read_where_headers_stand_for_the_body(host: str, issuer: Issuer, recorder: Recorder) -> None:
    policy: Policy = {"default": [], "tools": {"weather": [WEATHER]}, "headers_verified": True}
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()], policy=policy)
    recorder.answer = lambda call: ["city:" + call.params["arguments"]["city"]]
    lines = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/call", "Mcp-Name: weather")
    with SERVED[host](gate, recorder) as port:
        answer = post(port, bearer(issuer), *lines, body=tool("weather", city="turku"))
        assert answer.status == 403
        assert f'scope="{WEATHER} city:turku"' in (answer.header("www-authenticate") or "")
        assert post(port, bearer(issuer), *lines, body=tool("echo", city="turku")).status == 400
        assert len(recorder.asked) == 1


def test_call_shows_no_argument_and_no_claim() -> None:
    token = ResourceServer(resource=RESOURCE, authorization_servers=[(issuer := Issuer(RESOURCE)).server()]).authorize(
        issuer.authorization(sub="canary")
    )
    assert "canary" not in repr(Call("tools/call", "weather", {"city": "canary"}, token))


def test_functions_that_wsgi_cannot_await_are_refused(issuer: Issuer, gate: ResourceServer) -> None:
    async def later(call: Call) -> list[str]:
        return []

    class Later:
        def __call__(self, call: Call) -> Awaitable[list[str]]:
            return later(call)

    with pytest.raises(TypeError, match="asynchronous"):
        behind_wsgi(gate, later)
    with serving_wsgi(behind_wsgi(gate, Later())) as port:
        assert post(port, bearer(issuer), body=initialize()).status == 500


Token = Annotated[AccessToken, Depends(scopegate.fastapi.token)]


class TestFastApi:
    """``require`` with a function, on routes."""

    def ask(self, port: int, method: str, target: str, authorization: str, body: bytes = b"") -> Answer:
        return exchange(port, http_request(method, target, authorization, "Content-Type: application/json", body=body))

    async def test_function_is_asked_about_the_path(self, issuer: Issuer, gate: ResourceServer) -> None:
        app = FastAPI()
        scopegate.fastapi.install(app, gate, scopes=["api"])
        asked: list[Call] = []

        def by_id(call: Call) -> list[str]:
            asked.append(call)
            return [f"report:{call.params['id']}"]

        async def by_subject(call: Call) -> list[str] | None:
            return [f"as:{call.token.subject}"] if call.token.subject else None

        needed = scopegate.fastapi.require("reports", by_id, by_subject)

        @app.get("/reports/{id}", dependencies=[Depends(needed)])
        def report(id: str, token: Token) -> str | None:
            return token.subject

        @app.get("/broken/{id}", dependencies=[Depends(scopegate.fastapi.require(raise_canary))])
        def broken(id: str) -> None:
            raise AssertionError

        whole = "api reports report:7 as:alice"
        with serving(app) as port:
            answer = self.ask(port, "GET", "/reports/7", bearer(issuer, scope="api reports"))
            assert (answer.status, json.loads(answer.body)["scope"]) == (403, whole)
            assert self.ask(port, "GET", "/reports/7", bearer(issuer, scope=whole)).body == b'"alice"'
            broken_answer = self.ask(port, "GET", "/broken/7", bearer(issuer, scope="api"))
            assert (broken_answer.status, broken_answer.body) == (500, SERVER_ERROR)
            assert self.ask(port, "GET", "/reports/7", "X: y").status == 401
        assert [(call.method, call.name, call.params) for call in asked] == [(None, None, {"id": "7"})] * 2

    def test_function_is_asked_about_the_call_where_a_policy_read_it(
        self, issuer: Issuer, strict_gate: ResourceServer
    ) -> None:
        app = FastAPI()
        scopegate.fastapi.install(app, strict_gate)

        @app.post("/mcp", dependencies=[Depends(scopegate.fastapi.require(lambda call: [f"to:{call.name}"]))])
        def mcp() -> str:
            return "ran"

        with serving(app) as port:
            answer = self.ask(port, "POST", "/mcp", bearer(issuer), tool("weather", city="x"))
            assert (answer.status, json.loads(answer.body)["scope"]) == (403, "to:weather")
            granted = bearer(issuer, scope=f"{WEATHER} {EMAIL} to:weather")
            assert self.ask(port, "POST", "/mcp", granted, tool("weather", city="x")).body == b'"ran"'
