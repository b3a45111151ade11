"""Every outcome, with a mark in whatever the token and the request say of their sender.

`tests/secrets` looks for the marks, and for the bytes of every token of every suite, in all that leaves a surface.
"""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..base64url import encode
from ..keys import public_jwk
from ..suite import OK, Suite, config, outage, request, server
from ..tokens import ABSENT, RESOURCE, Raw, claims, header, jws

MARKED: dict[str, Any] = {
    "sub": "canary-subject",
    "client_id": "canary-client",
    "jti": "canary-id",
    "scope": "mcp:read canary-scope",
    "aud": [RESOURCE, "https://canary-audience.test"],
    "canary-name": {"canary-nested": ["canary-value"]},
}
SENDER: dict[str, Any] = {"target": "/mcp?canary-query=1", "origin": ["https://canary-origin.test"], "mcp_name": ["canary-header"]}
TOOLS: dict[str, Any] = {"default": "deny", "tools": {"weather": ["mcp:read"], "erase": ["mcp:erase"]}}
REFS = ["T55"]


def suite() -> Suite:
    result = Suite("secrets")
    _tokens(result)
    _calls(result)
    _requests(result)
    _keys(result)
    _further_needs(result)
    return result


def _marked(head: dict[str, Any] | None = None, **changes: Any) -> str:
    return jws(header(**(head or {})), claims(**MARKED | changes))


def _text(payload: str) -> str:
    """A token with this text for a payload."""
    return jws(header(), payload)


def _tokens(suite: Suite) -> None:
    limits = {"max_token_age_seconds": 3600, "max_token_lifetime_seconds": 3600}
    strict = server(required_claims={"tid": "t-1"}, algorithms=["EdDSA"])
    group = suite.group("Each reason of a token.", config(strict, **limits))
    good = {"tid": "t-1"}
    unsigned = _marked({"alg": "canary-alg"}, **good)
    for id, comment, credential, faults in (
        ("accepted", "A good token.", _marked(**good), OK),
        ("too-large", "Too large.", _marked(**good) + "A" * 16384, ["token_too_large", "bad_signature"]),
        ("no-base64url", "A byte beyond base64url.", _marked(**good) + "~canary~", "malformed_token"),
        ("four-parts", "Four parts.", _marked(**good) + ".canary00", "malformed_token"),
        ("header-no-json", "A header that is no JSON.", jws('{"alg":"EdDSA","canary-header', claims(**MARKED)), "malformed_token"),
        ("header-type", "A `typ` that is a number.", _marked({"kid": ["canary-kid"]}, **good), "malformed_token"),
        (
            "header-twice",
            "A header member twice.",
            jws('{"alg":"EdDSA","canary-twice":1,"canary-twice":2}', claims(**MARKED, **good)),
            "malformed_token",
        ),
        ("payload-no-json", "A payload that is no JSON.", _text(claims(**MARKED)[:-1] + ",canary-text}"), "malformed_token"),
        ("payload-twice", "A payload member twice.", _text(claims(**MARKED, **good)[:-1] + ',"sub":"canary-twice"}'), "malformed_token"),
        (
            "payload-bytes",
            "A payload that is no UTF-8.",
            jws(header(), claims(**MARKED, **good).encode().replace(b"canary-id", b"canary-\xff")),
            "malformed_token",
        ),
        ("type", "Another type.", _marked({"typ": "canary-type"}, **good), "type_not_allowed"),
        ("algorithm", "Another algorithm.", unsigned, "algorithm_not_allowed"),
        ("critical", "A critical member.", _marked({"crit": ["canary-critical"]}, **good), "critical_header"),
        ("bound", "A bound token.", _marked(cnf={"jkt": "canary-thumbprint"}, **good), "sender_constrained"),
        ("other-token", "An ID token.", _marked(at_hash="canary-hash", **good), "not_an_access_token"),
        ("token-use", "Another use.", _marked(token_use="canary-use", **good), "not_an_access_token"),
        ("unknown-key", "An unknown kid.", _marked({"kid": "canary-kid"}, **good), "unknown_key"),
        ("bad-signature", "A signature by another key.", jws(header(), claims(**MARKED, **good), "ed-b"), "bad_signature"),
        ("missing-claim", "No audience.", _marked(aud=ABSENT, **good), "missing_claim"),
        ("issuer-type", "An issuer that is a list.", _marked(iss=["canary-issuer"], **good), "malformed_claim"),
        ("subject-type", "A subject that is an object.", _marked(sub={"canary-member": 1}, **good), "malformed_claim"),
        ("expiry-type", "An expiry that is text.", _marked(exp="canary-expiry", **good), "malformed_claim"),
        ("expiry-range", "An expiry out of range.", _marked(exp=Raw("31415926535897932384"), **good), "malformed_claim"),
        ("scope-grammar", "A scope that breaks the grammar.", _marked(scope='canary"scope', **good), "malformed_claim"),
        ("issuer", "Another issuer.", _marked(iss="https://canary-issuer.test", **good), "untrusted_issuer"),
        ("audience", "Another audience.", _marked(aud="https://canary-audience.test", **good), "wrong_audience"),
        ("expired", "Expired.", _marked(exp=1, **good), "expired"),
        ("not-yet", "Not yet valid.", _marked(nbf=1800009999, **good), "not_yet_valid"),
        ("too-old", "Too old.", _marked(iat=1799990000, **good), ["too_old", "lifetime_too_long"]),
        ("lifetime", "A life too long.", _marked(exp=1800009999, **good), "lifetime_too_long"),
        ("claim", "A claim of another value.", _marked(tid="canary-tenant"), "claim_not_allowed"),
    ):
        group.authorize(f"secrets-{id}", comment, request(credential, **SENDER), faults, REFS)
    group.authorize(
        "secrets-clock", "A clock before 1970.", request(_marked(**good), **SENDER), ["clock_unusable", "not_yet_valid"], REFS, now=-1
    )


