"""Measures an MCP server whose author wires a verifier of his own, beside the same server behind Scopegate.

    pip install -r requirements.txt ../../bindings-python
    python own_verifier.py [--expiry]

Everything runs on loopback. ``--expiry`` adds the rows for which a key set must have lived its 300 seconds. What does
not depend on time is checked: the program exits with 1 when it is not as expected.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib.metadata
import itertools
import json
import logging
import os
import platform
import socket
import statistics
import sys
import time
import timeit
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from own_verifier_clients import send, statuses, tool_call, waits
from own_verifier_servers import (
    CACHED,
    CAREFUL,
    EMAIL,
    KEY_SET_SECONDS,
    SCOPEGATE,
    SHORT,
    WEATHER,
    AuthorizationServer,
    OwnVerifier,
    Verifier,
    authorization_server,
    mcp_server,
)

import scopegate
from scopegate import ResourceServer

ALL = (SHORT, CAREFUL, CACHED, SCOPEGATE)
JUNK, JUNK_INTERVAL, PROBE_INTERVAL = 1000, 0.01, 0.05
COOLDOWN = 31.0
"""Longer than the 30 s in which neither side asks twice for an unknown key."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--expiry", action="store_true")
    options = parser.parse_args()
    logging.disable()
    os.environ["no_proxy"] = "127.0.0.1"  # PyJWKClient asks through the proxy of the environment
    packages = ("mcp", "uvicorn", "PyJWT", "cryptography", "scopegate")
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.system()}, "
        f"CPython {platform.python_version()}; python {' '.join(sys.argv)}"
    )
    await key_server_down()
    await missing_scope()
    await made_up_kids("3a", 200)
    await made_up_kids("3b", 500)
    await short_lifetime()
    if options.expiry:
        await lifetime()
    cost()


def head(number: str, text: str) -> None:
    print(f"\n{number:4}{text}", flush=True)


def row(verifier: Verifier, result: str, *, of: str = "") -> None:
    """`of`: what the row is about, where the verifier has several."""
    print(f"    {verifier.name + of:24} | {result}", flush=True)


def expect(what: str, holds: bool) -> None:
    if not holds:
        sys.exit(f"not as expected: {what}")


async def key_server_down() -> None:
    head("1", "The key server is down and no keys are held yet: what a good token meets")
    with authorization_server() as issuer, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        jwks_uri = f"http://127.0.0.1:{closed.getsockname()[1]}/jwks"
        for verifier in (SHORT, CAREFUL, SCOPEGATE):
            issuer.token_requests = 0
            with mcp_server(verifier, issuer.issuer, jwks_uri) as url:
                call = await tool_call(url, issuer.issuer, issuer.mint(url), "weather", city="Oslo")
            then = "keeps its token" if call.kept_token else f"drops its token and gets {issuer.token_requests} new"
            row(verifier, f"{call.refusal}; body {call.response.text!r}; the client {then}; {call.outcome}")
            expected = {SHORT: 401, CAREFUL: 500, SCOPEGATE: 503}[verifier]
            expect("outage: status", call.response.status_code == expected)
            expect("outage: Retry-After", ("Retry-After" in call.response.headers) == verifier.scopegate)
            expect("outage: the client keeps its token", call.kept_token == (verifier != SHORT))


async def missing_scope() -> None:
    head("2", f"A token for {WEATHER} calls the tool that needs {EMAIL}")
    gate = replace(CAREFUL, name="own, gate needs both", required_scopes=(WEATHER, EMAIL))
    tool = replace(CAREFUL, name="own, tool checks")
    with authorization_server() as issuer:
        for verifier in (gate, tool, SCOPEGATE):
            with mcp_server(verifier, issuer.issuer) as url:
                token = issuer.mint(url)
                allowed = await tool_call(url, issuer.issuer, token, "weather", city="Oslo")
                call = await tool_call(url, issuer.issuer, token, "send_email", to="ada@example.com")
            then = "does not step up" if call.kept_token else f"steps up to {call.scope!r}"
            first = allowed.response.status_code
            row(verifier, f"{call.refusal}; the client {then}; {call.outcome}; the tool it may use: {first}")
            named = 'scope="' in call.response.headers.get("WWW-Authenticate", "")
            expect("scope: named in the challenge", named == verifier.scopegate)
            expect("scope: the client steps up", call.kept_token == (verifier == tool))
            expect("scope: the allowed tool", first == (403 if verifier == gate else 200))


