"""`Mcp-Method` and `Mcp-Name` that say something else than the body."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from ..answers import DENIED, MISMATCH, PASSES, Answer
from ..message import LEGACY, MODERN, VERSIONS, tool
from ..request import ACCEPT, JSON, Body, bearer, request, size
from ..suite import GO, Suite, at, on

_METHOD, _NAME = "Mcp-Method: tools/call", "Mcp-Name: weather"


def suite() -> Suite:
    suite = Suite("routing_headers", "Routing headers never decide: the body does, and on 2026-07-28 they must agree with it.")
    for id, comment, lines, body_tool in rows():
        for version in VERSIONS:
            says = [] if version is None else [f"MCP-Protocol-Version: {version}"]
            by_body: Answer = DENIED if body_tool == "erase" else PASSES
            passes = version != MODERN and body_tool == "weather"
            suite.case(
                at(id, version),
                comment,
                by_lines([*says, *lines], tool(version, body_tool)),
                MISMATCH if version == MODERN else by_body,
                ran=["weather"] if passes else [],
            )
    _agreeing(suite)
    _versions(suite)
    return suite


def by_lines(lines: Sequence[str], body: Body) -> dict[str, Any]:
    """A POST whose lines of MCP are these alone."""
    return request(JSON, ACCEPT, *bearer("alice"), *lines, f"Content-Length: {size(body)}", body=body)


def _encoded(name: str) -> str:
    return b64encode(name.encode()).decode()


def rows() -> list[tuple[str, str, list[str], str]]:
    """Id, comment, the lines beside the version, the tool in the body."""
    return [
        ("method-of-another-call", "Mcp-Method names a harmless method.", ["Mcp-Method: tools/list", _NAME], "weather"),
        ("method-hides-denied", "Mcp-Method names a harmless method, the body a denied tool.", ["Mcp-Method: ping"], "erase"),
        ("name-hides-denied", "Mcp-Name names an allowed tool, the body a denied one.", [_METHOD, _NAME], "erase"),
        ("name-of-denied", "Mcp-Name names a denied tool, the body an allowed one.", [_METHOD, "Mcp-Name: erase"], "weather"),
        ("name-twice", "Two lines of Mcp-Name.", [_METHOD, _NAME, "Mcp-Name: erase"], "weather"),
        ("name-twice-hides-denied", "Two lines of Mcp-Name, one of them right.", [_METHOD, _NAME, "Mcp-Name: erase"], "erase"),
        ("name-twice-the-same", "Two lines of Mcp-Name that agree.", [_METHOD, _NAME, _NAME], "weather"),
        ("name-with-comma", "One line with two names.", [_METHOD, "Mcp-Name: weather, erase"], "weather"),
        ("name-with-comma-hides-denied", "One line with two names.", [_METHOD, "Mcp-Name: weather, erase"], "erase"),
        ("method-twice", "Two lines of Mcp-Method.", [_METHOD, "Mcp-Method: ping", _NAME], "weather"),
        ("method-twice-hides-denied", "Two lines of Mcp-Method.", ["Mcp-Method: ping", _METHOD, _NAME], "erase"),
        ("method-with-comma", "One line with two methods.", ["Mcp-Method: tools/call, ping", _NAME], "weather"),
        ("method-in-another-case", "Methods have one case.", ["Mcp-Method: Tools/Call", _NAME], "weather"),
        ("name-in-another-case", "Names have one case.", [_METHOD, "Mcp-Name: Weather"], "weather"),
        ("method-missing", "No Mcp-Method.", [_NAME], "weather"),
        ("name-missing", "No Mcp-Name.", [_METHOD], "weather"),
        ("name-empty", "An empty Mcp-Name.", [_METHOD, "Mcp-Name:"], "weather"),
        ("encoded-denied", "An encoded name of a denied tool.", [_METHOD, f"Mcp-Name: =?base64?{_encoded('erase')}?="], "weather"),
        ("encoded-hides-denied", "An encoded name of an allowed tool.", [_METHOD, f"Mcp-Name: =?base64?{_encoded('weather')}?="], "erase"),
        ("encoded-badly", "Not base64.", [_METHOD, "Mcp-Name: =?base64?!!!!?="], "weather"),
        (
            "encoded-without-padding",
            "Base64 without padding.",
            [_METHOD, f"Mcp-Name: =?base64?{_encoded('weather').rstrip('=')}?="],
            "weather",
        ),
        (
            "encoded-twice",
            "The encoded form of an encoded form.",
            [_METHOD, f"Mcp-Name: =?base64?{_encoded('=?base64?d2VhdGhlcg==?=')}?="],
            "weather",
        ),
        ("encoded-with-end-missing", "No end mark.", [_METHOD, f"Mcp-Name: =?base64?{_encoded('weather')}"], "weather"),
        ("encoded-in-upper-case", "The mark has one case.", [_METHOD, f"Mcp-Name: =?BASE64?{_encoded('weather')}?="], "weather"),
    ]


def _agreeing(suite: Suite) -> None:
    encoded = [_METHOD, f"Mcp-Name: =?base64?{_encoded('weather')}?="]
    for version in VERSIONS:
        says = [] if version is None else [f"MCP-Protocol-Version: {version}"]
        body = tool(version, "weather")
        hosts = on([GO], "its SDK does not decode it", ran=[]) if version == MODERN else {}
        suite.case(
            at("encoded-well", version),
            "An encoded name that agrees.",
            by_lines([*says, *encoded], body),
            PASSES,
            ran=["weather"],
            hosts=hosts,
        )
    blanks = [f"MCP-Protocol-Version: {MODERN}", "Mcp-Method:   tools/call  ", "Mcp-Name:\tweather\t"]
    suite.case(
        "blanks-around@2026-07-28",
        "Blanks around a value are no part of it.",
        by_lines(blanks, tool(MODERN, "weather")),
        PASSES,
        ran=["weather"],
    )


def _versions(suite: Suite) -> None:
    """What the version line itself may be."""
    lines = [_METHOD, _NAME]
    for id, comment, says in (
        ("version-twice", "Two versions, on two lines.", [f"MCP-Protocol-Version: {MODERN}", "MCP-Protocol-Version: 2025-06-18"]),
        ("version-twice-old-first", "Two versions, on two lines.", ["MCP-Protocol-Version: 2025-06-18", f"MCP-Protocol-Version: {MODERN}"]),
        ("version-with-comma", "Two versions on one line.", [f"MCP-Protocol-Version: {MODERN}, 2025-06-18"]),
        ("version-unknown", "A version to come.", ["MCP-Protocol-Version: 2099-01-01"]),
        ("version-no-date", "No date.", ["MCP-Protocol-Version: 2026-07-28-draft"]),
        ("version-empty", "No value.", ["MCP-Protocol-Version:"]),
    ):
        denied = MISMATCH if id == "version-unknown" else DENIED
        for era in (MODERN, LEGACY[1]):
            suite.case(f"{id}-hides-denied@{era}", comment, by_lines([*says, *lines], tool(era, "erase")), denied)
    for says in LEGACY:
        line = [] if says is None else [f"MCP-Protocol-Version: {says}"]
        suite.case(
            at("body-of-another-version-hides-denied", says),
            "The body says that it is of 2026-07-28, the headers do not.",
            by_lines([*line, *lines], tool(MODERN, "erase")),
            DENIED,
        )
    body = tool("2025-06-18", "erase")
    suite.case(
        "header-of-another-version-hides-denied",
        "The headers say that the request is of 2026-07-28, the body does not.",
        by_lines([f"MCP-Protocol-Version: {MODERN}", *lines], body),
        MISMATCH,
    )
