"""`headers_verified`: the gate lets requests of 2026-07-28 pass by their headers, so the server must compare them."""

from __future__ import annotations

from ..answers import DENIED, PASSES
from ..compressed import gzipped
from ..message import MODERN, tool
from ..request import post
from ..suite import FASTIFY, GO, Suite, at, on
from . import members, routing_headers

_LINES = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/call", "Mcp-Name: weather")


def suite() -> Suite:
    suite = Suite(
        "verified_headers",
        "The host vouches that its server compares the headers with the body: no tool runs that the headers do not name.",
        headers_verified=True,
    )
    for name, answer, ran in (("weather", PASSES, ["weather"]), ("erase", DENIED, []), ("free", PASSES, ["free"])):
        suite.case(f"verified-{name}", "Headers and body agree.", post(body=tool(MODERN, name), version=MODERN, name=name), answer, ran=ran)
    for id, comment, lines, body_tool in routing_headers.rows():
        made = routing_headers.by_lines([_LINES[0], *lines], tool(MODERN, body_tool))
        suite.case(at(f"verified-{id}", MODERN), comment, made, PASSES)
    for id, comment, top, params, _ in members.rows():
        made = routing_headers.by_lines(_LINES, members.body_of(top, params, MODERN))
        ran = ["weather"] if id in _READ_AS_WEATHER else []
        hosts = on([FASTIFY], "Fastify's own parser refuses such members", ran=[]) if id in _PROTOTYPES else {}
        suite.case(at(f"verified-{id}", MODERN), comment, made, PASSES, ran=ran, hosts=hosts)
    _bodies(suite)
    return suite


_PROTOTYPES = {"name-and-its-prototype", "escaped-prototype"}
_READ_AS_WEATHER = _PROTOTYPES | {
    "id-twice",
    "name-beside-upper-case",
    "name-escaped-first-denied",
    "name-twice-first-denied",
    "name-with-nul",
    "params-twice-last-allowed",
    "version-of-json-rpc-twice",
}
"""Whichever member counts: the SDKs compare the headers with the one that they act on."""


def _bodies(suite: Suite) -> None:
    weather, erase = tool(MODERN, "weather"), tool(MODERN, "erase")
    for id, comment, body in (
        ("body-of-another-version", "The body is of 2025-06-18.", tool("2025-06-18", "erase")),
        ("notification", "A call without an id.", tool(MODERN, "erase", None)),
        ("batch", "A batch.", f"[{weather},{erase}]"),
        ("batch-of-denied", "A batch.", f"[{erase}]"),
        ("batch-of-another-version", "A batch.", f"[{tool(None, 'weather')},{tool(None, 'erase')}]"),
        ("utf-16", "Not UTF-8.", erase.encode("utf-16")),
        ("byte-order-mark", "A mark in front.", "\ufeff" + erase),
        ("trailing-object", "Another text behind.", f"{weather}{erase}"),
        ("lines", "Two calls on two lines.", f"{weather}\n{erase}"),
    ):
        first = on([GO], "its SDK reads the first text and no further", ran=["weather"]) if id in ("trailing-object", "lines") else {}
        suite.case(at(f"verified-{id}", MODERN), comment, routing_headers.by_lines(_LINES, body), PASSES, hosts=first)
    packed = post("Content-Encoding: gzip", body=gzipped(erase.encode()), version=MODERN)
    suite.case(at("verified-gzip", MODERN), "Compressed.", packed, PASSES)
