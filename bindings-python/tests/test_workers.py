"""A resource server in the workers of gunicorn, uvicorn and multiprocessing."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import RESOURCE
from wire import Answer, KeyServer, exchange, free_socket, http_request

from scopegate import Configuration, Rejected, ResourceServer
from scopegate.testing import Issuer

START = 60.0
"""How long a server may take to start or to stop, or its second worker to answer, on a machine that is busy."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


def configuration(issuer: Issuer, keys: KeyServer) -> Configuration:
    return {
        "resource": RESOURCE,
        "authorization_servers": [{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}],
    }


@contextlib.contextmanager
def served_by(*arguments: str, configuration: Configuration, **environment: str) -> Iterator[int]:
    """A server in processes of its own; yields its port. It must end in time when it is asked to."""
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *(argument.format(port=port) for argument in arguments)],
        cwd=Path(__file__).parent,
        env={**os.environ, "GATE": json.dumps(configuration), **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_it_listens(process, port)
        yield port
        process.terminate()
        _, log = process.communicate(timeout=START)
        assert process.returncode in (0, -signal.SIGTERM), log
        assert "Traceback" not in log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until_it_listens(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START
    while True:
        with contextlib.suppress(OSError):
            exchange(port, http_request("GET", "/mcp"))
            return
        assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)


def ask(port: int, authorization: str, times: int) -> list[Answer]:
    """Asks so many times at once."""
    request = http_request("GET", "/mcp", f"Authorization: {authorization}")
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: exchange(port, request), range(times)))


def assert_that_two_workers_accept(port: int, authorization: str) -> None:
    workers: set[int] = set()
    deadline = time.monotonic() + START
    while len(workers) < 2:
        assert time.monotonic() < deadline, workers
        for answer in ask(port, authorization, 4):
            assert answer.status == 200, answer
            told = json.loads(answer.body)
            assert told["subject"] == "alice"
            workers.add(told["worker"])


def gunicorn(worker_class: str, application: str) -> list[str]:
    options = ["--preload", "--workers", "2", "--worker-class", worker_class, "--bind", "127.0.0.1:{port}"]
    return ["gunicorn", *options, f"served:{application}"]


@pytest.mark.parametrize(
    ("worker_class", "application"),
    [("sync", "wsgi"), ("gthread", "wsgi"), ("uvicorn.workers.UvicornWorker", "asgi")],
)
def test_preloaded_gunicorn_workers_keep_the_keys_that_were_fetched_before_the_fork(
    issuer: Issuer, keys: KeyServer, worker_class: str, application: str
) -> None:
    settings = configuration(issuer, keys)
    with served_by(*gunicorn(worker_class, application), configuration=settings, WARM_UP="1") as port:
        keys.status = 503
        assert_that_two_workers_accept(port, issuer.authorization(sub="alice"))
    assert keys.requests == ["/jwks"]


@pytest.mark.parametrize(("worker_class", "application"), [("sync", "wsgi"), ("uvicorn.workers.UvicornWorker", "asgi")])
def test_preloaded_gunicorn_workers_fetch_for_themselves(
    issuer: Issuer, keys: KeyServer, worker_class: str, application: str
) -> None:
    with served_by(*gunicorn(worker_class, application), configuration=configuration(issuer, keys)) as port:
        assert_that_two_workers_accept(port, issuer.authorization(sub="alice"))
    assert keys.requests == ["/jwks"] * 2


def test_uvicorn_workers_begin_with_a_snapshot_while_the_issuer_is_down(issuer: Issuer, keys: KeyServer) -> None:
    settings = configuration(issuer, keys)
    warm = ResourceServer(**settings)
    warm.warm_up()
    keys.status = 503
    settings["keys"] = {"snapshot": warm.export_keys()}
    command = ("uvicorn", "served:asgi", "--workers", "2", "--port", "{port}")
    with served_by(*command, configuration=settings) as port:
        assert_that_two_workers_accept(port, issuer.authorization(sub="alice"))
    assert keys.requests == ["/jwks"]


def accept(gate: ResourceServer | Configuration, value: str) -> None:
    """In a child: its status is 0 only if the token is accepted."""
    if not isinstance(gate, ResourceServer):
        gate = ResourceServer(**gate)
    assert gate.authorize(value).subject == "alice"
    try:
        gate.authorize(None)
    except Rejected as refused:
        assert refused.reason == "missing_token"


def exit_status(method: str, gate: ResourceServer | Configuration, value: str) -> int | None:
    process = multiprocessing.get_context(method).Process(target=accept, args=(gate, value))  # type: ignore[attr-defined]
    process.start()
    process.join(START)
    process.kill()
    process.join()
    status: int | None = process.exitcode
    return status


def test_a_process_that_multiprocessing_forks_keeps_the_keys(
    issuer: Issuer, fetching_gate: ResourceServer, keys: KeyServer
) -> None:
    fetching_gate.warm_up()
    keys.status = 503
    assert exit_status("fork", fetching_gate, issuer.authorization(sub="alice")) == 0
    assert keys.requests == ["/jwks"]


def test_a_process_that_multiprocessing_spawns_begins_with_a_snapshot(issuer: Issuer, keys: KeyServer) -> None:
    settings = configuration(issuer, keys)
    warm = ResourceServer(**settings)
    warm.warm_up()
    keys.status = 503
    settings["keys"] = {"snapshot": warm.export_keys()}
    assert exit_status("spawn", settings, issuer.authorization(sub="alice")) == 0
    assert keys.requests == ["/jwks"]


def test_a_server_cannot_be_sent_to_a_process_that_is_spawned(gate: ResourceServer) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(gate)
