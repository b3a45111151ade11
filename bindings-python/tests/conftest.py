"""Fixtures that most tests share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hosts import EMAIL, POLICY, WEATHER
from wire import KeyServer, key_server

from scopegate import AuthorizationServer, ResourceServer
from scopegate._scopegate import Request, Server
from scopegate.testing import Issuer

RESOURCE = "https://mcp.test/mcp"
FAULT = b'{"error":"server_error","error_description":"Internal error"}'


class Panicking:
    """The native server where a panic is caught while a document is found: it raises the refusal."""

    def __init__(self, native: Server) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def _raise(self, request: Request) -> NoReturn:
        raise self._native.internal_error(request, "a panic was caught")

    well_known = not_found = health_response = metrics_response = _raise


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(RESOURCE)


@pytest.fixture
def gate(issuer: Issuer) -> ResourceServer:
    """A server that knows the issuer's keys from its configuration, and has no policy."""
    return ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()])


@pytest.fixture
def keys(issuer: Issuer) -> Iterator[KeyServer]:
    """The issuer's key set on loopback."""
    with key_server(json.dumps(issuer.server()["jwks"]).encode()) as server:
        yield server


@pytest.fixture
def fetching_gate(issuer: Issuer, keys: KeyServer) -> ResourceServer:
    """A server that has to fetch the keys."""
    server: AuthorizationServer = {"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}
    return ResourceServer(resource=RESOURCE, authorization_servers=[server])


@pytest.fixture
def strict_gate(issuer: Issuer) -> ResourceServer:
    """A server with a policy, and origins that it allows."""
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        scopes_supported=[WEATHER, EMAIL],
        policy=POLICY,
        allowed_origins=["https://mcp.test", "https://app.test"],
        cors_origins=["https://app.test"],
    )
