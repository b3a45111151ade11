"""A resource server in the children of a fork."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable

import pytest
from conftest import RESOURCE
from wire import KeyServer

from scopegate import AuthorizationServer, Rejected, ResourceServer
from scopegate.testing import Issuer

CHILDREN = 50
DEADLINE = 20.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


def exit_status_of_child(work: Callable[[], None]) -> int:
    """Runs ``work`` in a child; a child that hangs is killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def test_children_decide_while_other_threads_of_the_parent_did(issuer: Issuer, gate: ResourceServer) -> None:
    value = issuer.authorization(sub="alice")
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            gate.authorize(value)
            with pytest.raises(Rejected):
                gate.authorize(None)

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(CHILDREN):
            assert exit_status_of_child(lambda: decide(gate, value)) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def decide(gate: ResourceServer, value: str) -> None:
    assert gate.authorize(value).subject == "alice"
    try:
        gate.authorize(None)
    except Rejected as refusal:
        assert refusal.reason == "missing_token"
    assert gate.health()["status"] == "ok"


def test_child_that_is_born_during_a_fetch_fetches_for_itself(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    keys.delay = 0.5
    value = issuer.authorization(sub="alice")
    parent = threading.Thread(target=fetching_gate.authorize, args=(value,))
    parent.start()
    deadline = time.monotonic() + DEADLINE
    while not keys.requests:
        assert time.monotonic() < deadline
        time.sleep(0.005)
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
