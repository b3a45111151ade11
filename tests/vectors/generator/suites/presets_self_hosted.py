"""Presets of issuers that users run themselves: Keycloak and authentik."""

from __future__ import annotations

from typing import Any

from ..suite import Suite
from ..tokens import ABSENT, RESOURCE

JWT = {"typ": "JWT"}
NO_SCOPE = "insufficient_scope"
ID = "not_an_access_token"
AUDIENCE = "wrong_audience"
ISSUER = "untrusted_issuer"
CLAIM = "claim_not_allowed"


def add_to(suite: Suite, issuer: Any) -> None:
    _keycloak(suite, issuer)
    _authentik(suite, issuer)


def _keycloak(suite: Suite, issuer: Any) -> None:
    realm = "https://sso.test/auth/realms/main"
    access = {
        "auth_time": 1799999940,
        "jti": "onrtac:1",
        "iss": realm,
        "aud": [RESOURCE, "account"],
        "sub": "u-1",
        "typ": "Bearer",
        "azp": "app",
        "sid": "s-1",
        "acr": "1",
        "allowed-origins": ["https://app.test"],
        "realm_access": {"roles": ["offline_access", "mcp:admin"]},
        "resource_access": {"account": {"roles": ["manage-account"]}},
        "scope": "openid mcp:read profile",
        "preferred_username": "alice",
    }
    of = issuer(suite, "keycloak", "Keycloak.", JWT, access)
    of.case("access-token", "An access token.", {}, scopes=["openid", "mcp:read", "profile"], client_id="app")
    of.header["typ"] = "at+jwt"
    of.case("at-jwt", "A client that is set to send `at+jwt`.", {})
    of.header["typ"] = "JWT"
    light = {name: ABSENT for name in ("auth_time", "acr", "allowed-origins", "realm_access", "resource_access", "preferred_username")}
    of.case("lightweight", "A lightweight token.", light)
    of.case("service-account", "A service account.", {"sid": ABSENT, "client_id": "app", "scope": "mcp:read"}, client_id="app")
    of.case("no-audience-mapper", "Without an audience mapper.", {"aud": "account"}, AUDIENCE)
    of.case("no-aud", "A client without any role.", {"aud": ABSENT}, "missing_claim")
    of.case("roles", "Roles are no scopes.", {"scope": "openid"}, NO_SCOPE)
    of.case("other-realm", "Another realm.", {"iss": "https://sso.test/auth/realms/other"}, ISSUER)
    of.case("other-host", "The realm under another host name.", {"iss": "https://keycloak.internal.test/auth/realms/main"}, ISSUER)
    of.case("no-typ", "Without `typ`.", {"typ": ABSENT}, "missing_claim")
    of.case("dpop", "A token bound to a key.", {"typ": "DPoP", "cnf": {"jkt": "x"}}, ["sender_constrained", CLAIM])
    refresh = {"aud": realm, "typ": "Refresh"}
    of.hmac("refresh-token", "A refresh token.", "HS512", refresh, ["algorithm_not_allowed", ID, AUDIENCE, CLAIM])
    of.hmac("offline-token", "An offline token.", "HS512", refresh | {"typ": "Offline"}, ["algorithm_not_allowed", ID, AUDIENCE, CLAIM])
    of.case("refresh-token-rs256", "A refresh token under the realm's key.", refresh, [ID, AUDIENCE, CLAIM])
    of.case("offline-token-rs256", "An offline token under the realm's key.", refresh | {"typ": "Offline"}, [ID, AUDIENCE, CLAIM])
    identity = {"sub": "u-1", "aud": "app", "azp": "app", "typ": "ID", "at_hash": "x", "nonce": "n-1", "sid": "s-1"}
    of.other("id-token", "An ID token.", identity, [ID, AUDIENCE, CLAIM, NO_SCOPE])
    logout = {"sub": "u-1", "aud": "app", "typ": "Logout", "sid": "s-1", "events": {}}
    of.other("logout-token", "A logout token.", logout, [ID, AUDIENCE, CLAIM, NO_SCOPE])
    of.scoped("Keycloak, realm roles taken for scopes.", "mcp:admin", id="roles", scope_claims=[["realm_access", "roles"]])
    of.case("realm-role", "A realm role.", {}, scopes=["offline_access", "mcp:admin"])


def _authentik(suite: Suite, issuer: Any) -> None:
    access = {
        "iss": "https://auth.test/application/o/mcp/",
        "sub": "u-1",
        "aud": "client-1",
        "auth_time": 1799999940,
        "acr": "goauthentik.io/providers/oauth2/default",
        "azp": "client-1",
        "uid": "x-1",
        "scope": "openid mcp:read",
    }
    of = issuer(suite, "authentik", "authentik.", JWT, access, additional_audiences=["client-1"])
    of.case("access-token", "An access token.", {}, scopes=["openid", "mcp:read"], client_id="client-1", audience=["client-1"])
    of.case("no-scope", "A version that puts no scopes into its tokens.", {"scope": ABSENT}, NO_SCOPE)
    of.case("nonce", "A client that sends a nonce gets it in the access token too.", {"nonce": "n-1"}, ID)
    of.case("other-application", "Another application.", {"iss": "https://auth.test/application/o/other/"}, ISSUER)
    of.case("other-client", "Another client, where all providers share one issuer.", {"aud": "client-2", "azp": "client-2"}, AUDIENCE)
    of.case("no-slash", "The issuer without its slash.", {"iss": "https://auth.test/application/o/mcp"}, ISSUER)
    of.hmac("hs256", "A provider without a signing key.", "HS256", {}, "algorithm_not_allowed")
    identity = {name: value for name, value in access.items() if name not in ("azp", "uid", "scope")}
    of.other("id-token", "An ID token, which has the same audience.", identity, [ID, NO_SCOPE])
    of.other("id-token-with-azp", "An ID token that names its client: scopes alone keep it out.", identity | {"azp": "client-1"}, NO_SCOPE)
