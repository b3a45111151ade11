"""The program that serves the page: how it begins and how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import serve

PROGRAM = Path(serve.__file__)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[1])}


@contextlib.contextmanager
def started(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The program, which is killed if it has not ended by itself."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_the_page_is_and_ends_when_it_is_told(number: signal.Signals) -> None:
    with started({"PORT": "0"}) as program:
        assert program.stdout is not None
        url = program.stdout.readline()
        assert url.startswith("http://127.0.0.1:") and url.endswith("/\n"), url
        program.send_signal(number)
        assert program.wait(20) == 0
        assert program.communicate() == ("", "")


@pytest.mark.parametrize("port", ["web", "-1", "65536", ""])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with started({"PORT": port}) as program:
        assert program.communicate(timeout=20) == ("", "PORT: expected a number from 0 to 65535\n")
        assert program.returncode == 2


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started({"PORT": str(port)}) as program:
            said = program.communicate(timeout=20)
    assert said == ("", f"PORT: expected one that is free, not {port}: Address already in use\n")
    assert program.returncode == 1
