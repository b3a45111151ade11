"""ResourceServer: decisions, tokens and configuration as Python sees them."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from conftest import RESOURCE

from scopegate import (
    AccessToken,
    ConfigError,
    HttpResponse,
    McpCall,
    Rejected,
    RequestDetails,
    ResourceServer,
    _scopegate,
)
from scopegate.testing import Issuer

POLICY_SERVER: dict[str, Any] = {
    "policy": {"default": "deny", "tools": {"weather": ["mcp:tools:weather"]}},
}


def call(name: str, id: object = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}}).encode()


def guarded(issuer: Issuer, **more: Any) -> ResourceServer:
    return ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()], **more)


def refusal(gate: ResourceServer, authorization: Any, **request: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        gate.authorize(authorization, **request)
    return caught.value


def test_token_says_what_the_issuer_signed(issuer: Issuer, gate: ResourceServer) -> None:
    now = int(time.time())
    token = gate.authorize(issuer.authorization(scope="a b", sub="alice", client_id="app", jti="t-1", expires_in=60))
    assert token.issuer == issuer.issuer
    assert (token.subject, token.client_id, token.token_id) == ("alice", "app", "t-1")
    assert token.scopes == token.effective_scopes == ("a", "b")
    assert token.audience == (RESOURCE,)
    assert token.resource == RESOURCE
    assert type(token.expires_at) is int and now + 59 <= token.expires_at <= now + 61
    assert type(token.issued_at) is int and abs(token.issued_at - now) <= 1
    assert token.principal == f"{issuer.issuer} alice"
    assert token.claims["scope"] == "a b"
    assert token.claims == json.loads(token._claims_json)


def test_token_cannot_be_changed_made_or_pickled(issuer: Issuer, gate: ResourceServer) -> None:
    token = gate.authorize(issuer.authorization(sub="alice"))
    with pytest.raises(AttributeError):
        token.subject = "mallory"  # type: ignore[misc]
    token.claims["sub"] = "mallory"
    assert token.claims["sub"] == "alice"
    with pytest.raises(TypeError):
        AccessToken()
    with pytest.raises(TypeError):
        pickle.dumps(token)
    assert "alice" not in repr(token)


def test_effective_scopes_hold_the_implied_ones(issuer: Issuer) -> None:
    gate = guarded(issuer, scope_implications={"admin": ["read", "write"]})
    token = gate.authorize(issuer.authorization(scope="admin"))
    assert token.scopes == ("admin",)
    assert token.effective_scopes == ("admin", "read", "write")


def test_refusal_carries_the_whole_response(gate: ResourceServer) -> None:
    refused = refusal(gate, None)
    assert (refused.reason, refused.code, refused.status) == ("missing_token", 2001, 401)
    assert refused.headers == (
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("WWW-Authenticate", f'Bearer resource_metadata="{gate.metadata_url}"'),
    )
    assert refused.body == b'{"error":"unauthorized","error_description":"Bearer token required"}'
    assert refused.response == HttpResponse(refused.status, refused.headers, refused.body)
    assert not refused.unavailable
    assert str(refused).startswith("missing_token: ")


def test_refusal_survives_pickling(gate: ResourceServer) -> None:
    refused = refusal(gate, None)
    again = pickle.loads(pickle.dumps(refused))
    assert type(again) is Rejected
    assert (again.reason, again.code, again.response, again.detail) == (
        refused.reason,
        refused.code,
        refused.response,
        refused.detail,
    )


def test_authorization_may_be_text_bytes_or_all_its_lines(issuer: Issuer, gate: ResourceServer) -> None:
    good = issuer.authorization(sub="alice")
    for value in (good, good.encode(), [good], [good.encode()], (good,)):
        assert gate.authorize(value).subject == "alice"
    nothings: list[Any] = [None, [], (), "", b""]
    for nothing in nothings:
        assert refusal(gate, nothing).reason == "missing_token"
    for several in ([good, good], [good, b""], [good, "Basic eA=="], f"{good}, {good}"):
        assert refusal(gate, several).reason == "multiple_credentials"


@pytest.mark.parametrize("value", [f"Bearer {chr(0xE9)}", "Bearer \u20ac", "Bearer \ud800", b"Bearer \xff\x00"])
def test_bytes_that_no_token_has_are_a_malformed_token(gate: ResourceServer, value: Any) -> None:
    assert refusal(gate, value).reason == "malformed_token"


@pytest.mark.parametrize("value", [7, 1.5, True, {"a": 1}, [7], [None], bytearray(b"Bearer x"), object()])
def test_other_types_are_a_type_error_that_does_not_show_the_value(gate: ResourceServer, value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        gate.authorize(value)
    assert str(value) not in str(caught.value)


def test_arguments_that_contradict_or_do_not_exist_are_errors(gate: ResourceServer) -> None:
    with pytest.raises(ValueError):
        gate.authorize(None, body=b"", calls=[])
    with pytest.raises(TypeError):
        gate.authorize(None, scope="a")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        gate.authorize(None, scopes="a b")
    with pytest.raises(TypeError):
        gate.authorize(None, body="{}")  # type: ignore[arg-type]


def test_scopes_of_the_request_that_break_the_grammar_refuse_it(issuer: Issuer, gate: ResourceServer) -> None:
    for scope in ("a b", "", 'a"', "offline_access"):
        refused = refusal(gate, issuer.authorization(scope=scope), scopes=[scope])
        assert (refused.reason, refused.status) == ("internal", 500)


def test_time_is_an_argument(issuer: Issuer, gate: ResourceServer) -> None:
    value = issuer.authorization(sub="alice", expires_in=60)
    now = int(time.time())
    assert gate.authorize(value, now=now + 30).subject == "alice"
    assert refusal(gate, value, now=now + 3600).reason == "expired"


def test_leeway_of_the_fallback_verifier_is_that_of_the_core(issuer: Issuer, gate: ResourceServer) -> None:
    """The binding knows the default, which the core does not tell."""
    token = gate.authorize(value := issuer.authorization())
    last = token.expires_at + gate._leeway_seconds - 1
    assert gate.authorize(value, now=last).expires_at == token.expires_at
    assert refusal(gate, value, now=last + 1).reason == "expired"
    assert guarded(issuer, leeway_seconds=7)._leeway_seconds == 7


def test_policy_is_decided_by_the_body(issuer: Issuer) -> None:
    gate = guarded(issuer, **POLICY_SERVER)
    good = issuer.authorization(scope="mcp:tools:weather")
    assert gate.authorize(good, method="POST", body=call("weather")).scopes == ("mcp:tools:weather",)
    denied = refusal(gate, good, method="POST", body=call("erase"))
    assert (denied.reason, denied.status) == ("policy_denied", 403)
    short = refusal(gate, issuer.authorization(scope="other"), method="POST", body=call("weather", id="x"))
    assert json.loads(short.body)["id"] == "x"
    assert refusal(gate, good, method="POST", body=b"{").reason == "malformed_call"


def test_policy_is_decided_by_the_calls_of_the_hosts_own_parser(issuer: Issuer) -> None:
    gate = guarded(issuer, **POLICY_SERVER)
    good = issuer.authorization(scope="mcp:tools:weather")
    assert gate.authorize(good, method="POST", calls=[McpCall("tools/call", "weather", 1)]).scopes
    assert refusal(gate, good, method="POST", calls=[McpCall("tools/call", "erase", 1)]).reason == "policy_denied"
    assert gate.authorize(good, method="POST", calls=[]).scopes


@pytest.mark.parametrize(
    ("id", "shown"),
    [(7, True), ("seven", True), (True, False), (1.5, False), (None, False), (2**70, False), ({}, False)],
)
def test_only_an_id_that_json_rpc_knows_is_echoed(issuer: Issuer, id: object, shown: bool) -> None:
    gate = guarded(issuer, **POLICY_SERVER)
    calls = [McpCall("tools/call", "weather", id)]
    body = json.loads(refusal(gate, issuer.authorization(scope="other"), method="POST", calls=calls).body)
    assert body.get("id") == (id if shown else None)


async def test_body_that_was_not_handed_in_is_an_error_of_the_program(issuer: Issuer) -> None:
    gate = guarded(issuer, **POLICY_SERVER)
    good = issuer.authorization(scope="mcp:tools:weather")
    assert refusal(gate, good, method="POST").reason == "internal"
    for decide in (gate.check, gate.authorize_async):
        with pytest.raises(Rejected) as caught:
            await wrapped(decide(good, method="POST"))
        assert (caught.value.reason, caught.value.status) == ("internal", 500)


async def wrapped(outcome: Any) -> Any:
    return await outcome if asyncio.iscoroutine(outcome) else outcome


async def test_the_three_ways_to_decide_agree(issuer: Issuer, gate: ResourceServer) -> None:
    good = issuer.authorization(sub="alice")
    assert gate.authorize(good).claims == gate.check(good).claims == (await gate.authorize_async(good)).claims
    bad = issuer.authorization(sub="alice", aud="https://other.test")
    refusals = []
    for decide in (gate.authorize, gate.check, gate.authorize_async):
        with pytest.raises(Rejected) as caught:
            await wrapped(decide(bad))
        refusals.append((caught.value.reason, caught.value.response))
    assert refusals[0][0] == "wrong_audience"
    assert refusals[0] == refusals[1] == refusals[2]


def test_keywords_of_authorize_are_the_request_details() -> None:
    keywords = list(inspect.signature(ResourceServer.authorize).parameters)
    assert keywords == ["self", "authorization", *RequestDetails.__annotations__]


@pytest.mark.parametrize("wrong", [{"scopes": None}, {"scopes": "read"}, {"method": None}, {"method": 1}, {"now": "1"}])
def test_argument_of_another_type_is_named(gate: ResourceServer, wrong: dict[str, Any]) -> None:
    for decide in (gate.authorize, gate.check):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            decide("Bearer x", **wrong)


def test_field_values_are_bytes_or_their_characters(issuer: Issuer) -> None:
    gate = guarded(issuer, allowed_origins=["https://app.test"])
    good = issuer.authorization(sub="alice")
    for lines in (good, good.encode(), [good], (good.encode(),)):
        assert gate.authorize(lines, origin=b"https://app.test").subject == "alice"
    for origin in ("https://app.test\xe9", b"https://app.test\xe9", "https://app.test\u20ac", "\ud800"):
        assert refusal(gate, good, origin=origin).reason == "origin_denied"
    for two in ([good, good], (good, b"x")):
        assert refusal(gate, two).reason == "multiple_credentials"


def test_class_that_inherits_has_to_begin_as_its_base_does(issuer: Issuer) -> None:
    class Whole(ResourceServer):
        def __init__(self, issuer: Issuer) -> None:
            super().__init__(resource=RESOURCE, authorization_servers=[issuer.server()])

    class Empty(ResourceServer):
        def __init__(self) -> None:
            pass

    assert Whole(issuer).authorize(issuer.authorization(sub="alice")).subject == "alice"
    with pytest.raises(RuntimeError, match="ResourceServer"):
        Empty().authorize(issuer.authorization())


def test_further_need_is_checked_on_a_verified_token(issuer: Issuer, gate: ResourceServer) -> None:
    token = gate.authorize(issuer.authorization(scope="read"))
    gate.require(token, scopes=["read"])
    with pytest.raises(Rejected) as caught:
        gate.require(token, scopes=["write"])
    assert (caught.value.reason, caught.value.status) == ("insufficient_scope", 403)
    assert 'scope="write' in dict(caught.value.headers)["WWW-Authenticate"]


def test_explanation_is_frozen_data_that_tells_each_check(issuer: Issuer, gate: ResourceServer) -> None:
    explanation = gate.explain(issuer.authorization(aud="https://other.test"), method="GET")
    failed = [check for check in explanation.checks if check.outcome == "failed"]
    assert [(check.check, check.found) for check in failed] == [("audience", '"https://other.test"')]
    assert json.loads(explanation.to_json())["reason"] == explanation.reason == "wrong_audience"
    assert str(explanation).startswith(f"Refused: wrong_audience, answered as {explanation.status}.\n")
    with pytest.raises(FrozenInstanceError):
        explanation.reason = None  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(explanation)) == explanation
    assert gate.explain(issuer.authorization()).outcome == "accepted"


def test_allowed_tells_what_a_list_may_show(issuer: Issuer) -> None:
    gate = guarded(issuer, **POLICY_SERVER)
    token = gate.authorize(issuer.authorization(scope="mcp:tools:weather"), method="GET", body=b"")
    assert gate.allowed(token, "tools", "weather")
    assert not gate.allowed(token, "tools", "erase")
    with pytest.raises(ValueError):
        gate.allowed(token, "gadgets", "weather")  # type: ignore[arg-type]


def test_discovery_document_is_at_the_metadata_url(issuer: Issuer, gate: ResourceServer) -> None:
    assert gate.metadata_url == "https://mcp.test/.well-known/oauth-protected-resource/mcp"
    assert (gate.resource, gate.hostname, gate.origin, gate.path) == (
        RESOURCE,
        "mcp.test",
        "https://mcp.test",
        "/mcp",
    )
    answer = gate.well_known("GET", "/.well-known/oauth-protected-resource/mcp?x=1")
    assert answer is not None and answer.status == 200
    assert json.loads(answer.body)["resource"] == RESOURCE
    assert gate.well_known("GET", "/mcp") is None


def test_preflight_is_answered_for_a_listed_origin_only(issuer: Issuer) -> None:
    gate = guarded(issuer, cors_origins=["https://app.test"])
    preflight = gate.well_known(
        "OPTIONS", "/mcp", "https://app.test", access_control_request_method="POST", access_control_request_headers="x"
    )
    assert preflight is not None and preflight.status == 204
    assert dict(preflight.headers)["Access-Control-Allow-Origin"] == "https://app.test"
    other = gate.well_known("OPTIONS", "/mcp", "https://evil.test", access_control_request_method="POST")
    assert other is not None and "Access-Control-Allow-Origin" not in dict(other.headers)


def test_configuration_errors_come_all_at_once_with_their_paths() -> None:
    with pytest.raises(ConfigError) as caught:
        ResourceServer(
            resource="http://mcp.test/mcp",
            authorization_servers=[{"issuer": "https://as.test", "tokn_format": "rfc9068"}],  # type: ignore[list-item]
            leeway_seconds=900,
        )
    paths = [mistake.path for mistake in caught.value.errors]
    assert "resource" in paths and "leeway_seconds" in paths
    assert any("token_format" in mistake.message for mistake in caught.value.errors)
    assert all(mistake.message in str(caught.value) for mistake in caught.value.errors)
    assert isinstance(caught.value, ValueError)


def test_configuration_that_json_cannot_hold_names_its_field() -> None:
    with pytest.raises(ConfigError) as caught:
        ResourceServer(
            resource=RESOURCE,
            authorization_servers=[{"issuer": "https://as.test", "required_claims": {"tid": [float("nan"), {1}]}}],
            metadata={1: "x"},  # type: ignore[dict-item]
        )
    assert [mistake.path for mistake in caught.value.errors] == [
        "authorization_servers[0].required_claims.tid[0]",
        "authorization_servers[0].required_claims.tid[1]",
        "metadata.1",
    ]


def test_configuration_may_be_json(issuer: Issuer) -> None:
    text = json.dumps({"resource": RESOURCE, "authorization_servers": [issuer.server()]})
    gate = ResourceServer.from_json(text)
    assert gate.authorize(issuer.authorization(sub="alice")).subject == "alice"
    for broken in ("", "[]", "{", text[:-1] + ', "resource": 1}', "\ud800"):
        with pytest.raises(ConfigError):
            ResourceServer.from_json(broken)


def test_stats_and_health_are_plain_data(issuer: Issuer, gate: ResourceServer) -> None:
    gate.authorize(issuer.authorization())
    refusal(gate, None)
    assert gate.health()["status"] == "ok"
    assert json.loads(json.dumps(gate.stats())) == gate.stats()


# T57 (tests/attacks.md)
def test_a_panic_is_a_refusal_with_500(gate: ResourceServer) -> None:
    panic = getattr(gate._native, "_panic_for_test", None)
    if panic is None:
        pytest.skip("release build: the panic can be asked for in debug builds only")
    outcome = panic(_scopegate.Request())
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.status) == ("internal", 500)
    with pytest.raises(Rejected):
        gate._token(_scopegate.Request(), outcome)


def test_package_needs_nothing_but_itself() -> None:
    program = """
import sys, scopegate, scopegate.asgi, scopegate.testing
print([name for name in ("mcp", "starlette", "pydantic", "typing_extensions") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
