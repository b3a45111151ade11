"""The issuer in memory that users test with."""

from __future__ import annotations

import time

import pytest
from conftest import RESOURCE

from scopegate import Rejected, ResourceServer
from scopegate.testing import Issuer


def reason(gate: ResourceServer, authorization: str) -> str:
    with pytest.raises(Rejected) as caught:
        gate.authorize(authorization)
    return caught.value.reason


def test_token_is_for_the_resource_unless_it_says_otherwise() -> None:
    issuer = Issuer(RESOURCE)
    other = Issuer("https://other.test/mcp")
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()])
    assert gate.authorize(issuer.authorization()).audience == (RESOURCE,)
    assert reason(gate, issuer.authorization(aud="https://other.test/mcp")) == "wrong_audience"
    elsewhere = ResourceServer(resource=RESOURCE, authorization_servers=[other.server()])
    assert reason(elsewhere, other.authorization()) == "wrong_audience"


def test_claims_replace_the_defaults_and_none_leaves_them_out(issuer: Issuer, gate: ResourceServer) -> None:
    token = gate.authorize(issuer.authorization(scope="a b", sub="alice", tenant={"id": [1, None]}))
    assert (token.subject, token.scopes, token.claims["tenant"]) == ("alice", ("a", "b"), {"id": [1, None]})
    assert reason(gate, issuer.authorization(jti=None)) == "missing_claim"


def test_expires_in_counts_from_now(issuer: Issuer, gate: ResourceServer) -> None:
    expires_at = gate.authorize(issuer.authorization(expires_in=90)).expires_at
    assert abs(expires_at - (time.time() + 90)) <= 2
    assert reason(gate, issuer.authorization(expires_in=-90)) == "expired"


def test_headers_authorization_and_mint_hold_a_token(issuer: Issuer, gate: ResourceServer) -> None:
    (name, value), *more = issuer.headers(sub="alice").items()
    assert (name, more) == ("Authorization", [])
    assert gate.authorize(value).subject == "alice"
    assert gate.authorize(f"Bearer {issuer.mint(sub='bob')}").subject == "bob"


def test_rotated_key_is_unknown_to_a_server_made_before(issuer: Issuer, gate: ResourceServer) -> None:
    before = issuer.authorization()
    issuer.rotate()
    after = issuer.authorization()
    assert gate.authorize(before).issuer == issuer.issuer
    assert reason(gate, after) == "unknown_key"
    renewed = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()])
    assert renewed.authorize(after).issuer == issuer.issuer


def test_claims_that_json_cannot_hold_are_an_error(issuer: Issuer) -> None:
    for claim in ({1, 2}, object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            issuer.mint(claim=claim)
