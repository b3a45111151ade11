"""The interpreter ends while keys are fetched: at once or when the fetch has timed out, with status 0 and silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import RESOURCE
from wire import KeyServer

from scopegate import Configuration, ResourceServer
from scopegate.testing import Issuer

TIMEOUT = 2
"""http.timeout_seconds"""

DEADLINE = 2 * TIMEOUT + 20.0
"""Our own deadline, doubled, and the start of an interpreter on a machine that is busy."""

BEGIN = """
import asyncio, contextlib, logging, os, sys, threading, time
from scopegate import Rejected, ResourceServer

logging.getLogger("scopegate").addHandler(logging.NullHandler())
gate, value = ResourceServer.from_json(sys.argv[1]), sys.argv[2]

def authorize():
    with contextlib.suppress(Rejected):
        gate.authorize(value)

def wait_until_a_fetch_runs():
    while gate.stats()["sources"][0]["fetches_left"] == 8:
        time.sleep(0.01)
"""

PROGRAMS = {
    "a fetch in the background": """
with contextlib.suppress(Rejected):
    gate.check(value)
wait_until_a_fetch_runs()
""",
    "a daemon thread that waits": """
threading.Thread(target=authorize, daemon=True).start()
wait_until_a_fetch_runs()
""",
    "a thread that waits": """
threading.Thread(target=authorize).start()
wait_until_a_fetch_runs()
""",
    "an event loop whose request was cancelled": """
async def main():
    request = asyncio.create_task(gate.authorize_async(value))
    await asyncio.to_thread(wait_until_a_fetch_runs)
    request.cancel()

asyncio.run(main())
""",
    "a child of a fork": """
threading.Thread(target=authorize, daemon=True).start()
wait_until_a_fetch_runs()
child = os.fork()
if child == 0:
    threading.Thread(target=authorize, daemon=True).start()
    wait_until_a_fetch_runs()
else:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""",
}

# Modules are torn down after daemon threads were shut out: what one of them holds delays the end.
ENDS_DURING_THE_EXIT = """
import types

class Last:
    def __del__(self, sleep=time.sleep, write=os.write):
        sleep(1.5)
        write(1, b"end")

sys.modules["last"] = types.ModuleType("last")
sys.modules["last"].last = Last()
threading.Thread(target=authorize, daemon=True).start()
wait_until_a_fetch_runs()
"""


def run(program: str, issuer: Issuer, configuration: Configuration) -> tuple[int, str]:
    arguments = [json.dumps(configuration), issuer.authorization()]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", BEGIN + program, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def configuration(issuer: Issuer, keys: KeyServer) -> Configuration:
    return {
        "resource": RESOURCE,
        "authorization_servers": [{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}],
        "http": {"timeout_seconds": TIMEOUT},
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_exit_during_a_fetch_is_clean(
    issuer: Issuer, keys: KeyServer, configuration: Configuration, program: str
) -> None:
    keys.delay = 3600
    assert run(program, issuer, configuration) == (0, "")
    assert keys.requests


def test_exit_during_a_scheduled_fetch_is_clean(issuer: Issuer, keys: KeyServer, configuration: Configuration) -> None:
    warm = ResourceServer(**configuration)
    warm.warm_up()
    snapshot = warm.export_keys()
    for source in snapshot["sources"]:
        source["age_seconds"] = 1000
    configuration["keys"] = {"snapshot": snapshot}
    keys.delay = 3600
    assert run("authorize(); wait_until_a_fetch_runs()", issuer, configuration) == (0, "")
    assert keys.requests == ["/jwks"] * 2


def test_a_fetch_that_ends_while_the_interpreter_is_torn_down_is_silent(
    issuer: Issuer, keys: KeyServer, configuration: Configuration
) -> None:
    keys.delay = 0.75
    assert run(ENDS_DURING_THE_EXIT, issuer, configuration) == (0, "end")
    assert keys.requests == ["/jwks"]
