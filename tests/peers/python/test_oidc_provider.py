"""Tokens of a third party's authorization server, validated through discovery."""

from __future__ import annotations

from typing import Literal

import pytest
from decisions import Authorize, refusal
from oidc_provider import OidcProvider
from stage import EMAIL, WEATHER
from tokens import header_and_claims, tampered

from scopegate import AuthorizationServer, ResourceServer

TokenFormat = Literal["generic", "rfc9068"]


def gate_for(
    provider: OidcProvider, algorithm: str = "ES256", *, token_format: TokenFormat = "rfc9068"
) -> ResourceServer:
    """A server that knows the issuer, and finds everything else through it."""
    server: AuthorizationServer = {"issuer": provider.issuer, "token_format": token_format}
    return ResourceServer(resource=provider.resources[algorithm], authorization_servers=[server])


@pytest.mark.parametrize("token_format", ["generic", "rfc9068"])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_token_is_accepted_and_read(
    oidc_provider: OidcProvider, authorize: Authorize, algorithm: str, token_format: TokenFormat
) -> None:
    token = oidc_provider.token(algorithm, f"{WEATHER} {EMAIL}")
    header, claims = header_and_claims(token)
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")

    accepted = authorize(gate_for(oidc_provider, algorithm, token_format=token_format), token)

    assert accepted.issuer == oidc_provider.issuer
    assert (accepted.subject, accepted.client_id) == ("assistant", "assistant")
    assert accepted.scopes == (WEATHER, EMAIL)
    assert accepted.audience == (oidc_provider.resources[algorithm],)
    assert (accepted.issued_at, accepted.expires_at) == (claims["iat"], claims["exp"])
    assert accepted.token_id == claims["jti"]


def test_token_for_another_resource_is_refused(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    refused = refusal(authorize, gate_for(oidc_provider, "ES256"), oidc_provider.token("EdDSA", WEATHER))
    assert (refused.reason, refused.status) == ("wrong_audience", 401)


def test_token_without_a_resource_is_opaque_and_refused(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    refused = refusal(authorize, gate_for(oidc_provider), oidc_provider.token(None))
    assert (refused.reason, refused.status) == ("malformed_token", 401)


def test_tampered_token_is_refused(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    token = tampered(oidc_provider.token("ES256", WEATHER), scope=EMAIL)
    assert refusal(authorize, gate_for(oidc_provider), token).reason == "bad_signature"


def test_short_scope_is_challenged(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    gate = ResourceServer(
        resource=oidc_provider.resources["ES256"],
        authorization_servers=[oidc_provider.issuer],
        required_scopes=[WEATHER, EMAIL],
    )
    refused = refusal(authorize, gate, oidc_provider.token("ES256", WEATHER))
    assert (refused.reason, refused.status) == ("insufficient_scope", 403)
    assert f'scope="{WEATHER} {EMAIL}"' in dict(refused.headers)["WWW-Authenticate"]


def test_issuer_with_another_path_is_not_trusted(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    gate = ResourceServer(
        resource=oidc_provider.resources["ES256"],
        authorization_servers=[oidc_provider.issuer.replace("/tenant", "/other")],
    )
    refused = refusal(authorize, gate, oidc_provider.token("ES256", WEATHER))
    assert (refused.reason, refused.status) == ("untrusted_issuer", 401)


def test_metadata_of_another_issuer_is_not_used(oidc_provider: OidcProvider) -> None:
    server: AuthorizationServer = {
        "issuer": oidc_provider.issuer.replace("/tenant", "/other"),
        "discovery_url": f"{oidc_provider.issuer}/.well-known/openid-configuration",
    }
    gate = ResourceServer(resource=oidc_provider.resources["ES256"], authorization_servers=[server])
    with pytest.raises(ConnectionError, match="issuer"):
        gate.warm_up()


@pytest.mark.parametrize("overlap", [True, False])
def test_token_of_a_new_key_is_accepted(oidc_provider: OidcProvider, authorize: Authorize, overlap: bool) -> None:
    gate = gate_for(oidc_provider)
    authorize(gate, oidc_provider.token("ES256", WEATHER))
    oidc_provider.rotate(overlap=overlap)
    assert authorize(gate, oidc_provider.token("ES256", WEATHER)).scopes == (WEATHER,)


def test_token_of_a_key_that_was_never_seen_is_refused(oidc_provider: OidcProvider, authorize: Authorize) -> None:
    token = oidc_provider.token("ES256", WEATHER)
    oidc_provider.rotate(overlap=False)
    refused = refusal(authorize, gate_for(oidc_provider), token)
    assert (refused.reason, refused.status) == ("unknown_key", 401)
