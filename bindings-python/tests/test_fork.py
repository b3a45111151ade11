"""A resource server in the children of a fork."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest
from conftest import RESOURCE
from forks import CHILDREN, busy, exit_status_of_child
from wire import KeyServer

from scopegate import AuthorizationServer, Rejected, ResourceServer
from scopegate.testing import Issuer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


def reason(gate: ResourceServer, authorization: str | None) -> str | None:
    try:
        gate.authorize(authorization)
    except Rejected as refusal:
        return refusal.reason
    return None


def decide(gate: ResourceServer, value: str) -> None:
    assert gate.authorize(value).subject == "alice"
    assert reason(gate, None) == "missing_token"
    assert gate.health()["status"] == "ok"


def test_children_decide_while_other_threads_of_the_parent_did(issuer: Issuer, gate: ResourceServer) -> None:
    value = issuer.authorization(sub="alice")
    with busy(*[lambda: decide(gate, value)] * 3):
        for _ in range(CHILDREN):
            assert exit_status_of_child(lambda: decide(gate, value)) == 0


# T61 (tests/attacks.md)
def test_child_that_is_born_during_a_fetch_fetches_for_itself(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.5
    value = issuer.authorization(sub="alice")
    parent = threading.Thread(target=fetching_gate.authorize, args=(value,))
    parent.start()
    keys.wait_for_requests(1)
    assert exit_status_of_child(lambda: decide(fetching_gate, value)) == 0
    parent.join()
    assert fetching_gate.authorize(value).subject == "alice"


def test_child_keeps_the_keys_of_its_parent(issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer) -> None:
    value = issuer.authorization(sub="alice")
    fetching_gate.authorize(value)
    keys.status = 500
    assert exit_status_of_child(lambda: decide(fetching_gate, value)) == 0
    assert keys.requests == ["/jwks"]


def test_child_can_build_a_server_of_its_own(issuer: Issuer) -> None:
    servers: list[str | AuthorizationServer] = [issuer.server()]
    value = issuer.authorization(sub="alice")

    def build_and_decide() -> None:
        decide(ResourceServer(resource=RESOURCE, authorization_servers=servers), value)

    assert exit_status_of_child(build_and_decide) == 0


def test_a_key_that_the_parent_distrusted_is_refused_by_its_children(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    value = issuer.authorization()
    fetching_gate.authorize(value)
    fetching_gate.distrust_key(issuer.issuer, "test-key-1")

    def child() -> None:
        assert reason(fetching_gate, value) == "unknown_key"
        assert exit_status_of_child(grandchild) == 0

    def grandchild() -> None:
        fetching_gate.resume(issuer.issuer)
        assert reason(fetching_gate, value) == "unknown_key"

    assert exit_status_of_child(child) == 0
    assert keys.requests == ["/jwks"]


def test_a_key_distrusted_during_a_fetch_is_refused_by_a_child_that_fetches(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.5
    value = issuer.authorization()
    parent = threading.Thread(target=reason, args=(fetching_gate, value))
    parent.start()
    keys.wait_for_requests(1)
    fetching_gate.distrust_key(issuer.issuer, "test-key-1")

    def child() -> None:
        fetching_gate.warm_up()
        assert fetching_gate.stats()["sources"][0]["fetches"] == {"installed": 1}
        assert reason(fetching_gate, value) == "unknown_key"

    assert exit_status_of_child(child) == 0
    parent.join()
    assert reason(fetching_gate, value) == "unknown_key"


def test_children_keep_the_keys_that_the_parent_put_in_place(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    issuer.rotate()
    fetching_gate.replace_keys(issuer.issuer, issuer.server()["jwks"])
    value = issuer.authorization(sub="alice")

    def child() -> None:
        decide(fetching_gate, value)
        assert fetching_gate.stats()["sources"][0]["state"] == "pinned"

    assert exit_status_of_child(child) == 0
    assert keys.requests == []


def test_what_a_child_does_to_its_keys_is_not_done_to_its_parents(issuer: Issuer, gate: ResourceServer) -> None:
    value = issuer.authorization(sub="alice")

    def child() -> None:
        gate.distrust_key(issuer.issuer, "test-key-1")
        assert reason(gate, value) == "unknown_key"

    assert exit_status_of_child(child) == 0
    decide(gate, value)


def test_child_serves_the_metadata_of_its_parent_and_fetches_it_for_itself(issuer: Issuer, keys: KeyServer) -> None:
    document = json.dumps({"issuer": "https://as.test", "token_endpoint": "https://as.test/token"}).encode()
    keys.documents["/metadata"] = document
    server: AuthorizationServer = {
        **issuer.server(),
        "discovery_url": f"{keys.url}/metadata",
        "metadata_issuer": "https://as.test",
    }
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[server], serve_authorization_server_metadata=True)

    def status() -> int:
        answer = gate.well_known("GET", "/.well-known/oauth-authorization-server")
        assert answer is not None
        return answer.status

    def comes() -> None:
        deadline = time.monotonic() + 20
        while status() != 200:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    assert exit_status_of_child(comes) == 0
    gate.warm_up()
    keys.status = 500

    def is_there() -> None:
        assert status() == 200

    assert exit_status_of_child(is_there) == 0
