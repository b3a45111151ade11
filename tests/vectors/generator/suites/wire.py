"""What goes on the wire: every row of the table, its header bytes and its body bytes."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..suite import OK, Suite, config, outage, request
from ..tokens import RESOURCE, token
from . import challenges, refusal_bodies

METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
SHORT = "insufficient_scope"
ORIGIN = "https://app.test"
TOOLS: dict[str, Any] = {"default": "deny", "tools": {"weather": ["mcp:weather"], "erase": "deny"}}


def suite() -> Suite:
    result = Suite("wire")
    _rows(result)
    _outages(result)
    challenges.add_to(result)
    refusal_bodies.add_to(result)
    _cors(result)
    _origins(result)
    _arguments(result)
    return result


def _rows(suite: Suite) -> None:
    configuration = config(required_scopes=["mcp:read"], policy=TOOLS | {"max_body_bytes": 1024}, allowed_origins=[ORIGIN])
    group = suite.group("The table of the rules, row by row.", configuration)
    good = token(scope="mcp:read mcp:weather")
    invalid = "Bearer token is invalid or expired"
    short = "Required scope: mcp:read mcp:weather"
    for id, comment, what, fault, status, challenge, body in (
        (
            "no-credential",
            "No credential.",
            request(),
            "missing_token",
            401,
            f'Bearer scope="mcp:read", resource_metadata="{METADATA}"',
            '{"error":"unauthorized","error_description":"Bearer token required"}',
        ),
        (
            "two-lines",
            "Two Authorization lines.",
            request(authorization=["Bearer a.b.c", "Bearer a.b.c"]),
            ["multiple_credentials", "malformed_token"],
            400,
            f'Bearer error="invalid_request", resource_metadata="{METADATA}"',
            '{"error":"invalid_request","error_description":"More than one credential was sent"}',
        ),
        (
            "bad-token",
            "A token that is judged and bad.",
            request(token(exp=1), body=""),
            "expired",
            401,
            f'Bearer error="invalid_token", scope="mcp:read", resource_metadata="{METADATA}", error_description="{invalid}"',
            f'{{"error":"invalid_token","error_description":"{invalid}"}}',
        ),
        (
            "short-scope",
            "A good token, scope short.",
            request(token(), body=rpc.tool_call("weather")),
            SHORT,
            403,
            f'Bearer error="insufficient_scope", scope="mcp:read mcp:weather", resource_metadata="{METADATA}", error_description="{short}"',
            f'{{"jsonrpc":"2.0","id":1,"error":{{"code":-32001,"message":"{short}","data":{{"error":"insufficient_scope","error_description":"{short}","scope":"mcp:read mcp:weather"}}}}}}',
        ),
        (
            "denied",
            "A good token, the policy refuses.",
            request(good, body=rpc.tool_call("erase")),
            "policy_denied",
            403,
            f'Bearer resource_metadata="{METADATA}"',
            '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"Not allowed","data":{"error":"access_denied","error_description":"Not allowed"}}}',
        ),
        (
            "not-json",
            "A call that is no JSON.",
            request(good, body="{"),
            "malformed_call",
            400,
            None,
            '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
        ),
        (
            "not-a-request",
            "JSON, but not one readable request.",
            request(good, body="[]"),
            "malformed_call",
            400,
            None,
            '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}',
        ),
        (
            "too-large",
            "A body over the limit.",
            request(good, body=" " * 1025),
            ["call_too_large", "malformed_call"],
            413,
            None,
            '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Request too large"}}',
        ),
        (
            "headers-contradict",
            "Routing headers that contradict the body.",
            request(good, body=rpc.tool_call("weather", 7), protocol_version=["2026-07-28"], mcp_method=["tools/call"], mcp_name=["erase"]),
            "malformed_call",
            400,
            None,
            '{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"Header mismatch"}}',
        ),
        (
            "origin",
            "An origin that is not allowed.",
            request(good, body="", origin=["https://evil.test"]),
            "origin_denied",
            403,
            None,
            '{"error":"access_denied","error_description":"Origin not allowed"}',
        ),
        (
            "internal",
            "A fault of the host.",
            request(good, body="", scopes=["a b"]),
            ["internal", SHORT],
            500,
            None,
            '{"error":"server_error","error_description":"Internal error"}',
        ),
    ):
        headers = [["Content-Type", "application/json"], ["Cache-Control", "no-store"]]
        if challenge is not None:
            headers.append(["WWW-Authenticate", challenge])
        group.authorize(f"row-{id}", comment, what, fault, ["RFC 6750 3", "RFC 9728 5.1"], status=status, headers=headers, body=body)
    group.authorize(
        "row-accepted", "A good token and a call that it covers.", request(good, body=rpc.tool_call("weather")), OK, ["RFC 6750 2.1"]
    )
    clock = request(good, body=rpc.tool_call("weather"))
    body = '{"error":"server_error","error_description":"Internal error"}'
    group.authorize("row-clock", "An unusable clock.", clock, ["clock_unusable", "not_yet_valid"], ["T33"], now=-1, status=500, body=body)


def _outages(suite: Suite) -> None:
    body = '{"error":"temporarily_unavailable","error_description":"Token keys are unavailable, try again later"}'
    plain = [["Content-Type", "application/json"], ["Cache-Control", "no-store"], ["Retry-After", "1"]]
    cors = [["Access-Control-Allow-Origin", ORIGIN], ["Vary", "Origin"], ["Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"]]
    unavailable = "keys_unavailable"
    for id, comment, what, faults, headers in (
        ("good-token", "Nothing can be said about a good token.", request(token()), unavailable, plain),
        ("expired-token", "Nor about an expired one.", request(token(exp=1)), [unavailable, "expired"], plain),
        ("listed-origin", "A script of a listed origin may read it.", request(token(), origin=[ORIGIN]), unavailable, plain + cors),
        ("body", "A call is not read.", request(token(), body=rpc.tool_call("x")), unavailable, plain),
    ):
        group = suite.group("Keys that cannot be had, nothing held.", outage(cors_origins=[ORIGIN]))
        group.authorize(f"outage-{id}", comment, what, faults, ["F25", "RFC 9110 10.2.3"], status=503, headers=headers, body=body)


def _cors(suite: Suite) -> None:
    configuration = config(
        required_scopes=["r"], policy={"default": [], "max_body_bytes": 1024}, cors_origins=[ORIGIN, "http://localhost:6274"]
    )
    group = suite.group("`cors_origins`.", configuration)
    good = token(scope="r")
    for id, comment, what, faults in (
        ("401", "A 401.", request(), "missing_token"),
        ("401-bad", "A 401 for a bad token.", request("x"), "malformed_token"),
        (
            "400-credentials",
            "A 400 for two credentials.",
            request(authorization=["Bearer a", "Bearer b"]),
            ["multiple_credentials", "malformed_token"],
        ),
        ("400-call", "A 400 for the call.", request(good, body="{"), "malformed_call"),
        ("413", "A 413.", request(good, body=" " * 1025), ["call_too_large", "malformed_call"]),
        ("403", "A 403.", request(token(), body=rpc.body("ping")), SHORT),
        ("500", "A 500.", request(good), "internal"),
    ):
        group.authorize(
            f"cors-{id}", comment, what | {"origin": [ORIGIN]}, faults, ["CL-16"], access_control_allow_origin=ORIGIN, vary="Origin"
        )
    for id, comment, origin, allowed in (
        ("second", "The second listed origin.", ["http://localhost:6274"], "http://localhost:6274"),
        ("unlisted", "An origin that is not listed.", ["https://evil.test"], None),
        ("other-port", "Another port.", ["https://app.test:8443"], None),
        ("other-case", "Another case.", ["https://APP.test"], None),
        ("slash", "A slash too many.", ["https://app.test/"], None),
        ("null", "An opaque origin.", ["null"], None),
        ("empty", "An empty origin.", [""], None),
        ("two-lines", "Two lines.", [ORIGIN, ORIGIN], None),
    ):
        group.authorize(
            f"cors-origin-{id}", comment, request(origin=origin), "missing_token", ["CL-16"], access_control_allow_origin=allowed
        )
    group.authorize("cors-accepted", "No answer of ours, no header of ours.", request(good, body="", origin=[ORIGIN]), OK)


def _origins(suite: Suite) -> None:
    group = suite.group("`allowed_origins`.", config(allowed_origins=[ORIGIN, "http://localhost:6274"]))
    refs = ["MCP-RS-63", "T64"]
    for id, comment, origin, faults in (
        ("absent", "No Origin: no browser.", None, OK),
        ("first", "An allowed origin.", [ORIGIN], OK),
        ("second", "The other allowed origin.", ["http://localhost:6274"], OK),
        ("other", "Another origin.", ["https://evil.test"], "origin_denied"),
        ("suffix", "A longer host.", ["https://app.test.evil.test"], "origin_denied"),
        ("scheme", "Another scheme.", ["http://app.test"], "origin_denied"),
        ("case", "Another case.", ["https://APP.test"], "origin_denied"),
        ("null", "An opaque origin.", ["null"], "origin_denied"),
        ("empty", "An empty origin.", [""], "origin_denied"),
        ("two-lines", "Two lines, both allowed.", [ORIGIN, ORIGIN], "origin_denied"),
    ):
        what = request(token()) if origin is None else request(token(), origin=origin)
        group.authorize(f"origin-{id}", comment, what, faults, refs)
    group.authorize(
        "origin-before-token", "Refused before the token is read.", request(origin=["null"]), ["origin_denied", "missing_token"], refs
    )


def _arguments(suite: Suite) -> None:
    group = suite.group("A request's own scopes.", config())
    for index, scopes in enumerate((["a b"], [""], ['a"b'], ["a\\b"], ["é"], ["a\n"], ["a", "offline_access"], [" a"])):
        what = request(token(scope="a"), "GET", scopes=scopes)
        group.authorize(
            f"own-scopes-bad-{index}", f"{scopes!r} is an error of the host, never dropped.", what, ["internal", SHORT], ["RFC 6749 3.3"]
        )
    group.authorize(
        "own-scopes-bad-no-token",
        "Before the credential is looked at.",
        request(scopes=["a b"]),
        ["internal", "missing_token"],
        ["RFC 6749 3.3"],
    )
    group.authorize("own-scopes-covered", "The token holds them.", request(token(scope="b a"), scopes=["a", "b"]), OK, ["RFC 6750 3.1"])
    group.authorize("own-scopes-empty", "None.", request(token(scope="a"), scopes=[]), OK, ["RFC 6750 3.1"], resource=RESOURCE)
    group.authorize(
        "own-scopes-short", "The token lacks one.", request(token(scope="a"), "GET", scopes=["a", "b"]), SHORT, ["RFC 6750 3.1"]
    )
