"""What an operator does about keys: distrust one, replace them, take them along to another process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from conftest import RESOURCE
from wire import KeyServer

from scopegate import AuthorizationServer, Keys, KeySnapshot, Rejected, ResourceServer
from scopegate.testing import Issuer

DEADLINE = 2 * 5.0
"""Twice http.timeout_seconds: our own deadline, doubled."""


def key_set(issuer: Issuer) -> Mapping[str, Any]:
    return issuer.server()["jwks"]


def kid(issuer: Issuer) -> str:
    name = key_set(issuer)["keys"][0]["kid"]
    assert isinstance(name, str)
    return name


def entry(issuer: Issuer, keys: KeyServer) -> AuthorizationServer:
    return {"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}


def begun_with(issuer: Issuer, keys: KeyServer, **more: Any) -> ResourceServer:
    """A server that fetches, with more settings of ``keys``."""
    settings: Keys = {**more}  # type: ignore[typeddict-item]
    return ResourceServer(resource=RESOURCE, authorization_servers=[entry(issuer, keys)], keys=settings)


def refusal(gate: ResourceServer, issuer: Issuer) -> str | None:
    """Why a new token of the issuer is refused."""
    try:
        gate.authorize(issuer.authorization())
    except Rejected as refused:
        return refused.reason
    return None


def aged(snapshot: KeySnapshot, seconds: int) -> KeySnapshot:
    return {**snapshot, "sources": [{**source, "age_seconds": seconds} for source in snapshot["sources"]]}


def source(gate: ResourceServer) -> dict[str, Any]:
    (only,) = gate.stats()["sources"]
    assert isinstance(only, dict)
    return only


def wait_until_fetched(gate: ResourceServer, outcome: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not source(gate)["fetches"].get(outcome):
        assert time.monotonic() < deadline, gate.stats()
        time.sleep(0.01)


def test_a_distrusted_key_is_refused_at_once_and_in_an_outage(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    before = issuer.authorization()
    fetching_gate.authorize(before)
    keys.status = 503
    fetching_gate.distrust_key(issuer.issuer, kid(issuer))
    assert refusal(fetching_gate, issuer) == "unknown_key"
    with pytest.raises(Rejected) as caught:
        fetching_gate.authorize(before)
    assert (caught.value.reason, caught.value.status) == ("unknown_key", 401)
    assert keys.requests == ["/jwks"]
    assert fetching_gate.health()["status"] == "degraded"
    assert (source(fetching_gate)["distrusted_kids"], source(fetching_gate)["distrusted_keys"]) == (1, 1)


def test_the_configuration_distrusts_keys_from_the_start(issuer: Issuer, keys: KeyServer) -> None:
    servers: list[AuthorizationServer] = [entry(issuer, keys), issuer.server()]
    for server in servers:
        gate = ResourceServer(
            resource=RESOURCE,
            authorization_servers=[server],
            distrusted_keys=[{"issuer": issuer.issuer, "kid": kid(issuer)}],
        )
        assert refusal(gate, issuer) == "unknown_key"
    assert keys.requests == []


def test_the_issuers_next_key_is_accepted_after_one_was_distrusted(issuer: Issuer, keys: KeyServer) -> None:
    gate = begun_with(issuer, keys)
    gate.distrust_key(issuer.issuer, kid(issuer))
    issuer.rotate()
    keys.documents["/jwks"] = json.dumps(key_set(issuer)).encode()
    assert refusal(gate, issuer) is None


async def test_every_way_to_decide_refuses_a_distrusted_key(issuer: Issuer, gate: ResourceServer) -> None:
    value = issuer.authorization()
    gate.authorize(value)
    gate.distrust_key(issuer.issuer, kid(issuer))
    with pytest.raises(Rejected) as refused:
        gate.check(value)
    with pytest.raises(Rejected) as refused_async:
        await gate.authorize_async(value)
    assert refused.value.reason == refused_async.value.reason == "unknown_key"


def test_a_key_that_was_distrusted_during_a_fetch_never_answers(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    keys.delay = 0.5
    gate = begun_with(issuer, keys, snapshot=aged(warm.export_keys(), 590))
    assert refusal(gate, issuer) is None
    keys.wait_for_requests(2)
    gate.distrust_key(issuer.issuer, kid(issuer))
    assert refusal(gate, issuer) == "unknown_key"
    wait_until_fetched(gate, "installed")
    assert refusal(gate, issuer) == "unknown_key"
    assert source(gate)["kids"] == []


def test_replaced_keys_alone_answer_until_it_resumes(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    fetching_gate.authorize(issuer.authorization())
    issuer.rotate()
    fetching_gate.replace_keys(issuer.issuer, key_set(issuer))
    assert refusal(fetching_gate, issuer) is None
    assert source(fetching_gate)["state"] == "pinned"
    issuer.rotate()
    keys.documents["/jwks"] = json.dumps(key_set(issuer)).encode()
    assert refusal(fetching_gate, issuer) == "unknown_key"
    assert keys.requests == ["/jwks"]
    fetching_gate.resume(issuer.issuer)
    wait_until_fetched(fetching_gate, "installed")
    deadline = time.monotonic() + DEADLINE
    while refusal(fetching_gate, issuer) is not None:
        assert time.monotonic() < deadline, fetching_gate.stats()
        time.sleep(0.01)
    assert source(fetching_gate)["state"] == "fresh"


def test_replaced_keys_answer_while_a_fetch_hangs(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 60
    outcome: list[str | None] = []
    leader = threading.Thread(target=lambda: outcome.append(refusal(fetching_gate, issuer)))
    leader.start()
    keys.wait_for_requests(1)
    fetching_gate.replace_keys(issuer.issuer, key_set(issuer))
    assert fetching_gate.check(issuer.authorization(sub="alice")).subject == "alice"
    keys.closed.set()
    leader.join()
    assert outcome == [None]
    assert source(fetching_gate)["fetches"] == {"abandoned": 1}


@pytest.mark.parametrize("form", [dict, MappingProxyType, json.dumps], ids=["dict", "mapping", "text"])
def test_a_key_set_may_be_a_mapping_or_text(issuer: Issuer, keys: KeyServer, form: Any) -> None:
    gate = begun_with(issuer, keys)
    gate.replace_keys(issuer.issuer, form(key_set(issuer)))
    assert refusal(gate, issuer) is None
    assert keys.requests == []


@pytest.mark.parametrize("other", ["https://other.test", "https://issuer.test/", ""])
def test_an_issuer_that_is_not_configured_is_an_error(issuer: Issuer, gate: ResourceServer, other: str) -> None:
    attempts: list[Callable[[], None]] = [
        lambda: gate.distrust_key(other, kid(issuer)),
        lambda: gate.replace_keys(other, key_set(issuer)),
        lambda: gate.resume(other),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"^issuer: expected an issuer of the configuration$"):
            attempt()
    assert refusal(gate, issuer) is None


def test_a_kid_that_no_key_has_is_an_error(issuer: Issuer, gate: ResourceServer) -> None:
    for name in ("", "k" * 257):
        with pytest.raises(ValueError, match=r"^kid: expected a kid of 1 to 256 bytes$"):
            gate.distrust_key(issuer.issuer, name)
    assert refusal(gate, issuer) is None


@pytest.mark.parametrize(
    ("jwks", "error", "expected"),
    [
        ({}, ValueError, "jwks: expected a JWK Set: an object with a list of keys"),
        ("{", ValueError, "jwks: expected strict JSON"),
        ("\ud800", ValueError, "surrogates"),
        ({"keys": []}, ValueError, "jwks: expected at least one usable key"),
        ({"keys": [{"kty": "RSA", "n": b"AQAB"}]}, ValueError, r"jwks\.keys\[0\]\.n: .* JSON can hold, not bytes"),
        ({"keys": [{"n": float("nan")}]}, ValueError, r"jwks\.keys\[0\]\.n: .* JSON can hold, not nan"),
        (b"{}", TypeError, "jwks: expected a mapping or JSON text"),
        (None, TypeError, "jwks: expected a mapping or JSON text"),
    ],
)
def test_what_is_no_key_set_is_an_error_and_changes_nothing(
    issuer: Issuer, gate: ResourceServer, jwks: Any, error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected):
        gate.replace_keys(issuer.issuer, jwks)
    assert refusal(gate, issuer) is None


def test_a_distrusted_key_cannot_be_brought_back(issuer: Issuer, gate: ResourceServer) -> None:
    gate.distrust_key(issuer.issuer, kid(issuer))
    with pytest.raises(ValueError, match=r"^jwks: expected at least one usable key"):
        gate.replace_keys(issuer.issuer, key_set(issuer))
    gate.resume(issuer.issuer)
    assert refusal(gate, issuer) == "unknown_key"


def test_a_server_begins_with_the_keys_of_another_while_the_issuer_is_down(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    keys.status = 503
    written = json.dumps(warm.export_keys())
    gate = begun_with(issuer, keys, snapshot=json.loads(written))
    assert gate.health()["status"] == "ok"
    assert refusal(gate, issuer) is None
    assert gate.export_keys()["sources"][0]["keys"] == warm.export_keys()["sources"][0]["keys"]
    assert keys.requests == ["/jwks"]


def test_what_is_distrusted_replaced_or_configured_is_not_exported(
    issuer: Issuer, gate: ResourceServer, keys: KeyServer
) -> None:
    assert gate.export_keys()["sources"] == []
    warm = begun_with(issuer, keys)
    assert warm.export_keys()["sources"] == []
    warm.warm_up()
    warm.replace_keys(issuer.issuer, key_set(issuer))
    assert warm.export_keys()["sources"] == []
    distrusting = begun_with(issuer, keys)
    distrusting.warm_up()
    distrusting.distrust_key(issuer.issuer, kid(issuer))
    assert [source["keys"] for source in distrusting.export_keys()["sources"]] == [[]]


def test_a_distrusted_key_of_a_snapshot_is_refused(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    gate = ResourceServer(
        resource=RESOURCE,
        authorization_servers=[entry(issuer, keys)],
        distrusted_keys=[{"issuer": issuer.issuer, "kid": kid(issuer)}],
        keys={"snapshot": warm.export_keys()},
    )
    assert refusal(gate, issuer) == "unknown_key"


def test_a_snapshot_that_is_too_old_is_left_out_and_said(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    gate = begun_with(issuer, keys, snapshot=aged(warm.export_keys(), 25 * 3600))
    assert source(gate)["state"] == "cold"
    assert any("snapshot" in warning for warning in source(gate)["warnings"])
    assert refusal(gate, issuer) is None
    assert len(keys.requests) == 2


def test_a_host_that_freezes_fetches_within_a_request_and_has_no_thread(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    snapshot = aged(warm.export_keys(), 1000)
    frozen = begun_with(issuer, keys, snapshot=snapshot, background_refresh=False)
    assert refusal(frozen, issuer) is None
    assert len(keys.requests) == 2
    assert (source(frozen)["state"], source(frozen)["next_refresh_seconds"]) == ("fresh", None)
    keys.status = 503
    frozen = begun_with(issuer, keys, snapshot=snapshot, background_refresh=False)
    assert [refusal(frozen, issuer) for _ in range(3)] == [None] * 3
    assert len(keys.requests) == 3


def test_a_warm_server_stays_ready_in_an_outage(issuer: Issuer, keys: KeyServer) -> None:
    warm = begun_with(issuer, keys)
    warm.warm_up()
    keys.status = 503
    gate = begun_with(issuer, keys, snapshot=aged(warm.export_keys(), 1000))
    assert refusal(gate, issuer) is None
    wait_until_fetched(gate, "HTTP")
    for _ in range(10):
        assert refusal(gate, issuer) is None
    health = gate.health()
    assert health["status"] == "degraded"
    (told,) = health["sources"]
    assert (told["state"], told["degraded"], told["kids"]) == ("overdue", True, [kid(issuer)])
    assert told["last_error"]["step"] == "HTTP"
    assert "503" in told["last_error"]["message"]
    assert told["age_seconds"] >= 1000 and told["next_refresh_seconds"] >= 0 and told["fetches_left"] < 8


def test_a_cold_server_is_not_ready_in_an_outage(issuer: Issuer, keys: KeyServer) -> None:
    keys.status = 503
    gate = begun_with(issuer, keys)
    assert refusal(gate, issuer) == "keys_unavailable"
    assert gate.health()["status"] == "unavailable"
    assert source(gate)["fetches"] == {"HTTP": 1}
