"""Spellings of the endpoint's path: however a router folds them, no tool runs without a good token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..answers import NO_TOKEN, NOT_JSON, PASSES, Answer, denied, no_token, status
from ..request import call
from ..suite import EXPRESS, EXPRESS_JSON, EXPRESSES, FASTIFY, FASTMCP, GO, HONO, HOSTS, NODE, PYTHON, TOWER, WEB, Deviation, Suite


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a host does with a target, other than asking for a token, denying the tool and finding no route."""

    why: str
    answers: tuple[Answer, ...] = ()
    runs: bool = False


RUNS = Outcome("its router finds the endpoint", runs=True)
MISSES = Outcome("nothing is there", (status(404),) * 3)
REFUSES = Outcome("its parser of targets refuses it", (status(400),) * 3)
OPEN = Outcome("its router finds the public route", (status(200),) * 3)
UNREADABLE = Outcome("such a URL is no Request of the Fetch API, and its body cannot be had", (NO_TOKEN, NOT_JSON, NOT_JSON))
REDIRECTS = Outcome("its router sends clients elsewhere", (status(307),) * 3)

Outcomes = Mapping[Outcome, Sequence[str]]
EVERYWHERE = HOSTS

_TARGETS: list[tuple[str, str, Outcomes]] = [
    ("double-slash", "//mcp", {}),
    ("trailing-slash", "/mcp/", {RUNS: EXPRESSES}),
    ("trailing-slashes", "/mcp//", {}),
    ("upper-case", "/MCP", {RUNS: EXPRESSES}),
    ("encoded-slash", "/%2fmcp", {}),
    ("encoded-letter", "/%6dcp", {RUNS: (PYTHON, GO, FASTIFY, HONO)}),
    ("encoded-twice", "/%256dcp", {}),
    ("semicolon", "/mcp;x", {}),
    ("semicolon-in-front", "/;x/mcp", {}),
    ("nul", "/mcp%00", {}),
    ("line-feed", "/mcp%0a", {RUNS: (PYTHON,)}),
    ("dot-segment", "/./mcp", {RUNS: WEB}),
    ("dot-segments", "/x/../mcp", {RUNS: WEB}),
    ("encoded-dots", "/x/%2e%2e/mcp", {RUNS: WEB}),
    ("dots-behind", "/mcp/..", {}),
    ("dot-behind", "/mcp/.", {}),
    ("backslash", "\\mcp", {REFUSES: (*NODE, GO, TOWER)}),
    ("encoded-backslash", "/%5cmcp", {}),
    ("below", "/mcp/x", {}),
    ("query", "/mcp?x=/.well-known/oauth-protected-resource/mcp", {RUNS: EVERYWHERE}),
    ("query-empty", "/mcp?", {RUNS: EVERYWHERE}),
    ("encoded-query", "/mcp%3fx", {}),
    ("fragment", "/mcp#x", {RUNS: NODE}),
    ("absolute", "http://mcp.test/mcp", {RUNS: (*NODE, GO)}),
    ("absolute-elsewhere", "http://evil.test/mcp", {RUNS: (*NODE, GO)}),
    ("absolute-with-user", "http://user@mcp.test/mcp", {RUNS: (GO, EXPRESS, EXPRESS_JSON, FASTIFY), UNREADABLE: WEB}),
    ("absolute-in-upper-case", "HTTP://MCP.TEST/mcp", {RUNS: (GO, EXPRESS, EXPRESS_JSON, FASTIFY), REFUSES: WEB}),
    ("without-slash", "mcp", {REFUSES: (*NODE, GO)}),
    ("star", "*", {REFUSES: WEB}),
    ("authority", "mcp.test:443", {REFUSES: NODE}),
    ("no-utf-8", "/mcp%ff", {REFUSES: (FASTIFY,)}),
    ("bare-percent", "/mcp%", {REFUSES: (GO, FASTIFY)}),
    ("root", "/", {}),
    ("public", "/open", {OPEN: EVERYWHERE}),
    ("public-then-endpoint", "/open/../mcp", {RUNS: WEB}),
    ("public-encoded-then-endpoint", "/open/%2e%2e/mcp", {RUNS: WEB}),
    ("public-slash-endpoint", "/open%2f..%2fmcp", {}),
    ("public-semicolon", "/open;/../mcp", {RUNS: WEB}),
    ("public-query", "/mcp?/open", {RUNS: EVERYWHERE}),
    ("public-fragment", "/mcp#/open", {RUNS: NODE}),
    (
        "well-known-then-endpoint",
        "/.well-known/oauth-protected-resource/../../mcp",
        {MISSES: (*EXPRESSES, PYTHON, GO, TOWER, FASTIFY), RUNS: WEB},
    ),
    (
        "well-known-backslash",
        "/.well-known/oauth-protected-resource/mcp/..\\..\\..\\mcp",
        {MISSES: (*EXPRESSES, PYTHON, GO, TOWER, FASTIFY), REFUSES: WEB},
    ),
]


def suite() -> Suite:
    suite = Suite("paths", "Three calls of each target: without a token, of a denied tool, of an allowed one. /open is public.", "paths")
    add_cases(suite, "path", "/mcp", [(id, target, _with_fastmcp(id, outcomes)) for id, target, outcomes in _TARGETS])
    return suite


def _with_fastmcp(id: str, outcomes: Outcomes) -> Outcomes:
    """FastMCP guards its endpoint alone: where its router finds that, it asks for a token, and elsewhere nothing is."""
    told = {outcome: (*hosts, FASTMCP) if PYTHON in hosts and FASTMCP not in hosts else hosts for outcome, hosts in outcomes.items()}
    if any(FASTMCP in hosts for hosts in told.values()):
        return told
    outcome = REDIRECTS if id.startswith("trailing-slash") else MISSES
    return told | {outcome: (*told.get(outcome, ()), FASTMCP)}


def add_cases(suite: Suite, prefix: str, resource: str, targets: Sequence[tuple[str, str, Outcomes]]) -> None:
    for id, target, outcomes in targets:
        requests = [call("weather", token=None, target=target), call("erase", target=target), call("weather", target=target)]
        told = no_token(resource), denied("1", resource), PASSES
        hosts = {
            host: Deviation(outcome.why, *outcome.answers, ran=["weather"] if outcome.runs else None)
            for outcome, hosts in outcomes.items()
            for host in hosts
        }
        suite.case(f"{prefix}-{id}", f"The target is {target}", requests, *told, hosts=hosts)
