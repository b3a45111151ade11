"""Audit events and metrics: what an operator is told of each decision."""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import suppress

import pytest

from scopegate import Rejected, ResourceServer
from scopegate.audit import AuditLog
from scopegate.testing import Issuer

RESOURCE = "https://mcp.test/mcp"
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}'


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(RESOURCE)


def gate_of(issuer: Issuer, capacity: int = 100) -> ResourceServer:
    return ResourceServer(
        resource=RESOURCE,
        authorization_servers=[issuer.server()],
        policy={"default": "deny", "tools": {"weather": ["weather"]}},
        events={"capacity": capacity},
    )


def decide(gate: ResourceServer, issuer: Issuer, scope: str) -> None:
    with suppress(Rejected):
        gate.authorize(issuer.authorization(sub="alice", scope=scope), method="POST", body=CALL)


def test_events_say_who_asked_for_what_and_what_was_decided(issuer: Issuer) -> None:
    gate = gate_of(issuer)
    decide(gate, issuer, "weather")
    decide(gate, issuer, "other")
    accepted, refused = gate.drain_events()
    assert (accepted["outcome"], accepted["reason"]) == ("accepted", None)
    assert (refused["outcome"], refused["reason"]) == ("refused", "insufficient_scope")
    for event in (accepted, refused):
        assert event["subject"] == "alice"
        assert event["scopes_needed"] == ["weather"]
        assert event["calls"] == [{"method": "tools/call", "name": "weather"}]
    assert gate.drain_events() == []


def test_a_sink_logs_every_event_and_what_was_dropped(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    gate = gate_of(issuer, capacity=2)
    with caplog.at_level(logging.INFO, "scopegate.audit"), AuditLog(gate, interval=3600):
        for _ in range(3):
            decide(gate, issuer, "weather")
    *events, dropped = caplog.records
    assert [json.loads(record.getMessage())["subject"] for record in events] == ["alice", "alice"]
    assert dropped.levelno == logging.WARNING
    assert dropped.getMessage() == "1 audit events found no room and were dropped"


def test_a_sink_drains_while_the_server_works(issuer: Issuer) -> None:
    class Told(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.any = threading.Event()

        def emit(self, record: logging.LogRecord) -> None:
            self.any.set()

    told, logger = Told(), logging.getLogger("scopegate.audit.test")
    logger.setLevel(logging.INFO)
    logger.addHandler(told)
    gate = gate_of(issuer)
    decide(gate, issuer, "weather")
    with AuditLog(gate, interval=0.01, logger=logger):
        assert told.any.wait(30)
    with pytest.raises(ValueError, match="interval"):
        AuditLog(gate, interval=0)


class Failing(logging.Handler):
    """Notes whom each event is about, and raises for all but alice."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.told_of_alice = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        subject = json.loads(record.getMessage())["subject"]
        self.told.append(subject)
        if subject != "alice":
            raise OSError(f"no room for {subject}")
        self.told_of_alice.set()


def failing_logger(name: str) -> tuple[logging.Logger, Failing]:
    handler, logger = Failing(), logging.getLogger(f"scopegate.audit.{name}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    return logger, handler


def test_a_handler_that_raises_is_told_of_the_other_events_all_the_same(issuer: Issuer) -> None:
    logger, handler = failing_logger("raises")
    gate = gate_of(issuer)
    for subject in ("bob", "alice", "carol"):
        gate.authorize(issuer.authorization(sub=subject, scope="weather"), method="POST", body=CALL)
    with pytest.raises(OSError, match="no room for bob"):
        AuditLog(gate, logger=logger).flush()
    assert handler.told == ["bob", "alice", "carol"]


def test_the_thread_outlives_a_handler_that_raises(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[str] = []
    fault_told = threading.Event()

    def excepthook(told: threading.ExceptHookArgs) -> None:
        raised.append(str(told.exc_value))
        fault_told.set()

    monkeypatch.setattr(threading, "excepthook", excepthook)
    logger, handler = failing_logger("outlives")
    gate = gate_of(issuer)
    with AuditLog(gate, interval=0.01, logger=logger):
        gate.authorize(issuer.authorization(sub="bob", scope="weather"), method="POST", body=CALL)
        assert fault_told.wait(30)
        gate.authorize(issuer.authorization(sub="alice", scope="weather"), method="POST", body=CALL)
        assert handler.told_of_alice.wait(30)
    assert raised == ["no room for bob"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_begins_without_events(issuer: Issuer) -> None:
    gate = gate_of(issuer)
    decide(gate, issuer, "weather")
    child = os.fork()
    if child == 0:
        inherited = len(gate.drain_events())
        decide(gate, issuer, "weather")
        os._exit(10 * inherited + len(gate.drain_events()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert len(gate.drain_events()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_sink_that_is_started_again_works_in_a_forked_child(issuer: Issuer) -> None:
    logger, handler = failing_logger("forked")
    gate = gate_of(issuer)
    with AuditLog(gate, interval=0.01, logger=logger) as sink:
        child = os.fork()
        if child == 0:
            sink.start()
            decide(gate, issuer, "weather")
            os._exit(0 if handler.told_of_alice.wait(30) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_metrics_are_prometheus_text(issuer: Issuer) -> None:
    gate = gate_of(issuer)
    decide(gate, issuer, "weather")
    decide(gate, issuer, "other")
    lines = gate.metrics().splitlines()
    assert "scopegate_accepted_total 1" in lines
    assert 'scopegate_refused_total{reason="insufficient_scope"} 1' in lines
    assert f'scopegate_keys{{issuer="{issuer.issuer}"}} 1' in lines
    assert 'scopegate_events_total{result="recorded"} 2' in lines
