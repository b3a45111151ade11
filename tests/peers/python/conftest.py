"""The authorization servers that the tests run against."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorization_server import AuthorizationServer, running
from decisions import Authorize, authorize_blocking, authorize_on_event_loop
from oidc_provider import OidcProvider
from stage import EMAIL, WEATHER

ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture(params=[authorize_blocking, authorize_on_event_loop], ids=["sync", "asyncio"])
def authorize(request: pytest.FixtureRequest) -> Authorize:
    """Decides on a request with this token."""
    decide: Authorize = request.param
    return decide


@pytest.fixture(scope="session")
def authserver() -> Path:
    """The program of our authorization server."""
    path = os.environ.get("SCOPEGATE_AUTHSERVER")
    if path is None:
        pytest.fail("SCOPEGATE_AUTHSERVER: expected the path of the program scopegate-authserver")
    return Path(path).absolute()


@pytest.fixture
def authorization_server(authserver: Path) -> Iterator[AuthorizationServer]:
    """Our authorization server: a resource for each algorithm, named like it, and a client with two scopes at each."""
    resources = [
        {
            "id": algorithm.lower(),
            "name": algorithm,
            "resource": f"https://mcp.test/{algorithm.lower()}",
            "scopes": [WEATHER, EMAIL],
            "algorithm": algorithm,
        }
        for algorithm in ALGORITHMS
    ]
    grants = [{"resource": algorithm.lower(), "scopes": [WEATHER, EMAIL]} for algorithm in ALGORITHMS]
    with running(authserver, resources, {"assistant": grants}) as server:
        yield server


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[OidcProvider]:
    """oidc-provider: a resource for each algorithm, and a client with two scopes at each. One for all tests: each has
    tokens and a resource server of its own, so that a rotation of keys disturbs no other.
    """
    with OidcProvider.running() as provider:
        yield provider
