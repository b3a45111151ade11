"""What happens while keys are fetched."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from conftest import RESOURCE
from wire import KeyServer, free_socket

from scopegate import AuthorizationServer, Rejected, ResourceServer
from scopegate.testing import Issuer

DEADLINE = 2 * 5.0
"""Twice http.timeout_seconds: our own deadline, doubled."""


def test_missing_keys_are_fetched_once(issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer) -> None:
    for _ in range(3):
        assert fetching_gate.authorize(issuer.authorization(sub="alice")).subject == "alice"
    assert keys.requests == ["/jwks"]


async def test_waiting_requests_of_an_event_loop_share_one_fetch(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.3
    value = issuer.authorization(sub="alice")
    tokens = await asyncio.gather(*(fetching_gate.authorize_async(value) for _ in range(20)))
    assert [token.subject for token in tokens] == ["alice"] * 20
    assert keys.requests == ["/jwks"]


async def test_requests_beyond_max_waiters_are_refused_at_once(issuer: Issuer, keys: KeyServer) -> None:
    """Those that wait on one future count one by one."""
    server: AuthorizationServer = {"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[server], keys={"max_waiters": 3})
    keys.delay = 0.5
    value = issuer.authorization()
    outcomes = await asyncio.gather(*(gate.authorize_async(value) for _ in range(10)), return_exceptions=True)
    refusals = [outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)]
    assert refusals == ["keys_unavailable"] * 7
    assert keys.requests == ["/jwks"]
    assert (await gate.authorize_async(value)).subject == "user"


async def test_event_loop_runs_while_keys_are_fetched(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.5
    waiting = asyncio.create_task(fetching_gate.authorize_async(issuer.authorization()))
    turns = 0
    while not waiting.done():
        await asyncio.sleep(0.01)
        turns += 1
    await waiting
    assert turns > 5


async def test_cancelled_request_does_not_cancel_the_others(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.3
    value = issuer.authorization(sub="alice")
    first = asyncio.create_task(fetching_gate.authorize_async(value))
    second = asyncio.create_task(fetching_gate.authorize_async(value))
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).subject == "alice"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert keys.requests == ["/jwks"]


def test_event_loops_of_their_own_do_not_disturb_each_other(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    async def abandon() -> None:
        task = asyncio.create_task(fetching_gate.authorize_async(issuer.authorization()))
        await asyncio.sleep(0.1)
        task.cancel()

    keys.delay = 0.3
    asyncio.run(abandon())
    token = asyncio.run(fetching_gate.authorize_async(issuer.authorization(sub="alice")))
    assert token.subject == "alice"


def test_other_threads_run_while_one_waits_for_keys(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.5
    outcome: list[str | None] = []
    waiting = threading.Thread(
        target=lambda: outcome.append(fetching_gate.authorize(issuer.authorization(sub="a")).subject)
    )
    waiting.start()
    turns = 0
    while waiting.is_alive():
        time.sleep(0.01)
        turns += 1
    assert outcome == ["a"]
    assert turns > 5


def test_check_starts_the_fetch_and_refuses_without_waiting(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    value = issuer.authorization(sub="alice")
    with pytest.raises(Rejected) as caught:
        fetching_gate.check(value)
    assert caught.value.reason == "keys_unavailable" and caught.value.unavailable
    assert int(dict(caught.value.headers)["Retry-After"]) >= 1
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            assert fetching_gate.check(value).subject == "alice"
            break
        except Rejected as refusal:
            assert refusal.unavailable and time.monotonic() < deadline
            time.sleep(0.02)
    assert keys.requests == ["/jwks"]


async def test_dead_key_server_is_503_and_not_a_challenge(issuer: Issuer) -> None:
    listener = free_socket()
    port = listener.getsockname()[1]
    listener.close()
    gate = ResourceServer(
        resource=RESOURCE,
        authorization_servers=[{"issuer": issuer.issuer, "jwks_uri": f"http://127.0.0.1:{port}/jwks"}],
    )
    started = time.monotonic()
    for refused in (
        await refusal_async(gate, issuer.authorization()),
        await refusal_async(gate, issuer.authorization()),
    ):
        assert (refused.reason, refused.status) == ("keys_unavailable", 503)
        names = [name for name, _ in refused.headers]
        assert "Retry-After" in names and "WWW-Authenticate" not in names
    assert time.monotonic() - started < DEADLINE
    with pytest.raises(ConnectionError) as caught:
        gate.warm_up()
    assert issuer.issuer in str(caught.value)


async def refusal_async(gate: ResourceServer, authorization: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        await gate.authorize_async(authorization)
    return caught.value


def test_warm_up_fetches_before_the_first_request(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    fetching_gate.warm_up()
    assert fetching_gate.check(issuer.authorization(sub="alice")).subject == "alice"
    assert keys.requests == ["/jwks"]