async def made_up_kids(number: str, status: int) -> None:
    head(
        number,
        f"{JUNK} tokens with made-up kids, one each {JUNK_INTERVAL * 1e3:.0f} ms; keys are held; "
        f"the key server answers {status} after 300 ms",
    )
    turn = asyncio.Lock()

    async def flood(verifier: Verifier) -> str:
        with authorization_server() as issuer, mcp_server(verifier, issuer.issuer) as url:
            await warm(issuer, url)
            await asyncio.sleep(COOLDOWN)
            async with turn:
                issuer.delay, issuer.status, issuer.key_requests = 0.3, status, 0
                good = issuer.mint(url)
                junk, probes = await asyncio.gather(
                    send(url, [made_up_kid(good) for _ in range(JUNK)], JUNK_INTERVAL),
                    send(url, itertools.repeat(good, int(JUNK * JUNK_INTERVAL / PROBE_INTERVAL)), PROBE_INTERVAL),
                )
                asked = issuer.key_requests
        if verifier.scopegate:
            expect("junk: one fetch", asked == 1)
            expect("junk: good tokens pass", all(answer.status == 200 for answer in probes))
        return f"{asked} requests to the key server; good tokens: {waits(probes)}; the others: {statuses(junk)}"

    for verifier, result in zip(ALL, await asyncio.gather(*(flood(verifier) for verifier in ALL)), strict=True):
        row(verifier, result)


async def short_lifetime() -> None:
    head("4a", "The lifetime of the key set, here 1 s, passes again and again; the key server takes 2 s")
    with authorization_server() as issuer, ExitStack() as stack:
        own = [replace(verifier, lifespan=1) for verifier in (SHORT, CAREFUL, CACHED)]
        urls = [stack.enter_context(mcp_server(verifier, issuer.issuer)) for verifier in own]
        for url in urls:
            await warm(issuer, url)
        issuer.delay = 2
        for verifier, url in zip(own, urls, strict=True):
            row(verifier, waits(await send(url, itertools.repeat(issuer.mint(url), 100), PROBE_INTERVAL)))
    row(SCOPEGATE, f"not exercised: it keeps no set for less than {KEY_SET_SECONDS} s; --expiry does")


async def lifetime() -> None:
    with ExitStack() as stack:
        slow, down, rotated = (stack.enter_context(authorization_server()) for _ in range(3))
        urls = {
            (issuer, verifier): stack.enter_context(mcp_server(verifier, issuer.issuer))
            for issuer in (slow, down, rotated)
            for verifier in ALL
        }
        for (issuer, _), url in urls.items():
            await warm(issuer, url)
        tokens = {key: key[0].mint(url) for key, url in urls.items()}
        slow.delay, down.status = 2, 500
        rotated.rotate()

        head(
            "4b",
            f"Good tokens for {KEY_SET_SECONDS + 5} s, past the key set's lifetime; the key server takes 2 s",
        )
        count = int((KEY_SET_SECONDS + 5) / (2 * PROBE_INTERVAL))
        probes = await asyncio.gather(
            *(send(urls[slow, each], itertools.repeat(tokens[slow, each], count), 2 * PROBE_INTERVAL) for each in ALL)
        )
        for verifier, answers in zip(ALL, probes, strict=True):
            over = sum(answer.seconds > 1 for answer in answers)
            row(verifier, f"{waits(answers)}; {over} of {count} waited more than 1 s")
        for number, text, issuer in (
            ("4c", "Then, where the key server has answered 500 ever since: a good token", down),
            ("4d", "Then, where the key was withdrawn 300 s ago: a token that it signed", rotated),
        ):
            head(number, text)
            for verifier in ALL:
                answers = await send(urls[issuer, verifier], [tokens[issuer, verifier]], 0)
                row(verifier, statuses(answers))
                if verifier.scopegate:
                    expect(text, (answers[0].status == 200) == (issuer == down))


def cost() -> None:
    head("5", "One good RS256 token in process, keys held, no HTTP: processor time")
    resource = "https://mcp.test/mcp"
    with authorization_server() as issuer:
        token = issuer.mint(resource)
        for verifier in (CAREFUL, CACHED):
            own = OwnVerifier(verifier, f"{issuer.issuer}/jwks", issuer.issuer, resource)
            row(verifier, f"{median_us(partial(own.verify, token)):.0f} us")
        server: scopegate.AuthorizationServer = {
            "issuer": issuer.issuer,
            "jwks": issuer.key_set(),
            "token_format": "rfc9068",
        }
        for capacity, seen in (0, "first seen"), (1, "seen before"):
            cache: scopegate.TokenCache = {"capacity": capacity}
            gate = ResourceServer(resource=resource, authorization_servers=[server], token_cache=cache)
            row(SCOPEGATE, f"{median_us(partial(gate.authorize, f'Bearer {token}')):.1f} us", of=f", {seen}")


def median_us(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    return statistics.median(timeit.repeat(call, timer=time.process_time, repeat=11, number=300)) / 300 * 1e6


async def warm(issuer: AuthorizationServer, url: str) -> None:
    answers = await send(url, [issuer.mint(url)], 0)
    expect(f"a good token passes, {statuses(answers)}", answers[0].status == 200)


def made_up_kid(token: str) -> str:
    header = json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": str(uuid.uuid4())})
    return ".".join([base64.urlsafe_b64encode(header.encode()).decode().rstrip("="), *token.split(".")[1:]])


if __name__ == "__main__":
    asyncio.run(main())
