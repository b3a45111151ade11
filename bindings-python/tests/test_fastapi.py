"""FastAPI behind ``install``, and its dependencies, on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import pytest
from conftest import RESOURCE
from example_server import running
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from wire import exchange, http_request, serving

import scopegate.fastapi
from scopegate import AccessToken, ResourceServer
from scopegate.testing import Issuer

Token = Annotated[AccessToken, Depends(scopegate.fastapi.token)]


def application(gate: ResourceServer) -> FastAPI:
    app = FastAPI()
    scopegate.fastapi.install(app, gate, public=["/open"], health="/healthz", scopes=["api"])

    @app.get("/open")
    def open_route() -> str:
        return "open"

    @app.get("/open/token")
    def whoami(token: Token) -> str | None:
        return token.subject

    write = scopegate.fastapi.require("reports:write")

    @app.post("/reports", dependencies=[Depends(write)])
    def create(token: Token, secret: bool = False) -> str | None:
        if secret:
            gate.require(token, scopes=["reports:secret"])
        return token.subject

    @app.put("/reports", dependencies=[Depends(write), Depends(scopegate.fastapi.require("reports:all", "x"))])
    async def replace(token: Annotated[AccessToken, Depends(scopegate.fastapi.require("y"))]) -> str | None:
        return token.subject

    return app


@pytest.fixture
def gate(issuer: Issuer) -> ResourceServer:
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        required_scopes=["base"],
        cors_origins=["https://app.test"],
    )


@pytest.fixture
def port(gate: ResourceServer) -> Iterator[int]:
    with serving(application(gate)) as port:
        yield port


def bearer(issuer: Issuer, scope: str) -> str:
    return "Authorization: " + issuer.authorization(scope=scope, sub="alice")


METADATA = 'resource_metadata="https://mcp.test/.well-known/oauth-protected-resource/mcp"'


def short(scopes: str, described: str) -> tuple[str, bytes]:
    challenge = f'Bearer error="insufficient_scope", scope="{scopes}", {METADATA}, error_description="{described}"'
    body = {"error": "insufficient_scope", "error_description": described, "scope": described.partition(": ")[2]}
    return challenge, json.dumps(body, separators=(",", ":")).encode()


def test_every_route_is_guarded_but_the_public_ones(port: int, issuer: Issuer) -> None:
    assert exchange(port, http_request("GET", "/open")).body == b'"open"'
    assert exchange(port, http_request("GET", "/healthz")).body == b'{"status":"ok"}'
    for target in ("/open/token", "/reports", "/docs", "/openapi.json", "/nowhere", "/open/"):
        assert exchange(port, http_request("GET", target)).status == 401, target
    answer = exchange(port, http_request("GET", "/open/token", bearer(issuer, "base api")))
    assert (answer.status, answer.body) == (200, b'"alice"')
    assert exchange(port, http_request("GET", "/nowhere", bearer(issuer, "base api"))).status == 404


def test_dependency_refuses_a_token_that_lacks_its_scope_with_the_cores_bytes(port: int, issuer: Issuer) -> None:
    lacking = bearer(issuer, "base api")
    answer = exchange(port, http_request("POST", "/reports", lacking, "Origin: https://app.test", body=b""))
    challenge, body = short("base api reports:write", "Required scope: base api reports:write")
    assert (answer.status, answer.body) == (403, body)
    assert answer.decided == [
        ("content-length", str(len(body))),
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("www-authenticate", challenge),
        ("access-control-allow-origin", "https://app.test"),
        ("vary", "Origin"),
        ("access-control-expose-headers", "WWW-Authenticate, Retry-After"),
    ]
    granted = bearer(issuer, "base api reports:write")
    assert exchange(port, http_request("POST", "/reports", granted, body=b"")).body == b'"alice"'


def test_handler_refuses_what_only_it_knows(port: int, issuer: Issuer) -> None:
    granted = bearer(issuer, "base api reports:write")
    answer = exchange(port, http_request("POST", "/reports?secret=true", granted, body=b""))
    challenge, body = short("base reports:secret", "Required scope: base reports:secret")
    assert (answer.status, answer.header("www-authenticate"), answer.body) == (403, challenge, body)


def test_challenge_names_what_the_dependencies_before_it_needed_too(port: int, issuer: Issuer) -> None:
    answer = exchange(
        port, http_request("PUT", "/reports", bearer(issuer, "base api reports:write reports:all"), body=b"")
    )
    needed = "base api reports:write reports:all x"
    assert (answer.status, answer.header("www-authenticate")) == (403, short(needed, f"Required scope: {needed}")[0])
    granted = bearer(issuer, f"{needed} y")
    assert exchange(port, http_request("PUT", "/reports", granted, body=b"")).body == b'"alice"'


def test_token_on_a_public_path_is_a_fault_of_the_program(gate: ResourceServer, issuer: Issuer) -> None:
    app = FastAPI()
    scopegate.fastapi.install(app, gate, public=["/open"])

    @app.get("/open")
    def whoami(token: Token) -> str | None:
        return token.subject

    with TestClient(app) as client, pytest.raises(RuntimeError, match="public"):
        client.get("/open", headers=issuer.headers(scope="base"))


def test_document_describes_the_token(gate: ResourceServer, issuer: Issuer) -> None:
    with TestClient(application(gate)) as client:
        document = client.get("/openapi.json", headers=issuer.headers(scope="base api")).json()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert document["paths"]["/open/token"]["get"]["security"] == [{"AccessToken": []}]


def test_mistakes_are_told_when_the_gate_is_installed(gate: ResourceServer) -> None:
    app = FastAPI()
    with pytest.raises(ValueError, match="slash"):
        scopegate.fastapi.install(app, gate, public=["open"])
    with pytest.raises(TypeError, match="list of strings"):
        scopegate.fastapi.install(app, gate, scopes="api")
    with pytest.raises(ValueError, match="at least one scope"):
        scopegate.fastapi.require()
    scopegate.fastapi.install(app, gate)
    with pytest.raises(ValueError, match="already"):
        scopegate.fastapi.install(app, gate)


def test_example_server_runs_as_it_stands(issuer: Issuer) -> None:
    with running("server_fastapi.py", issuer, "/reports") as example:

        def create(scope: str, query: str = "") -> int:
            token = issuer.authorization(**example.claims, scope=scope, sub="alice")
            request = http_request("POST", f"/reports{query}", f"Authorization: {token}", body=b"")
            answer = exchange(example.port, request)
            assert answer.status != 200 or json.loads(answer.body) == {"author": "alice"}
            return answer.status

        assert exchange(example.port, http_request("GET", "/healthz")).body == b'{"status":"ok"}'
        assert exchange(example.port, http_request("POST", "/reports", body=b"")).status == 401
        assert (create("other"), create("reports:write")) == (403, 200)
        assert create("reports:write", "?secret=true") == 403
        assert create("reports:write reports:secret", "?secret=true") == 200
