"""Calls in bodies of other methods than POST, and requests for other protocols."""

from __future__ import annotations

from ..answers import CLOSED, DENIED, NO_TOKEN, PASSES, Answer, denied, status
from ..message import TWO_VERSIONS, tool
from ..request import post, request
from ..suite import NODE, PYTHONS, WEB, Suite, at, on

_NO_BODY = "a Request of the Fetch API has no body then, for anybody"


def suite() -> Suite:
    suite = Suite("methods", "Whatever the method, a body is judged as the body of a POST is, or nobody sees it.")
    for version in TWO_VERSIONS:
        for method in ("GET", "DELETE", "OPTIONS", "PUT", "PATCH"):
            for lines in ([], ["X-HTTP-Method-Override: POST"]):
                suffix = "-overridden" if lines else ""
                for name in ("weather", "erase"):
                    made = post(*lines, body=tool(version, name), version=version, name=name)
                    made["request_line"] = f"{method} /mcp HTTP/1.1"
                    answer: Answer = PASSES if name == "weather" else denied(None)
                    hosts = on(WEB, _NO_BODY, PASSES) if method == "GET" and name == "erase" else {}
                    suite.case(at(f"{method.lower()}{suffix}-{name}", version), "A call in the body.", made, answer, hosts=hosts)
        for name in ("weather", "erase"):
            made = post(body=tool(version, name), version=version, name=name)
            made["request_line"] = "HEAD /mcp HTTP/1.1"
            answer = {"status": 403, "body": ""} if name == "erase" else PASSES
            hosts = on(WEB, _NO_BODY, PASSES) if name == "erase" else {}
            suite.case(at(f"head-{name}", version), "A call in the body.", made, answer, hosts=hosts)
            made = post(body=tool(version, name), version=version, name=name)
            made["request_line"] = "post /mcp HTTP/1.1"
            suite.case(
                at(f"post-in-lower-case-{name}", version),
                "Methods have one case.",
                made,
                PASSES if name == "weather" else denied(None),
                hosts=on(NODE, "its parser of HTTP refuses it", status(400)),
            )
            over = post("X-HTTP-Method-Override: GET", body=tool(version, name), version=version, name=name)
            suite.case(
                at(f"post-overridden-{name}", version),
                "Nobody follows it.",
                over,
                PASSES if name == "weather" else DENIED,
                ran=["weather"] if name == "weather" else [],
            )
    for method in ("GET", "DELETE", "OPTIONS", "PUT", "PATCH"):
        made = post(body=tool(None, "weather"), token=None)
        made["request_line"] = f"{method} /mcp HTTP/1.1"
        suite.case(f"{method.lower()}-without-token", "A call in the body.", made, NO_TOKEN)
    _upgrades(suite)
    return suite


_WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
_H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")


def _upgrades(suite: Suite) -> None:
    bearer = "Authorization: Bearer {alice}"
    for id, lines in (("websocket", _WEBSOCKET), ("h2c", _H2C)):
        is_ours = id == "websocket"
        refused = on(PYTHONS, "uvicorn answers for a WebSocket that is closed", status(403)) if is_ours else {}
        dropped = on(PYTHONS, "uvicorn's WebSockets take no POST", CLOSED, ran=[]) if is_ours else {}
        suite.case(f"{id}-without-token", "Another protocol.", request(*lines, method="GET", keep=True), NO_TOKEN, hosts=refused)
        suite.case(f"{id}-with-token", "Another protocol.", request(*lines, bearer, method="GET", keep=True), PASSES)
        for name in ("weather", "erase"):
            made = post(*lines, body=tool(None, name), keep=True)
            answer = PASSES if name == "weather" else DENIED
            suite.case(
                f"{id}-of-a-call-{name}",
                "A call that asks for another protocol.",
                made,
                answer,
                ran=["weather"] if name == "weather" else [],
                hosts=dropped,
            )
