"""The WSGI middleware under the servers that people use, and its examples."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FAULT, RESOURCE, Panicking
from example_server import running
from player import exchanged, suites
from wire import Answer, exchange, free_socket, http_request, wait_for

from scopegate import ResourceServer
from scopegate.testing import Issuer
from scopegate.wsgi import ScopegateMiddleware, require, token

LIMIT = 2000
METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--threads", "4", "--bind", "127.0.0.1:{port}", "wsgi_served:application"],
    "werkzeug": ["wsgi_served.py", "{port}"],
}


@pytest.fixture(scope="module")
def shared_issuer() -> Issuer:
    return Issuer(RESOURCE)


@pytest.fixture(params=list(SERVERS), scope="module")
def port(request: pytest.FixtureRequest, shared_issuer: Issuer) -> Iterator[int]:
    listener = free_socket()
    port = listener.getsockname()[1]
    listener.close()
    configuration = {
        "resource": RESOURCE,
        "authorization_servers": [shared_issuer.server()],
        "cors_origins": ["https://app.test"],
        "policy": {"default": "deny", "tools": {"weather": ["weather"]}, "max_body_bytes": LIMIT},
    }
    environment = {**os.environ, "GATE": json.dumps(configuration)}
    arguments = [argument.format(port=port) for argument in SERVERS[request.param]]
    server = subprocess.Popen([sys.executable, *arguments], cwd=Path(__file__).parent, env=environment)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def bearer(issuer: Issuer, scope: str = "api weather") -> str:
    return "Authorization: " + issuer.authorization(scope=scope, sub="alice")


def call(tool: str, **arguments: object) -> bytes:
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).encode()


def seen(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer
    told: dict[str, Any] = json.loads(answer.body)
    return told


def test_good_request_reaches_the_application_with_its_token_and_the_body_that_was_judged(
    port: int, shared_issuer: Issuer
) -> None:
    body = call("weather", city="Åbo")
    answer = exchange(port, http_request("POST", "/mcp", bearer(shared_issuer), body=body))
    assert seen(answer) == {"who": "alice", "body": body.decode(), "path": "/mcp"}
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = http_request("POST", "/mcp", bearer(shared_issuer), "Transfer-Encoding: chunked")
    assert seen(exchange(port, head + chunked))["body"] == body.decode()


def test_whatever_a_server_makes_of_framing_no_denied_call_gets_past_the_gate(port: int, shared_issuer: Issuer) -> None:
    """The shared exchanges. How a body ends is the server's to find: what it takes for the body, the gate judged."""
    [suite] = [suite for suite in suites() if suite["suite"] == "framing"]
    given = {name: {**claims, "scope": "api weather"} for name, claims in suite["tokens"].items()}
    tokens = {f"{{{name}}}": shared_issuer.mint(**claims) for name, claims in given.items()}
    reached = set()
    for case in suite["cases"]:
        answers = exchanged(port, case, True, dict(tokens))
        passed = [answer["body"] for answer in answers if '"who"' in answer.get("body", "")]
        assert not any("erase" in body for body in passed), (case["id"], passed)
        if any("weather" in body for body in passed):
            reached.add(case["id"])
    assert reached >= HONEST


HONEST = {
    "one-chunk-weather",
    "many-chunks-weather",
    "upper-case-size-weather",
    "http-1.0-weather",
    "expect-weather",
    "pipelined-good-twice",
    "pipelined-good-then-denied",
}
"""What gets through on every server. Without these the others would show nothing."""


def test_refusals_have_the_cores_bytes(port: int, shared_issuer: Issuer) -> None:
    unnamed = b'{"error":"unauthorized","error_description":"Bearer token required"}'
    challenge = f'Bearer scope="api", resource_metadata="{METADATA}"'
    answer = exchange(port, http_request("POST", "/mcp", body=call("weather")))
    assert (answer.status, answer.header("www-authenticate"), answer.body) == (401, challenge, unnamed)
    assert [name for name, _ in answer.decided] == [
        "content-type",
        "cache-control",
        "www-authenticate",
        "content-length",
    ]
    denied = exchange(port, http_request("POST", "/mcp", bearer(shared_issuer), body=call("erase")))
    assert (denied.status, json.loads(denied.body)["id"]) == (403, 7)
    assert exchange(port, http_request("POST", "/mcp", bearer(shared_issuer), body=b"{")).status == 400
    large = exchange(port, http_request("POST", "/mcp", bearer(shared_issuer), body=call("weather", x="x" * LIMIT)))
    assert large.status == 413
    head = exchange(port, http_request("HEAD", "/mcp"))
    assert (head.status, head.body) == (401, b"")


