"""Tokens of our own authorization server, validated through discovery, while its keys change and go away."""

from __future__ import annotations

import time

import pytest
from authorization_server import AuthorizationServer
from decisions import Authorize, assert_unavailable, refusal
from stage import EMAIL, WEATHER
from tokens import header_and_claims, tampered

from scopegate import AuthorizationServer as TrustedServer
from scopegate import ResourceServer


def gate_for(server: AuthorizationServer, resource: str = "es256", *others: str) -> ResourceServer:
    """A server for this resource that trusts its issuer, and those of other resources."""
    trusted: list[TrustedServer] = [
        {"issuer": server.issuers[id], "token_format": "rfc9068"} for id in (resource, *others)
    ]
    return ResourceServer(resource=f"https://mcp.test/{resource}", authorization_servers=trusted)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_token_is_accepted_and_read(
    authorization_server: AuthorizationServer, authorize: Authorize, algorithm: str
) -> None:
    resource = algorithm.lower()
    token = authorization_server.token(resource, "assistant", f"{EMAIL} {WEATHER}")
    header, claims = header_and_claims(token)
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")

    accepted = authorize(gate_for(authorization_server, resource), token)

    assert accepted.issuer == authorization_server.issuers[resource]
    assert (accepted.subject, accepted.client_id) == ("assistant", "assistant")
    assert accepted.scopes == (EMAIL, WEATHER)
    assert accepted.audience == (f"https://mcp.test/{resource}",)
    assert (accepted.issued_at, accepted.expires_at) == (claims["iat"], claims["exp"])
    assert accepted.token_id == claims["jti"]


def test_token_for_another_resource_is_refused(authorization_server: AuthorizationServer, authorize: Authorize) -> None:
    gate = gate_for(authorization_server, "es256", "eddsa")
    refused = refusal(authorize, gate, authorization_server.token("eddsa", "assistant"))
    assert (refused.reason, refused.status) == ("wrong_audience", 401)


def test_token_of_an_issuer_that_is_not_trusted_is_refused(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server, "es256")
    refused = refusal(authorize, gate, authorization_server.token("eddsa", "assistant"))
    assert (refused.reason, refused.status) == ("untrusted_issuer", 401)


def test_tampered_token_is_refused(authorization_server: AuthorizationServer, authorize: Authorize) -> None:
    token = tampered(authorization_server.token("es256", "assistant", WEATHER), scope=EMAIL)
    assert refusal(authorize, gate_for(authorization_server), token).reason == "bad_signature"


def test_rotation_with_overlap_keeps_the_tokens_of_both_keys_valid(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server)
    old = authorization_server.token("es256", "assistant")
    authorize(gate, old)
    authorization_server.rotate("es256", overlap=True)
    new = authorization_server.token("es256", "assistant")
    assert authorize(gate, new).issuer == authorization_server.issuers["es256"]
    assert authorize(gate, old).issuer == authorization_server.issuers["es256"]


def test_rotation_without_overlap_withdraws_the_tokens_of_the_old_key(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server)
    old = authorization_server.token("es256", "assistant")
    authorize(gate, old)
    authorization_server.rotate("es256", overlap=False)
    authorize(gate, authorization_server.token("es256", "assistant"))
    # Not judged as unknown before a second key set lacks it as well: replicas may differ for a while.
    assert_unavailable(refusal(authorize, gate, old))


def test_known_key_is_used_while_the_key_set_is_offline(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server)
    known = authorization_server.token("es256", "assistant")
    authorize(gate, known)
    authorization_server.set_keys_available("es256", False)
    assert authorize(gate, known).client_id == "assistant"

    authorization_server.rotate("es256", overlap=True)
    assert_unavailable(refusal(authorize, gate, authorization_server.token("es256", "assistant")))
    assert authorize(gate, known).client_id == "assistant"


def test_cold_server_recovers_after_the_time_it_told(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server)
    token = authorization_server.token("es256", "assistant")
    authorization_server.set_keys_available("es256", False)
    retry_after = assert_unavailable(refusal(authorize, gate, token))

    authorization_server.set_keys_available("es256", True)
    time.sleep(retry_after)
    assert authorize(gate, token).client_id == "assistant"


def test_cold_server_has_nothing_to_judge_by_when_nobody_answers(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server)
    token = authorization_server.token("es256", "assistant")
    authorization_server.stop()
    assert_unavailable(refusal(authorize, gate, token))


def test_outage_of_one_issuer_leaves_another_alone(
    authorization_server: AuthorizationServer, authorize: Authorize
) -> None:
    gate = gate_for(authorization_server, "es256", "eddsa")
    authorization_server.set_keys_available("eddsa", False)
    assert_unavailable(refusal(authorize, gate, authorization_server.token("eddsa", "assistant")))
    assert authorize(gate, authorization_server.token("es256", "assistant")).client_id == "assistant"
