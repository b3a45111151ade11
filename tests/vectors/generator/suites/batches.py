"""Batches: what each of their calls needs, together."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..rpc import body, tool_call
from ..suite import OK, Suite, config, request
from ..tokens import ABSENT, Raw, token

DENIED = "policy_denied"
MALFORMED = "malformed_call"
SHORT = "insufficient_scope"
INVALID = rpc.error(-32600, "Invalid Request")
PARSE_ERROR = rpc.error(-32700, "Parse error")
REFS = ["JSON-RPC 2.0 6"]


def add_to(suite: Suite) -> None:
    policy = {"default": ["d"], "tools": {"weather": ["w"], "sum": ["s", "w"], "erase": "deny"}, "resources": {"file:///a/*": ["a"]}}
    members: dict[str, Any] = {"scope_implications": {"admin": ["s", "w"]}, "challenge_scopes": "required"}
    group = suite.group("Batches.", config(required_scopes=["r"], policy=policy, **members))
    weather, sum, erase = tool_call("weather", 1), tool_call("sum", 2), tool_call("erase", 3)
    read = body("resources/read", 4, params={"uri": "file:///a/b"})
    short = '{"error":"insufficient_scope","error_description":"Required scope: r w s","scope":"r w s"}'
    denied = '{"error":"access_denied","error_description":"Not allowed"}'
    for id, comment, messages, scope, faults, stated in (
        ("one", "One call.", [weather], "r w", OK, None),
        ("one-short", "It has no id of its own.", [weather, sum], "r w", SHORT, short),
        ("two", "Each call counts.", [weather, sum], "r w s", OK, None),
        ("implied", "Implications hold.", [weather, sum], "r admin", OK, None),
        ("three-short", "Each call counts.", [weather, sum, read], "r w s", SHORT, None),
        ("denied", "One call is denied.", [weather, erase], "r w s", DENIED, denied),
        ("denied-first", "One call is denied.", [erase, weather], "r w s", DENIED, denied),
        ("default", "A call without an entry.", [weather, body("tools/list")], "r w", SHORT, None),
        ("no-key", "A resource without a key.", [body("resources/read", params={"uri": "file:///a/../b"})], "r a", DENIED, None),
        ("notification", "A call without an id needs the same.", [tool_call("erase", ABSENT)], "r", DENIED, None),
        ("plumbing", "Plumbing and responses need nothing.", [body("ping"), rpc.response()], "r", OK, None),
        ("responses", "Responses alone.", [rpc.response(1), rpc.response(2)], "r", OK, None),
        ("required", "The required scopes are needed.", [rpc.response(1)], "x", SHORT, None),
        ("same-id", "Ids are the server's affair.", [weather, weather], "r w", OK, None),
        ("hundred", "A hundred messages.", [body("ping")] * 100, "r", OK, None),
    ):
        what = request(token(scope=scope), body="[" + ",".join(messages) + "]")
        group.authorize(f"batch-{id}", comment, what, faults, REFS, **({} if stated is None else {"body": stated}))
    listen = body("subscriptions/listen", params={"notifications": {"resourceSubscriptions": ["x:y"] * 501}})
    deep = body("ping", params=Raw('{"x":' + "[" * 62 + "]" * 62 + "}"))
    for id, comment, text in (
        ("empty", "No message.", "[]"),
        ("nested", "A batch in a batch.", f"[[{weather}]]"),
        ("nested-second", "A batch in a batch.", f"[{weather},[]]"),
        ("null", "Something else.", f"[{weather},null]"),
        ("number", "Something else.", f"[1,{weather}]"),
        ("no-message", "An object that is no message.", f"[{weather},{{}}]"),
        ("version-1", "JSON-RPC 1.", f"[{weather},{sum.replace('2.0', '1.0')}]"),
        ("twice", "A name that comes twice.", f'[{weather},{sum[:-2]},"name":"erase"}}}}]'),
        ("other-case", "A member that Go takes for the method.", f"[{weather},{body('ping', Method='tools/call')}]"),
        ("no-name", "A tool call without a name.", f"[{weather},{body('tools/call', params={})}]"),
        ("hundred-and-one", "More than a hundred messages.", "[" + ",".join([body("ping")] * 101) + "]"),
        ("thousand-and-two", "More than a thousand names.", f"[{listen},{listen}]"),
        ("depth", "Sixty-five containers.", f"[{deep}]"),
    ):
        what = request(token(scope="r d w s"), body=text)
        group.authorize(f"batch-malformed-{id}", comment, what, MALFORMED, REFS, body=INVALID)
    for id, text in (
        ("cut", f"[{weather}"),
        ("trailing-comma", f"[{weather},]"),
        ("trailing", f"[{weather}]x"),
        ("two", f"[{weather}{sum}]"),
    ):
        group.authorize(f"batch-no-json-{id}", "No JSON.", request(token(scope="r"), body=text), MALFORMED, REFS, body=PARSE_ERROR)
    for version, faults in (("2025-03-26", OK), ("2025-11-25", OK), ("2026-07-28", MALFORMED), ("2027-01-01", MALFORMED)):
        what = request(token(scope="r w"), body=f"[{weather}]", protocol_version=[version], mcp_method=["tools/call"], mcp_name=["weather"])
        stated = {"body": INVALID} if faults else {}
        group.authorize(f"batch-version-{version}", "Routing headers describe one call.", what, faults, ["SEP-2243"], **stated)
    calls = [{"method": "tools/call", "name": name, "id": 1} for name in ("weather", "sum")]
    for id, scope, faults in (("granted", "r w s", OK), ("short", "r w", SHORT)):
        group.authorize(f"batch-calls-{id}", "Parsed calls.", request(token(scope=scope), calls=calls), faults, REFS)
    headers = {"protocol_version": ["2026-07-28"], "mcp_method": ["tools/call"], "mcp_name": ["weather"]}
    what = request(token(scope="r w s"), calls=calls, **headers)
    group.authorize("batch-calls-version", "Routing headers describe one call.", what, MALFORMED, ["SEP-2243"], body=INVALID)
