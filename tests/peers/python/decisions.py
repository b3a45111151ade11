"""Both ways to decide on a request that has a token and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from scopegate import AccessToken, Rejected, ResourceServer

Authorize = Callable[[ResourceServer, str], AccessToken]


def authorize_blocking(gate: ResourceServer, token: str) -> AccessToken:
    """What the token says. Raises ``Rejected``."""
    return gate.authorize(f"Bearer {token}")


def authorize_on_event_loop(gate: ResourceServer, token: str) -> AccessToken:
    """As ``authorize_blocking``, on an event loop of its own."""
    return asyncio.run(gate.authorize_async(f"Bearer {token}"))


def refusal(authorize: Authorize, gate: ResourceServer, token: str) -> Rejected:
    """The refusal of a token that must be refused."""
    with pytest.raises(Rejected) as caught:
        authorize(gate, token)
    return caught.value


def assert_unavailable(refused: Rejected) -> int:
    """Checks that nothing was judged, and that no client is told to log in again. Returns ``Retry-After``."""
    headers = dict(refused.headers)
    assert (refused.reason, refused.status) == ("keys_unavailable", 503)
    assert "WWW-Authenticate" not in headers
    seconds = int(headers["Retry-After"])
    assert seconds >= 1
    return seconds