def test_repeated_lines_are_two_credentials_and_contradicting_headers(port: int, shared_issuer: Issuer) -> None:
    good = bearer(shared_issuer)
    for second in (good, "Authorization: Basic eDp5", "Authorization: x"):
        for lines in ((good, second), (second, good)):
            answer = exchange(port, http_request("POST", "/mcp", *lines, body=call("weather")))
            assert answer.status in (400, 401), lines
    version = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call")
    for names in (["Mcp-Name: weather", "Mcp-Name: erase"], ["Mcp-Name: erase"], []):
        request = http_request("POST", "/mcp", good, *version, *names, body=call("weather"))
        assert exchange(port, request).status == 400, names


def test_encoded_body_is_refused_where_it_decides(port: int, shared_issuer: Issuer) -> None:
    for coding in ("gzip", "identity, gzip"):
        lines = (bearer(shared_issuer), f"Content-Encoding: {coding}")
        answer = exchange(port, http_request("POST", "/mcp", *lines, body=gzip.compress(call("weather"))))
        assert (answer.status, answer.header("accept-encoding")) == (415, "identity")
    lines = (bearer(shared_issuer), "Content-Encoding: Identity")
    assert exchange(port, http_request("POST", "/mcp", *lines, body=call("weather"))).status == 200


def test_body_of_another_type_is_refused_where_it_decides(port: int, shared_issuer: Issuer) -> None:
    for kind in ("application/json; charset=utf-16", "text/plain", "application/json, text/plain"):
        lines = (bearer(shared_issuer), f"Content-Type: {kind}")
        assert exchange(port, http_request("POST", "/mcp", *lines, body=call("weather"))).status == 415, kind
    lines = (bearer(shared_issuer), "Content-Type: application/json; charset=UTF-8")
    assert exchange(port, http_request("POST", "/mcp", *lines, body=call("weather"))).status == 200


def test_open_paths_are_compared_exactly(port: int) -> None:
    assert exchange(port, http_request("GET", "/open")).status == 200
    assert exchange(port, http_request("GET", "/healthz")).body == b'{"status":"ok"}'
    assert exchange(port, http_request("POST", "/healthz", body=b"")).status == 401
    # Werkzeug's server drops the first slash before the application or we see the path.
    double = exchange(port, http_request("GET", "//open"))
    assert double.status == 401 or double.body == b"null"
    for target in ("/open/", "/OPEN", "/open;x", "/open%2f..%2fmcp", "/mcp/../open", "/open/../mcp", "/"):
        assert exchange(port, http_request("GET", target)).status == 401, target


def test_document_and_preflights_are_answered(port: int) -> None:
    document = exchange(port, http_request("GET", "/.well-known/oauth-protected-resource/mcp"))
    assert (document.status, json.loads(document.body)["resource"]) == (200, RESOURCE)
    assert exchange(port, http_request("GET", "/.well-known/oauth-protected-resource/other")).status == 404
    lines = ("Origin: https://app.test", "Access-Control-Request-Method: POST")
    preflight = exchange(port, http_request("OPTIONS", "/mcp", *lines, body=call("weather")))
    assert (preflight.status, preflight.header("access-control-allow-origin")) == (204, "https://app.test")


def test_handler_that_needs_more_names_all_that_is_needed(port: int, shared_issuer: Issuer) -> None:
    lines = (bearer(shared_issuer), "Origin: https://app.test")
    answer = exchange(port, http_request("GET", "/mcp/write", *lines))
    assert answer.status == 403
    assert 'scope="api write more weather"' in (answer.header("www-authenticate") or "")
    assert answer.header("access-control-allow-origin") == "https://app.test"
    granted = bearer(shared_issuer, "api write more")
    assert exchange(port, http_request("GET", "/mcp/write", granted)).body == b'"alice"'


# T57 (tests/attacks.md)
def test_fault_while_a_document_is_found_is_answered_and_the_request_goes_no_further(
    issuer: Issuer, gate: ResourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("the request went on")

    guarded = ScopegateMiddleware(application, gate, public=["/mcp"])
    monkeypatch.setattr(gate, "_native", Panicking(gate._native))
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        statuses.append(status)

    assert b"".join(guarded(environ(issuer, b""), start_response)) == FAULT
    assert statuses == ["500 Internal Server Error"]


def environ(issuer: Issuer, body: bytes, **further: Any) -> dict[str, Any]:
    authorization = issuer.authorization(scope="weather", sub="alice")
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/mcp",
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.input": io.BytesIO(body),
        **further,
    }


