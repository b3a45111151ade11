"""Memory that other threads write to while a request is judged (T60)."""

from __future__ import annotations

import array
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from scopegate import Rejected, ResourceServer
from scopegate.testing import Issuer

THREADS = 8
ROUNDS = 250


def outcome(judge: Callable[[], object]) -> str:
    try:
        judge()
    except Rejected as refusal:
        return refusal.reason
    return "accepted"


def test_what_others_could_change_is_refused(issuer: Issuer, gate: ResourceServer) -> None:
    good = issuer.authorization().encode()
    for changeable in (bytearray(good), memoryview(good), array.array("B", good)):
        for argument in ({"authorization": changeable}, {"authorization": [changeable]}):
            with pytest.raises(TypeError):
                gate.authorize(**argument)
        with pytest.raises(TypeError):
            gate.authorize(good, body=changeable)  # type: ignore[arg-type]


def test_verdict_is_that_of_the_bytes_that_were_handed_in(issuer: Issuer) -> None:
    """Eight threads judge copies of one buffer, and every one of them writes to it meanwhile."""
    policy: Any = {"default": "deny", "tools": {"weather": [], "erases_": "deny"}}
    gate = ResourceServer(resource="https://mcp.test/mcp", authorization_servers=[issuer.server()], policy=policy)
    good = issuer.authorization().encode()
    shared = bytearray(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}')
    at = shared.index(b"weather")
    wrong: list[str] = []
    found: Counter[str] = Counter()

    def judge(number: int) -> None:
        for turn in range(ROUNDS):
            shared[at : at + 7] = b"weather" if (turn + number) % 2 else b"erases_"
            body = bytes(shared)
            expected = "accepted" if b"weather" in body else "policy_denied"
            reason = outcome(lambda body=body: gate.authorize(good, method="POST", body=body))  # type: ignore[misc]
            found[reason] += 1
            if reason != expected:
                wrong.append(f"{reason} for {body!r}")

    run_in_threads(judge)
    assert wrong == []
    assert set(found) == {"accepted", "policy_denied"} and found.total() == THREADS * ROUNDS


def test_list_of_lines_that_changes_meanwhile_is_read_once(issuer: Issuer, gate: ResourceServer) -> None:
    good, bad = issuer.authorization(), issuer.authorization(expires_in=-3600)
    lines = [good]
    found: Counter[str] = Counter()

    def judge(number: int) -> None:
        for turn in range(ROUNDS):
            lines[0] = good if (turn + number) % 2 else bad
            found[outcome(lambda: gate.authorize(lines))] += 1

    run_in_threads(judge)
    assert set(found) <= {"accepted", "expired"} and found.total() == THREADS * ROUNDS


def run_in_threads(judge: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=judge, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
