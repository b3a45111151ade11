"""Preflights are answered to strangers, so nothing may come of one."""

from __future__ import annotations

from ..answers import NO_TOKEN, PREFLIGHT, denied, status
from ..message import TWO_VERSIONS, tool
from ..request import post
from ..suite import NODE, Suite, at, on

_ORIGIN, _ASKS = "Origin: https://app.test", "Access-Control-Request-Method: POST"


def suite() -> Suite:
    suite = Suite("preflights", "A preflight is answered without a token and never passed on, whatever it carries.")
    for version in TWO_VERSIONS:
        for name in ("weather", "erase"):
            for token in (None, "alice"):
                made = post(_ORIGIN, _ASKS, body=tool(version, name), version=version, token=token)
                made["request_line"] = "OPTIONS /mcp HTTP/1.1"
                id = f"preflight-with-a-call-{name}{'' if token is None else '-and-token'}"
                suite.case(at(id, version), "The body is a call.", made, PREFLIGHT)
    for id, comment, line, lines in (
        ("of-a-stranger", "An origin that is not listed.", "OPTIONS /mcp HTTP/1.1", ["Origin: https://evil.test", _ASKS]),
        ("of-null", "An origin that is none.", "OPTIONS /mcp HTTP/1.1", ["Origin: null", _ASKS]),
        (
            "for-an-unknown-method",
            "It asks for a method that nobody has.",
            "OPTIONS /mcp HTTP/1.1",
            [_ORIGIN, "Access-Control-Request-Method: CALL"],
        ),
    ):
        made = post(*lines, body=tool(None, "weather"), token=None)
        made["request_line"] = line
        suite.case(f"preflight-{id}", comment, made, PREFLIGHT)
    for id, comment, line, lines in (
        ("post", "A POST is no preflight.", "POST /mcp HTTP/1.1", [_ORIGIN, _ASKS]),
        ("get", "A GET is no preflight.", "GET /mcp HTTP/1.1", [_ORIGIN, _ASKS]),
        ("without-a-method", "It asks for no method.", "OPTIONS /mcp HTTP/1.1", [_ORIGIN]),
        ("without-an-origin", "It comes from no page.", "OPTIONS /mcp HTTP/1.1", [_ASKS]),
        ("overridden", "Nobody follows the override.", "POST /mcp HTTP/1.1", [_ORIGIN, _ASKS, "X-HTTP-Method-Override: OPTIONS"]),
    ):
        made = post(*lines, body=tool(None, "weather"), token=None)
        made["request_line"] = line
        suite.case(f"no-preflight-{id}", comment, made, NO_TOKEN)
    lower = post(_ORIGIN, _ASKS, body=tool(None, "weather"), token=None)
    lower["request_line"] = "options /mcp HTTP/1.1"
    suite.case(
        "no-preflight-in-lower-case",
        "Methods have one case.",
        lower,
        NO_TOKEN,
        hosts=on(NODE, "its parser of HTTP refuses it", status(400)),
    )
    signed = post(_ORIGIN, body=tool(None, "erase"), name="erase")
    signed["request_line"] = "OPTIONS /mcp HTTP/1.1"
    suite.case("no-preflight-with-token", "Its call is judged.", signed, denied(None))
    return suite