def _calls(suite: Suite) -> None:
    group = suite.group("Each reason of a call.", config(policy=TOOLS | {"max_body_bytes": 1024}))
    routing = {"protocol_version": ["2026-07-28"], "mcp_method": ["tools/call"], "mcp_name": ["canary-header"]}
    for id, comment, body, more, faults in (
        ("call", "A call that may pass.", rpc.tool_call("weather"), {}, OK),
        ("scope-short", "A scope short.", rpc.tool_call("erase"), {}, "insufficient_scope"),
        ("denied", "A tool that the policy does not name.", rpc.tool_call("canary-tool"), {}, "policy_denied"),
        ("no-json", "No JSON.", '{"canary-body', {}, "malformed_call"),
        ("call-too-large", "Too large.", rpc.tool_call("canary-" + "x" * 1024), {}, ["call_too_large", "policy_denied"]),
        ("routing", "Headers that contradict the body.", rpc.tool_call("weather"), routing, "malformed_call"),
    ):
        group.authorize(f"secrets-{id}", comment, request(_marked(), **SENDER | {"body": body} | more), faults, REFS)


def _requests(suite: Suite) -> None:
    group = suite.group("Each reason of a request.", config(allowed_origins=["https://app.test"], cors_origins=["https://app.test"]))
    own = {name: value for name, value in SENDER.items() if name != "origin"}
    twice = [f"Bearer {_marked()}"] * 2
    basic = [f"Basic {encode(b'canary-user:canary-password')}"]
    for id, comment, what, faults in (
        ("origin", "An origin that is not listed.", request(_marked(), **SENDER), "origin_denied"),
        ("two-lines", "Two lines.", request(authorization=twice, **own), "multiple_credentials"),
        ("comma", "Two tokens in a line.", request(f"{_marked()},{_marked()}", **own), "multiple_credentials"),
        ("basic", "Another scheme.", request(authorization=basic, **own), "missing_token"),
        ("in-query", "A token in the query.", request(target=f"/mcp?access_token={_marked()}"), "missing_token"),
        (
            "argument",
            "A scope that the program must not ask for.",
            request(_marked(), scopes=["offline_access"], **own),
            ["internal", "internal", "insufficient_scope"],
        ),
    ):
        group.authorize(f"secrets-{id}", comment, what, faults, REFS)


def _keys(suite: Suite) -> None:
    twin = public_jwk("ed-b") | {"kid": "ed-a"}
    group = suite.group("Two keys of one kid.", config(server("ed-a", twin)))
    group.authorize("secrets-ambiguous", "Two keys fit.", request(_marked(), **SENDER), "ambiguous_key", REFS)
    group = suite.group("No keys.", outage())
    group.authorize("secrets-outage", "An outage.", request(_marked(), **SENDER), "keys_unavailable", REFS)


def _further_needs(suite: Suite) -> None:
    group = suite.group("A further need.", config())
    then = request(scopes=["mcp:erase"], **SENDER)
    group.require("secrets-require", "A scope short.", request(_marked(), **SENDER), then, "insufficient_scope", REFS)
