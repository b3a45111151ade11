"""Presets of Microsoft's issuers: Entra ID with tokens of both versions, and AD FS."""

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

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
API = "aaaaaaaa-0000-4000-8000-000000000001"
CLIENT = "bbbbbbbb-0000-4000-8000-000000000002"
GRAPH = "00000003-0000-0000-c000-000000000000"
VERSION_1 = f"https://sts.windows.test/{TENANT}/"
VERSION_2 = f"https://login.microsoftonline.test/{TENANT}/v2.0"
PREFIX = f"api://{API}/"

OF_VERSION_2: dict[str, Any] = {
    "aud": API,
    "iss": VERSION_2,
    "aio": "opaque",
    "azp": CLIENT,
    "azpacr": "0",
    "name": "Alice",
    "oid": "o-1",
    "preferred_username": "alice@example.test",
    "rh": "opaque",
    "scp": "mcp.read mcp.write",
    "sub": "pairwise-1",
    "tid": TENANT,
    "uti": "u-1",
    "ver": "2.0",
}
OF_VERSION_1: dict[str, Any] = {
    "aud": f"api://{API}",
    "iss": VERSION_1,
    "acr": "1",
    "aio": "opaque",
    "amr": ["pwd"],
    "appid": CLIENT,
    "appidacr": "0",
    "name": "Alice",
    "oid": "o-1",
    "scp": "mcp.read mcp.write",
    "sub": "pairwise-1",
    "tid": TENANT,
    "unique_name": "alice@example.test",
    "uti": "u-1",
    "ver": "1.0",
}
SCOPES = [f"{PREFIX}mcp.read", f"{PREFIX}mcp.write"]
APP_ONLY = {"scp": ABSENT, "idtyp": "app", "roles": ["mcp.read"], "sub": "service-1", "oid": "service-1", "name": ABSENT}


def add_to(suite: Suite, issuer: Any) -> None:
    _version_2(suite, issuer)
    _version_1(suite, issuer)
    _ad_fs(suite, issuer)


def _version_2(suite: Suite, issuer: Any) -> None:
    of = issuer(
        suite,
        "entra",
        "Entra ID, a scope in the form that tokens have.",
        JWT,
        OF_VERSION_2,
        additional_audiences=[API],
        scope_prefix=PREFIX,
    )
    of.case("short-scope", "A scope that is configured as tokens have it is never there.", {}, NO_SCOPE)
    of.scoped("Entra ID, tokens of version 2.0.", f"{PREFIX}mcp.read")
    of.case("access-token", "An access token.", {}, scopes=SCOPES, client_id=CLIENT, audience=[API])
    of.case("other-scope", "A token without the scope.", {"scp": "mcp.write"}, NO_SCOPE)
    of.case("other-api", "A token for another API of the tenant.", {"aud": CLIENT}, AUDIENCE)
    of.case("other-tenant", "A token of another tenant.", {"iss": VERSION_2.replace(TENANT, OTHER_TENANT), "tid": OTHER_TENANT}, ISSUER)
    of.case("app-id-uri", "The application id URI, which is the audience of version 1.0.", {"aud": f"api://{API}"}, AUDIENCE)
    of.case("app-only", "A token without a user: app roles are no scopes.", APP_ONLY, NO_SCOPE)
    of.case("app-only-no-roles", "What any application of the tenant can get.", APP_ONLY | {"roles": ABSENT}, NO_SCOPE)
    of.other("version-1", "A token of version 1.0.", OF_VERSION_1, [ISSUER, AUDIENCE, CLAIM])
    of.case("version-1-claims", "A token that says it is of version 1.0.", {"ver": "1.0"}, CLAIM)
    of.case("no-version", "A token that does not say its version.", {"ver": ABSENT}, "missing_claim")
    identity = {"sub": "pairwise-1", "tid": TENANT, "oid": "o-1", "ver": "2.0", "uti": "u-1", "rh": "opaque"}
    of.other("id-token", "An ID token.", identity | {"aud": CLIENT, "nonce": "n-1"}, [ID, AUDIENCE, NO_SCOPE])
    of.other("id-token-of-api", "An ID token of a client that shares the API's registration.", identity | {"aud": API}, [ID, NO_SCOPE])
    graph = OF_VERSION_1 | {"aud": GRAPH, "scp": "User.Read"}
    of.other("graph", "A token for Microsoft Graph.", graph, [ISSUER, AUDIENCE, CLAIM, NO_SCOPE], {"nonce": "n-1"})
    of.advertises(VERSION_2)
    version_1 = {"issuer": VERSION_1, "preset": "entra_v1", "additional_audiences": [f"api://{API}"], "scope_prefix": PREFIX}
    version_1["advertise"] = VERSION_2
    of.scoped("Entra ID, both versions while an API changes from one to the other.", f"{PREFIX}mcp.read", version_1, id="both")
    of.case("version-2", "A token of version 2.0.", {}, scopes=SCOPES, client_id=CLIENT, issuer=VERSION_2)
    of.token("version-1", "A token of version 1.0.", of.signed(OF_VERSION_1), [], scopes=SCOPES, client_id=CLIENT, issuer=VERSION_1)
    of.token("audience-of-other", "The audience of the other version.", of.signed(OF_VERSION_1 | {"aud": API}), AUDIENCE)
    of.advertises(VERSION_2)
    of.members |= {"scope_claims": ["scp", "roles"]}
    of.scoped("Entra ID, app roles taken for scopes.", f"{PREFIX}mcp.read", id="roles")
    of.case("app-only", "A token without a user.", APP_ONLY, scopes=[f"{PREFIX}mcp.read"])
    of.case("user", "A user's scopes come first.", {"roles": ["mcp.read"], "scp": "mcp.write"}, NO_SCOPE)


