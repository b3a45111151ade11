"""The matrix: adapters, official clients and the rows of the wire table, over real sockets.

    python tests/matrix/run.py [--browser] [--write] [--pin] [--adapter NAME ...]

Every answer that crosses a socket is compared with the core's, and what each client reports with ``expectations.json``,
which ``--pin`` writes. ``--browser`` has a browser ask every server, too. ``docs/matrix.md`` says what came out;
``--write`` writes it. Exits with 1 at a difference.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authorization_server import AuthorizationServer, running, secret
from browser import LISTED, OTHER, Pages, browser_at, in_browser, serving_pages
from children import ADAPTERS, ANSWERED_BEFORE, CLIENTS, HERE, SORTING_HEADERS, WITHOUT_SESSIONS, Child, Driver, serve
from documents import DOCUMENTS, fetch
from page import text_of
from rows import CALLER, EMAIL, MCP, ROWS, WEATHER, Row, configuration
from tap import Exchange, Tap
from verdict import Answer, answer_to, difference

from scopegate import ResourceServer
from scopegate.testing import Issuer

PAGE = HERE.parent.parent / "docs" / "matrix.md"
EXPECTATIONS = HERE / "expectations.json"
AT_ONCE = 4
"""Scenarios that run at a time."""
CLIENT = "assistant"


@dataclass
class Stage:
    """A server behind its adapter and a tap, and the core with the same configuration."""

    adapter: str
    tap: Tap
    issuer: Issuer
    authorization_server: str
    page_origin: str
    gate: ResourceServer
    child: Child

    @property
    def resource(self) -> str:
        return self.gate.resource

    def difference(self, exchange: Exchange, answer: Answer | None) -> str | None:
        return difference(exchange, answer, sorts_headers=self.adapter in SORTING_HEADERS)


@dataclass
class Findings:
    """What the cells found."""

    cells: int = 0
    differences: list[str] = field(default_factory=list)
    reports: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    """Client -> row -> adapter -> what the client reported, and how its calls were answered."""


def cells(adapters: Collection[str]) -> int:
    """How many there are, without a browser."""
    sessions = sum(adapter not in WITHOUT_SESSIONS for adapter in adapters)
    rows = sum(len(adapters) if not row.refused_by_host else sessions for row in ROWS.values())
    return rows * len(CLIENTS) + len(DOCUMENTS) * len(adapters)


def browser_checks(adapters: Collection[str]) -> int:
    return (len(LISTED) + len(OTHER)) * len(adapters)


async def cell(stage: Stage, driver: Driver, client: str, name: str, findings: Findings) -> None:
    """One client meets one row at one adapter."""
    row = ROWS[name]
    stage.tap.begin(row.change(stage.issuer) if row.change is not None else None)
    authorization = {"Authorization": stage.issuer.authorization(**row.claims)} if row.claims is not None else {}
    oauth = {"client": CLIENT, "secret": secret(CLIENT), "issuer": stage.authorization_server}
    report = await driver.run(
        {
            "url": stage.resource,
            "era": row.era,
            "headers": authorization,
            "oauth": oauth if row.gets_tokens else None,
            "tool": row.tool,
            "arguments": row.arguments,
        }
    )
    await stage.tap.settle()
    where = f"{stage.adapter}, {client}, {name}"
    exchanges = [exchange for exchange in stage.tap.exchanges if exchange.received]
    findings.cells += 1
    wrong = await asyncio.to_thread(differences, stage, row, exchanges)
    findings.differences += [f"{where}: {what}" for what in wrong]
    calls = [each.status for each in exchanges if is_judged(each, row)]
    told = {key: plain(value, stage) for key, value in report.items()}
    findings.reports[client][name][stage.adapter] = {"calls": calls, **told}


def differences(stage: Stage, row: Row, exchanges: Sequence[Exchange]) -> list[str]:
    """What was answered otherwise than by the core, and whether the row came to pass at all."""
    found = []
    reasons = set()
    answered_before = row.title in ANSWERED_BEFORE.get(stage.adapter, ())
    for exchange in exchanges:
        is_faulty = row.reason == "internal" and exchange.is_changed
        answer = answer_to(stage.gate, exchange.request, ["not a scope"] if is_faulty else [])
        what = stage.difference(exchange, answer)
        if exchange.is_changed and answered_before:
            what = None if what is not None and 400 <= exchange.status < 500 else "the core answers, and not the host"
        if what is not None:
            found.append(what)
        if is_judged(exchange, row) and answer is not None:
            reasons.add(answer.reason)
        if row.refused_by_host and exchange.is_changed and (answer is not None or exchange.status not in (403, 404)):
            found.append(f"another user's token on a session was answered with {exchange.status}")
    if reasons != ({row.reason} if row.reason is not None else set()):
        found.append(f"the calls were judged {sorted(map(str, reasons))}, expected {row.reason}")
    return found


def is_judged(exchange: Exchange, row: Row) -> bool:
    """Whether this request is what the row is about: the calls of tools, or all that a client sends in vain."""
    return exchange.request.call is not None or exchange.is_changed or not row.connects


def plain(value: Any, stage: Stage) -> Any:
    """A report without what differs from run to run. Scopes are a set, and the Go client asks for them in any order."""
    if isinstance(value, list):
        return [" ".join(sorted(scopes.split())) for scopes in value]
    value = value.replace(stage.tap.origin, "{origin}").replace(stage.authorization_server, "{issuer}")
    return re.sub(r'(?<="id":)\d+|(?<=session ID: )[^)]+', "{id}", value)


async def adapter_cells(
    stage: Stage, drivers: Mapping[str, Driver], findings: Findings, limit: asyncio.Semaphore, first: int
) -> None:
    """Every cell of one adapter, one at a time, since its tap can tell no clients apart."""
    clients = list(drivers)
    for client in clients[first:] + clients[:first]:
        for name, row in ROWS.items():
            if row.refused_by_host and stage.adapter in WITHOUT_SESSIONS:
                continue
            async with limit:
                try:
                    await cell(stage, drivers[client], client, name, findings)
                except Exception as failure:
                    raise RuntimeError(f"{stage.adapter}, {client}, {name}: {failure!r}") from failure
    for title, request in DOCUMENTS.items():
        stage.tap.begin(None)
        await fetch(stage.tap, request(stage))
        (exchange,) = stage.tap.exchanges
        answer = await asyncio.to_thread(answer_to, stage.gate, exchange.request, [])
        findings.cells += 1
        what = "the core says nothing" if answer is None else stage.difference(exchange, answer)
        if title in ANSWERED_BEFORE.get(stage.adapter, ()):
            what = None if what is not None and exchange.status == 403 else "the core answers, and not the host"
        if what is not None:
            findings.differences.append(f"{stage.adapter}, {title}: {what}")


@contextlib.asynccontextmanager
async def staged(adapters: Sequence[str], page_origin: str) -> AsyncIterator[list[Stage]]:
    """The servers behind their taps, and the authorization server that they trust."""
    taps = {adapter: Tap.open() for adapter in adapters}
    scopes = [MCP, WEATHER, EMAIL]
    resources = [
        {"id": adapter, "name": adapter, "resource": f"{tap.origin}/mcp", "scopes": scopes}
        for adapter, tap in taps.items()
    ]
    # A client that names no scope gets what every request needs, and must ask for more by itself.
    grants = {CLIENT: [{"resource": adapter, "scopes": scopes, "default_scopes": [MCP]} for adapter in adapters]}
    with running(Path(os.environ["SCOPEGATE_AUTHSERVER"]), resources, grants) as authorization_server:
        starting = [start(adapter, tap, authorization_server, page_origin) for adapter, tap in taps.items()]
        stages = await asyncio.gather(*starting)
        servers = [await tap.serve() for tap in taps.values()]
        try:
            yield stages
        finally:
            for server in servers:
                server.close()
            await asyncio.gather(*(stage.child.stop() for stage in stages))


async def start(adapter: str, tap: Tap, authorization_server: AuthorizationServer, page_origin: str) -> Stage:
    resource = f"{tap.origin}/mcp"
    issuer = Issuer(resource)
    gate = configuration(resource, authorization_server.issuers[adapter], issuer, page_origin)
    child, tap.ports = await serve(adapter, gate)
    core = ResourceServer.from_json(json.dumps(gate))
    return Stage(adapter, tap, issuer, authorization_server.issuers[adapter], page_origin, core, child)


async def run(adapters: Sequence[str], with_browser: bool) -> Findings:
    findings = Findings()
    limit = asyncio.Semaphore(AT_ONCE)
    if with_browser:
        async with browser_at("about:blank"):
            pass  # where none can run, this fails before all other cells have run
    async with serving_pages() as pages, staged(adapters, pages.listed.origin) as stages:
        drivers = {client: await Driver.start(client) for client in CLIENTS}
        try:
            every = enumerate(stages)
            running = [adapter_cells(stage, drivers, findings, limit, number % len(CLIENTS)) for number, stage in every]
            await asyncio.gather(*running)
        finally:
            await asyncio.gather(*(driver.stop() for driver in drivers.values()))
        if with_browser:
            await browser_cells(stages, pages, findings)
    return findings


async def browser_cells(stages: Sequence[Stage], pages: Pages, findings: Findings) -> None:
    """A script of the listed origin asks every server, then one of another origin."""
    targets = [
        {
            "adapter": stage.adapter,
            "url": stage.resource,
            "metadata": stage.gate.metadata_url,
            "token": stage.issuer.mint(**CALLER),
        }
        for stage in stages
    ]
    for page, checks in ((pages.listed, LISTED), (pages.other, OTHER)):
        for stage in stages:
            stage.tap.begin(None)
        results = await in_browser(page, targets)
        for stage in stages:
            await stage.tap.settle()
            found = {**results[stage.adapter], "requests": []}
            for exchange in stage.tap.exchanges:
                answer = await asyncio.to_thread(answer_to, stage.gate, exchange.request, [])
                if (what := stage.difference(exchange, answer)) is not None:
                    findings.differences.append(f"{stage.adapter}, browser: {what}")
                found["requests"].append(f"{exchange.request.method} {exchange.status}")
            for title, check in checks.items():
                findings.cells += 1
                if not check(found, stage.gate.metadata_url):
                    findings.differences.append(f"{stage.adapter}, {title}: found {found}")


def pinned(findings: Findings) -> dict[str, Any]:
    """For each client and row what most adapters see, and the adapters where it is otherwise."""
    out: dict[str, Any] = {}
    for client in CLIENTS:
        for name in ROWS:
            reports = {adapter: findings.reports[client][name].get(adapter) for adapter in ADAPTERS}
            seen = {adapter: report for adapter, report in reports.items() if report is not None}
            most = json.loads(Counter(json.dumps(report) for report in seen.values()).most_common(1)[0][0])
            others = {adapter: report for adapter, report in seen.items() if report != most}
            out.setdefault(client, {})[name] = {"report": most, **({"adapters": others} if others else {})}
    return out


def unexpected(findings: Findings) -> list[str]:
    """Reports that are not as ``expectations.json`` has them."""
    expected = json.loads(EXPECTATIONS.read_text())
    found = []
    for client, rows in findings.reports.items():
        for name, reports in rows.items():
            entry = expected[client][name]
            for adapter, report in reports.items():
                wanted = entry.get("adapters", {}).get(adapter, entry["report"])
                if report != wanted:
                    found.append(
                        f"{adapter}, {client}, {name}: the client reports\n    {report}\n    expected {wanted}"
                    )
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--adapter", action="append", choices=list(ADAPTERS), help="only these")
    arguments.add_argument("--browser", action="store_true", help="the cells of the browser as well")
    arguments.add_argument("--pin", action="store_true", help="write expectations.json")
    arguments.add_argument("--write", action="store_true", help="write docs/matrix.md")
    given = arguments.parse_args()
    logging.disable()  # the gates here refuse what the servers refuse
    adapters = given.adapter or list(ADAPTERS)
    begun = time.monotonic()
    findings = asyncio.run(run(adapters, given.browser))
    if given.pin:
        EXPECTATIONS.write_text(json.dumps(pinned(findings), indent=1) + "\n")
    expected = cells(adapters) + (browser_checks(adapters) if given.browser else 0)
    wrong = [*findings.differences, *unexpected(findings)]
    if findings.cells != expected:
        wrong.append(f"{findings.cells} cells ran, expected {expected}")
    text = text_of(json.loads(EXPECTATIONS.read_text()), cells(ADAPTERS), browser_checks(ADAPTERS))
    if given.write and not wrong:
        PAGE.write_text(text)
    elif not wrong and PAGE.read_text() != text:
        wrong.append("docs/matrix.md is not what these expectations make: run `make matrix`")
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(f"{findings.cells} cells, {len(wrong)} differences, in {time.monotonic() - begun:.0f} seconds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
