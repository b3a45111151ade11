"""Fixtures that most tests share."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hosts import EMAIL, POLICY, WEATHER
from wire import KeyServer, key_server

from scopegate import AuthorizationServer, ResourceServer
from scopegate.testing import Issuer

RESOURCE = "https://mcp.test/mcp"


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