def _version_1(suite: Suite, issuer: Any) -> None:
    audiences = [f"api://{API}"]
    of = issuer(
        suite,
        "entra_v1",
        "Entra ID, a scope in the form that tokens have.",
        JWT,
        OF_VERSION_1,
        additional_audiences=audiences,
        scope_prefix=PREFIX,
    )
    of.case("short-scope", "A scope that is configured as tokens have it is never there.", {}, NO_SCOPE)
    of.scoped("Entra ID, tokens of version 1.0.", f"{PREFIX}mcp.read")
    of.case("access-token", "An access token.", {}, scopes=SCOPES, client_id=CLIENT, audience=audiences)
    of.case("resource", "The application id URI is the resource.", {"aud": RESOURCE}, audience=[RESOURCE])
    of.case("other-api", "A token for another API of the tenant.", {"aud": "api://other"}, AUDIENCE)
    of.case("client-id", "The API's client id, which is the audience of version 2.0.", {"aud": API}, AUDIENCE)
    of.case("no-slash", "The issuer without its slash.", {"iss": VERSION_1.rstrip("/")}, ISSUER)
    of.case("app-only", "A token without a user: app roles are no scopes.", APP_ONLY, NO_SCOPE)
    of.other("version-2", "A token of version 2.0.", OF_VERSION_2, [ISSUER, AUDIENCE, CLAIM])
    of.case("version-2-claims", "A token that says it is of version 2.0.", {"ver": "2.0"}, CLAIM)
    identity = {"aud": CLIENT, "sub": "pairwise-1", "tid": TENANT, "oid": "o-1", "ver": "1.0", "amr": ["pwd"]}
    of.other("id-token", "An ID token.", identity, [ID, AUDIENCE, NO_SCOPE])
    of.advertises(f"https://login.microsoftonline.com/{TENANT}/v2.0")


def _ad_fs(suite: Suite, issuer: Any) -> None:
    access = {
        "aud": RESOURCE,
        "iss": "http://fs.example.test/adfs/services/trust",
        "sub": "s-1",
        "apptype": "Public",
        "appid": CLIENT,
        "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "ver": "1.0",
        "scp": "mcp:read openid",
    }
    of = issuer(suite, "adfs", "AD FS.", JWT, access)
    of.case("access-token", "An access token.", {}, scopes=["mcp:read", "openid"], client_id=CLIENT)
    of.case("userinfo", "A token for the user info endpoint.", {"aud": "urn:microsoft:userinfo"}, AUDIENCE)
    of.case("client-as-resource", "A token for the client itself.", {"aud": f"microsoft:identityserver:{CLIENT}"}, AUDIENCE)
    of.case("https", "The issuer with https.", {"iss": "https://fs.example.test/adfs/services/trust"}, ISSUER)
    of.case("no-scope", "No scope was granted.", {"scp": ABSENT}, NO_SCOPE)
    identity = {"iss": "https://fs.example.test/adfs", "aud": CLIENT, "sub": "s-1", "upn": "alice@example.test", "nonce": "n-1"}
    of.other("id-token", "An ID token, of another issuer.", identity, [ISSUER, ID, AUDIENCE, NO_SCOPE])
    of.advertises("https://fs.example.test/adfs")