class TestBody:
    """Which bytes are the body, where servers tell it in different ways."""

    @pytest.fixture
    def received(self) -> list[dict[str, Any]]:
        return []

    @pytest.fixture
    def guarded(self, issuer: Issuer, received: list[dict[str, Any]]) -> ScopegateMiddleware:
        gate = ResourceServer(
            resource=RESOURCE,
            authorization_servers=[issuer.server()],
            policy={"default": "deny", "tools": {"weather": []}, "max_body_bytes": LIMIT},
        )

        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            received.append({"body": environ["wsgi.input"].read(), "length": environ["CONTENT_LENGTH"]})
            assert "HTTP_TRANSFER_ENCODING" not in environ, "what was judged is no chunks"
            start_response("200 OK", [])
            return []

        return ScopegateMiddleware(application, gate)

    def status(self, guarded: ScopegateMiddleware, environ: dict[str, Any]) -> str:
        statuses: list[str] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            statuses.append(status)

        guarded(environ, start_response)
        return statuses[0]

    def test_length_ends_the_body_and_the_application_reads_no_further(
        self, guarded: ScopegateMiddleware, issuer: Issuer, received: list[dict[str, Any]]
    ) -> None:
        good, more = call("weather"), call("erase")
        assert self.status(guarded, environ(issuer, good + more, CONTENT_LENGTH=str(len(good)))) == "200 OK"
        assert received == [{"body": good, "length": str(len(good))}]
        assert self.status(guarded, environ(issuer, good + more, CONTENT_LENGTH=str(len(good + more)))).startswith("4")

    def test_stream_that_ends_by_itself_is_read_to_its_end_whatever_length_is_claimed(
        self, guarded: ScopegateMiddleware, issuer: Issuer, received: list[dict[str, Any]]
    ) -> None:
        good, more = call("weather"), call("erase")
        ends: dict[str, Any] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        assert self.status(guarded, environ(issuer, good, **ends)) == "200 OK"
        claimed = environ(issuer, good + more, CONTENT_LENGTH=str(len(good)), **ends)
        assert self.status(guarded, claimed).startswith("400")
        assert [seen["body"] for seen in received] == [good]

    def test_without_a_length_or_an_end_there_is_no_body(
        self, guarded: ScopegateMiddleware, issuer: Issuer, received: list[dict[str, Any]]
    ) -> None:
        for length in ("", "x", "-5"):
            assert self.status(guarded, environ(issuer, call("erase"), CONTENT_LENGTH=length)) == "200 OK"
        assert [seen["body"] for seen in received] == [b"", b"", b""]

    def test_no_more_is_read_than_shows_that_it_is_too_much(
        self, guarded: ScopegateMiddleware, issuer: Issuer, received: list[dict[str, Any]]
    ) -> None:
        endless = environ(issuer, call("weather") + b" " * 10 * LIMIT, **{"wsgi.input_terminated": True})
        assert self.status(guarded, endless).startswith("413")
        assert endless["wsgi.input"].tell() <= LIMIT + 1
        assert received == []


def test_mistakes_of_the_program_are_told(gate: ResourceServer) -> None:
    with pytest.raises(ValueError, match="slash"):
        ScopegateMiddleware(lambda environ, start_response: [], gate, public=["open"])
    with pytest.raises(TypeError, match="list of strings"):
        ScopegateMiddleware(lambda environ, start_response: [], gate, scopes="api")
    with pytest.raises(RuntimeError, match="public"):
        token({})
    with pytest.raises(ValueError, match="at least one scope"):
        require({})


@pytest.mark.parametrize(
    ("program", "writing"), [("server_flask.py", "/reports"), ("server_django.py", "/reports/new")]
)
def test_example_server_runs_as_it_stands(issuer: Issuer, program: str, writing: str) -> None:
    with running(program, issuer, "/reports") as example:

        def ask(method: str, target: str, scope: str) -> Answer:
            token = issuer.authorization(**example.claims, scope=scope, sub="alice")
            host = f"127.0.0.1:{example.port}"
            return exchange(example.port, http_request(method, target, f"Authorization: {token}", body=b"", host=host))

        assert exchange(example.port, http_request("GET", "/healthz")).status == 200
        assert exchange(example.port, http_request("GET", "/reports")).status == 401
        assert json.loads(ask("GET", "/reports", "x").body) == {"reader": "alice"}
        assert json.loads(ask("POST", writing, "reports:write").body) == {"author": "alice"}
        short = ask("POST", writing, "x")
        assert (short.status, json.loads(short.body)["error"]) == (403, "insufficient_scope")
        assert 'scope="reports:write"' in (short.header("www-authenticate") or "")
