"""Children that are born while a fetch runs and eight threads of their parent are busy.

``SCOPEGATE_FORKS`` sets how many.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
from conftest import RESOURCE
from forks import CHILDREN, DEADLINE, busy, exit_status_of_child
from wire import KeyServer, key_server

from scopegate import AuthorizationServer, Rejected, ResourceServer
from scopegate.testing import Issuer

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform"),
]

HANGS = "https://hangs.test"
REPLACED = "https://replaced.test"


class Scene:
    """A server whose own issuer's keys are held. The key server of a second issuer hangs, and the keys of a third are
    replaced and fetched again all the time.
    """

    def __init__(self, issuer: Issuer, keys: KeyServer, hanging: KeyServer) -> None:
        self.fetched: AuthorizationServer = {"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}
        self.gate = ResourceServer(
            resource=RESOURCE,
            authorization_servers=[
                self.fetched,
                {"issuer": HANGS, "jwks_uri": hanging.jwks_uri},
                {"issuer": REPLACED, "jwks_uri": keys.jwks_uri},
            ],
            http={"timeout_seconds": 30},
        )
        self.key_set = issuer.server()["jwks"]
        self.own = issuer.authorization(sub="alice")
        self.of_the_hanging = issuer.authorization(iss=HANGS)
        self.of_the_replaced = issuer.authorization(iss=REPLACED, sub="alice")
        self.gate.replace_keys(REPLACED, self.key_set)

    def accepts(self) -> None:
        assert self.gate.authorize(self.own).subject == "alice"
        assert self.gate.authorize(self.of_the_replaced).subject == "alice"

    def waits_for_the_issuer_that_hangs(self) -> None:
        with pytest.raises(Rejected):
            self.gate.authorize(self.of_the_hanging)

    def replaces_keys(self) -> None:
        self.gate.replace_keys(REPLACED, self.key_set)
        self.gate.resume(REPLACED)

    def fetches_for_a_new_server(self) -> None:
        new = ResourceServer(resource=RESOURCE, authorization_servers=[self.fetched])
        assert new.authorize(self.own).subject == "alice"

    def fetches_for_a_new_server_if_not_too_many_fetch(self) -> None:
        try:
            self.fetches_for_a_new_server()
        except Rejected as refused:
            assert refused.unavailable

    def reads_its_state(self) -> None:
        assert self.gate.health()["status"] == "degraded"
        assert len(self.gate.export_keys()["sources"]) in (1, 2)

    def wait_until_a_fetch_runs(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while not self.gate.stats()["sources"][1]["waiting"]:
            assert time.monotonic() < deadline, self.gate.stats()
            time.sleep(0.002)

    def child(self) -> None:
        self.accepts()
        with pytest.raises(Rejected) as refused:
            self.gate.check(self.of_the_hanging)
        assert refused.value.reason == "keys_unavailable"
        self.reads_its_state()
        self.replaces_keys()
        self.fetches_for_a_new_server()
        self.accepts()


@pytest.fixture
def scene(issuer: Issuer, keys: KeyServer) -> Iterator[Scene]:
    with key_server(json.dumps({"keys": []}).encode()) as hanging:
        hanging.delay = 3600
        scene = Scene(issuer, keys, hanging)
        scene.accepts()
        works = [scene.accepts] * 3 + [scene.replaces_keys] * 2
        works += [scene.waits_for_the_issuer_that_hangs, scene.fetches_for_a_new_server_if_not_too_many_fetch]
        with busy(*works, scene.reads_its_state):
            yield scene
            hanging.closed.set()


def test_every_child_answers_by_its_parents_keys_and_none_hangs(scene: Scene) -> None:
    for number in range(CHILDREN):
        scene.wait_until_a_fetch_runs()
        assert exit_status_of_child(scene.child) == 0, f"child {number}"
