"""The middleware on a real server and on raw sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import FAULT, RESOURCE, Panicking
from wire import exchange, http_request, parse, read_all, serving

from scopegate import ResourceServer
from scopegate.asgi import Message, Receive, Scope, ScopegateMiddleware, Send
from scopegate.testing import Issuer

CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "weather"}}).encode()
LIMIT = 2000
WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp"


class Application:
    """Tells what it received: the method, the token's subject and the body's messages."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.left = threading.Event()
        self.lifespan: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                self.lifespan.append(message["type"])
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        token = scope.get("scopegate.token")
        self.seen.append(
            {
                "method": scope["method"],
                "path": scope["path"],
                "who": token and token.subject,
                "body": b"".join(message["body"] for message in messages),
            }
        )
        if scope["path"] == "/events":
            await self.stream(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"passed"})

    async def stream(self, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        self.left.set()


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def strict_gate(issuer: Issuer) -> ResourceServer:
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        cors_origins=["https://app.test"],
        policy={"default": "deny", "tools": {"weather": ["mcp:tools:weather"]}, "max_body_bytes": LIMIT},
    )


@pytest.fixture
def port(application: Application, strict_gate: ResourceServer) -> Iterator[int]:
    app = ScopegateMiddleware(application, strict_gate, public=["/open"], health="/healthz")
    with serving(app) as port:
        yield port


@pytest.fixture
def bearer(issuer: Issuer) -> str:
    return "Authorization: " + issuer.authorization(scope="mcp:tools:weather", sub="alice")


def test_good_request_reaches_the_application_with_its_token_and_body(
    port: int, application: Application, bearer: str
) -> None:
    answer = exchange(port, http_request("POST", "/mcp", bearer, body=CALL))
    assert (answer.status, answer.body) == (200, b"passed")
    assert application.seen == [{"method": "POST", "path": "/mcp", "who": "alice", "body": CALL}]


def test_request_without_a_token_is_refused_with_the_cores_bytes(port: int, application: Application) -> None:
    answer = exchange(port, http_request("POST", "/mcp", body=CALL))
    assert answer.status == 401
    assert answer.decided == [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("www-authenticate", f'Bearer resource_metadata="https://mcp.test{WELL_KNOWN}"'),
        ("content-length", "68"),
    ]
    assert answer.body == b'{"error":"unauthorized","error_description":"Bearer token required"}'
    assert application.seen == []


# T65 (tests/attacks.md)
def test_two_authorization_lines_are_two_credentials(port: int, application: Application, bearer: str) -> None:
    for second in (bearer, "Authorization: Basic eDp5", "authorization:"):
        assert exchange(port, http_request("POST", "/mcp", bearer, second, body=CALL)).status == 400
        assert exchange(port, http_request("POST", "/mcp", second, bearer, body=CALL)).status == 400
    assert application.seen == []


def test_comma_joined_credentials_are_two_credentials(port: int, application: Application, bearer: str) -> None:
    joined = bearer + ", " + bearer.partition(": ")[2]
    answer = exchange(port, http_request("POST", "/mcp", joined, body=CALL))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")
    assert application.seen == []


def test_token_in_the_query_is_not_read(port: int, issuer: Issuer) -> None:
    token = issuer.mint(scope="mcp:tools:weather")
    assert exchange(port, http_request("POST", f"/mcp?access_token={token}", body=CALL)).status == 401


def test_strangers_cannot_make_us_read_a_body(port: int) -> None:
    """The refusal comes while the body is still missing."""
    for authorization in ([], ["Authorization: Bearer a.b.c"]):
        head = http_request("POST", "/mcp", "Content-Length: 1000", *authorization)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head)
            assert connection.recv(12) == b"HTTP/1.1 401"


def test_body_in_pieces_reaches_the_application_as_one(port: int, application: Application, bearer: str) -> None:
    head = http_request("POST", "/mcp", bearer, "Transfer-Encoding: chunked")
    pieces = [CALL[index : index + 10] for index in range(0, len(CALL), 10)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    assert exchange(port, head + chunks + b"0\r\n\r\n").status == 200
    assert application.seen[0]["body"] == CALL


def test_body_over_the_limit_is_refused_before_it_is_whole(port: int, application: Application, bearer: str) -> None:
    head = http_request("POST", "/mcp", bearer, "Content-Length: 1000000")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b" " * (LIMIT + 1))
        answer = parse(read_all(connection))
    assert answer.status == 413
    assert answer.body == b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Request too large"}}'
    assert application.seen == []


def test_body_of_exactly_the_limit_passes(port: int, application: Application, bearer: str) -> None:
    body = CALL + b" " * (LIMIT - len(CALL))
    assert exchange(port, http_request("POST", "/mcp", bearer, body=body)).status == 200
    assert application.seen[0]["body"] == body


