"""A session is its owner's: another user's token on its id gets nowhere."""

from __future__ import annotations

from ..answers import DENIED, NO_TOKEN, PASSES, status
from ..message import compact, message, tool
from ..request import post, request
from ..suite import FETCH, GO, NODE, Suite, on

_ID = "Mcp-Session-Id: {session}"


def suite() -> Suite:
    suite = Suite(
        "sessions", "A session-holding transport behind the gate. The first request opens a session; {session} is its id.", "sessions"
    )
    nameless = {"sub": "", "client_id": "", "scope": "mcp:tools:weather"}
    suite.tokens |= {"nobody": nameless, "nobody_else": nameless}
    for version in ("2025-11-25", "2025-06-18", "2025-03-26"):
        _of(suite, version)
    return suite


def _of(suite: Suite, version: str) -> None:
    members = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    initialize = message(None, "initialize", compact(members)[1:-1], "0")
    initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

    def calls(name: str, token: str | None, *lines: str) -> dict[str, object]:
        return post(*(lines or (_ID,)), f"MCP-Protocol-Version: {version}", body=tool(None, name), token=token)

    def case(id: str, comment: str, request: dict[str, object], answer: dict[str, object], owner: str = "alice", **more: object) -> None:
        """The request comes between two calls of the owner, which both pass."""
        opens = post(body=initialize, token=owner)
        ready = post(_ID, f"MCP-Protocol-Version: {version}", body=initialized, token=owner)
        requests = [opens, ready, calls("weather", owner), request, calls("weather", owner)]
        told = [status(200), status(202), PASSES, answer, PASSES]
        suite.case(f"session-{id}@{version}", comment, requests, *told, ran=["weather", "weather"], **more)  # type: ignore[arg-type]

    not_found = status(404)

    def answers(code: int) -> tuple[dict[str, object], ...]:
        return status(200), status(202), PASSES, status(code), PASSES

    go = on([GO], "its SDK answers 403", *answers(403))
    unknown = "its SDK finds no session of this name"
    case("of-another-user", "Another user's token.", calls("weather", "mallory"), not_found, hosts=go)
    other = calls("weather", "nobody_else")
    case("of-another-nobody", "Two tokens that name neither user nor client.", other, not_found, owner="nobody", hosts=go)
    case("of-nobody", "No token.", calls("weather", None), NO_TOKEN)
    case("denied-tool", "The owner calls a denied tool.", calls("erase", "alice"), DENIED)
    case("denied-tool-of-another-user", "Another user calls a denied tool.", calls("erase", "mallory"), DENIED)
    two = ("Mcp-Session-Id: other", _ID)
    case(
        "beside-another",
        "Two ids, the second is the owner's.",
        calls("weather", "mallory", *two),
        not_found,
        hosts=on([FETCH], unknown, *answers(400)),
    )
    case(
        "before-another",
        "Two ids, the first is the owner's.",
        calls("weather", "mallory", *reversed(two)),
        not_found,
        hosts=go | on([FETCH], unknown, *answers(400)),
    )
    joined = calls("weather", "mallory", "Mcp-Session-Id: {session}, {session}")
    case("joined", "Two ids on one line.", joined, not_found, hosts=on(NODE, unknown, *answers(400)))
    blanks = calls("weather", "mallory", "Mcp-Session-Id:   {session}  ")
    case("with-blanks", "Blanks around the id.", blanks, not_found, hosts=go)
    lower = calls("weather", "mallory", "MCP-SESSION-ID: {session}")
    case("in-another-case", "Names of fields have no case.", lower, not_found, hosts=go)
    lines = ("Accept: text/event-stream", "Authorization: Bearer {mallory}", _ID, f"MCP-Protocol-Version: {version}")
    case("listened-to", "Another user listens.", request(*lines, method="GET"), not_found, hosts=go)
    case("ended", "Another user ends it.", request(*lines, method="DELETE"), not_found, hosts=go)
    response = post(_ID, f"MCP-Protocol-Version: {version}", body='{"jsonrpc":"2.0","id":1,"result":{}}', token="mallory")
    case("answered", "Another user answers for the owner.", response, not_found, hosts=go)