def test_client_that_leaves_while_its_body_is_read_disturbs_nobody(
    port: int, application: Application, bearer: str
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(http_request("POST", "/mcp", bearer, "Content-Length: 1000") + b"{")
    assert exchange(port, http_request("POST", "/mcp", bearer, body=CALL)).status == 200
    assert len(application.seen) == 1


@pytest.mark.parametrize("coding", ["gzip", "x-unknown", "identity, gzip"])
def test_encoded_body_that_decides_is_refused(port: int, application: Application, bearer: str, coding: str) -> None:
    body = gzip.compress(CALL)
    answer = exchange(port, http_request("POST", "/mcp", bearer, f"Content-Encoding: {coding}", body=body))
    assert answer.status == 415
    assert answer.header("accept-encoding") == "identity"
    assert application.seen == []


def test_identity_is_no_encoding(port: int, bearer: str) -> None:
    assert exchange(port, http_request("POST", "/mcp", bearer, "Content-Encoding: identity", body=CALL)).status == 200


def test_encoded_body_that_does_not_decide_is_the_applications(issuer: Issuer, gate: ResourceServer) -> None:
    application = Application()
    with serving(ScopegateMiddleware(application, gate)) as port:
        value = "Authorization: " + issuer.authorization()
        assert exchange(port, http_request("POST", "/mcp", value, "Content-Encoding: gzip", body=b"xyz")).status == 200
    assert application.seen[0]["body"] == b"xyz"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_request_without_a_body_needs_the_token_alone(
    port: int, application: Application, bearer: str, method: str
) -> None:
    assert exchange(port, http_request(method, "/mcp", bearer)).status == 200
    assert exchange(port, http_request(method, "/mcp")).status == 401
    assert [seen["method"] for seen in application.seen] == [method]


def test_refused_head_has_the_headers_of_the_refusal_and_no_body(port: int) -> None:
    get = exchange(port, http_request("GET", "/mcp"))
    head = exchange(port, http_request("HEAD", "/mcp"))
    assert (head.status, head.body) == (401, b"")
    assert head.decided == get.decided


def test_event_stream_passes_untouched_and_sees_the_client_leave(
    port: int, application: Application, bearer: str
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(http_request("GET", "/events", bearer))
        received = b""
        while not received.endswith(b"data: 2\n\n\r\n"):
            received += connection.recv(65536)
    answer = parse(received + b"0\r\n\r\n")
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert ("content-length", "0") not in answer.headers
    assert application.left.wait(10)


def test_public_path_is_compared_exactly(port: int, application: Application) -> None:
    assert exchange(port, http_request("GET", "/open")).status == 200
    assert application.seen[0]["who"] is None
    others = ("/open/", "/open/x", "/OPEN", "//open", "/open%2f", "/x/../open", "/open;a", "/.%2fopen", "/%6fpen")
    for other in others:
        assert exchange(port, http_request("GET", other)).status == 401, other
    assert exchange(port, http_request("GET", "/open?x=1")).status == 200


def test_public_path_is_no_other_route_whatever_is_escaped_in_it(gate: ResourceServer) -> None:
    async def routes_by_what_was_sent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await Application()(scope, receive, send)
        body = b"open" if scope["raw_path"] in (b"/open/a!b", b"/open/%C3%A4%20b") else b"guarded"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    app = ScopegateMiddleware(routes_by_what_was_sent, gate, public=["/open/a!b", "/open/\u00e4 b"])
    with serving(app) as port:
        for target in ("/open/a!b", "/open/%C3%A4%20b"):
            assert exchange(port, http_request("GET", target)).body == b"open"
        for target in ("/open%2Fa!b", "/open/a%21b", "/%6fpen/a!b", "/open%2f%C3%A4%20b"):
            assert exchange(port, http_request("GET", target)).status == 401, target


def test_health_needs_no_token_and_tells_the_status_alone(port: int, application: Application) -> None:
    answer = exchange(port, http_request("GET", "/healthz"))
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    head = exchange(port, http_request("HEAD", "/healthz"))
    assert (head.status, head.body, head.header("content-length")) == (200, b"", "15")
    assert exchange(port, http_request("POST", "/healthz", body=b"{}")).status == 401
    assert application.seen == []


def test_metadata_needs_no_token(port: int, application: Application) -> None:
    get = exchange(port, http_request("GET", WELL_KNOWN))
    assert get.status == 200 and json.loads(get.body)["resource"] == RESOURCE
    assert get.header("access-control-allow-origin") == "*"
    head = exchange(port, http_request("HEAD", WELL_KNOWN))
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == str(len(get.body))
    assert exchange(port, http_request("POST", WELL_KNOWN, body=b"")).status == 405
    assert application.seen == []


def test_other_paths_under_the_well_known_one_are_not_found(port: int, application: Application) -> None:
    for path in ("/.well-known/oauth-protected-resource", f"{WELL_KNOWN}/x", "/.well-known/oauth-protected-resource/y"):
        answer = exchange(port, http_request("GET", path))
        assert (answer.status, answer.header("content-type")) == (404, "application/json"), path
    assert exchange(port, http_request("GET", "/.well-known/oauth-protected-resourcex")).status == 401
    assert application.seen == []


# T57 (tests/attacks.md)
def test_fault_while_a_document_is_found_is_answered_and_the_request_goes_no_further(
    port: int, application: Application, strict_gate: ResourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_gate, "_native", Panicking(strict_gate._native))
    for path in ("/open", "/healthz", WELL_KNOWN, f"{WELL_KNOWN}/x"):
        answer = exchange(port, http_request("GET", path))
        assert (answer.status, answer.body) == (500, FAULT), path
    assert application.seen == []


def test_preflight_is_never_challenged_and_never_passed_on(port: int, application: Application) -> None:
    preflight = ["Origin: https://app.test", "Access-Control-Request-Method: POST"]
    for path in ("/mcp", "/open", "/healthz"):
        answer = exchange(port, http_request("OPTIONS", path, *preflight))
        assert answer.status == 204, path
        assert answer.header("access-control-allow-origin") == "https://app.test"
        assert answer.header("content-length") is None
    assert exchange(port, http_request("OPTIONS", "/mcp")).status == 401
    assert application.seen == []


def test_listed_origin_may_read_the_refusal(port: int) -> None:
    answer = exchange(port, http_request("POST", "/mcp", "Origin: https://app.test", body=CALL))
    assert answer.header("access-control-allow-origin") == "https://app.test"
    assert answer.header("access-control-expose-headers") == "WWW-Authenticate, Retry-After"


def test_websocket_is_refused_before_it_opens(port: int, application: Application, bearer: str) -> None:
    upgrade = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    for path in ("/mcp", "/open"):
        request = http_request("GET", path, bearer, *upgrade).replace(b"Connection: close", b"Connection: Upgrade")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 403"
    assert application.seen == []


def test_refused_websocket_is_closed_for_a_violation_of_policy(application: Application, gate: ResourceServer) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(ScopegateMiddleware(application, gate)({"type": "websocket", "path": "/mcp"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert application.seen == []


def test_lifespan_reaches_the_application(application: Application, gate: ResourceServer) -> None:
    with serving(ScopegateMiddleware(application, gate)):
        assert application.lifespan == ["lifespan.startup"]
    assert application.lifespan == ["lifespan.startup", "lifespan.shutdown"]


def test_scopes_of_the_middleware_are_needed_by_every_request(issuer: Issuer, gate: ResourceServer) -> None:
    with serving(ScopegateMiddleware(Application(), gate, scopes=["reports:write"])) as port:
        short = exchange(port, http_request("GET", "/", "Authorization: " + issuer.authorization(scope="x")))
        assert short.status == 403
        assert 'scope="reports:write"' in (short.header("www-authenticate") or "")
        good = issuer.authorization(scope="reports:write")
        assert exchange(port, http_request("GET", "/", "Authorization: " + good)).status == 200


async def test_prefix_of_a_proxy_or_parent_application_is_not_part_of_the_path(gate: ResourceServer) -> None:
    app = ScopegateMiddleware(Application(), gate, public=["/open"])
    assert await status(app, "/api/open", root_path="/api") == 200
    assert await status(app, f"/api{WELL_KNOWN}", root_path="/api") == 200
    assert await status(app, WELL_KNOWN, root_path="/api") == 200
    assert await status(app, "/apiopen", root_path="/api") == 401
    assert await status(app, "/open/open", root_path="/open") == 200
    assert await status(app, "/open", root_path="/open") == 401


async def status(app: ScopegateMiddleware, path: str, root_path: str) -> int:
    """The status of a GET as a server without ``raw_path`` hands it in."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "root_path": root_path, "headers": []}
    await app(scope, receive, send)
    code: int = sent[0]["status"]
    return code


async def test_scope_of_an_unknown_type_is_an_error(gate: ResourceServer) -> None:
    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    with pytest.raises(ValueError):
        await ScopegateMiddleware(Application(), gate)({"type": "telepathy"}, receive, send)


def test_paths_without_a_slash_and_single_strings_are_refused(gate: ResourceServer) -> None:
    wrong: list[dict[str, Any]] = [
        {"public": ["open"]},
        {"health": "healthz"},
        {"metrics": "metrics"},
        {"public": "/open"},
        {"scopes": "a b"},
    ]
    for arguments in wrong:
        with pytest.raises((ValueError, TypeError)):
            ScopegateMiddleware(Application(), gate, **arguments)


async def test_requests_at_the_same_time_keep_their_own_tokens(issuer: Issuer, strict_gate: ResourceServer) -> None:
    application = Application()
    app = ScopegateMiddleware(application, strict_gate)

    async def one(user: str) -> None:
        authorization = issuer.authorization(scope="mcp:tools:weather", sub=user).encode()
        body = CALL.replace(b"{", b'{"user":"%s",' % user.encode(), 1)

        async def receive() -> Message:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            await asyncio.sleep(0)

        headers = [(b"authorization", authorization)]
        await app({"type": "http", "method": "POST", "path": "/mcp", "headers": headers}, receive, send)

    users = [f"user{number}" for number in range(20)]
    await asyncio.gather(*(one(user) for user in users))
    assert sorted(seen["who"] for seen in application.seen) == sorted(users)
    assert all(json.loads(seen["body"])["user"] == seen["who"] for seen in application.seen)
