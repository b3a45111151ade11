"""Presets of issuers that are services: Scalekit, Amazon Cognito, Okta, Auth0, WorkOS, Descope."""

from __future__ import annotations

from typing import Any

from ..suite import Suite
from ..tokens import ABSENT, RESOURCE

JWT = {"typ": "JWT"}
NO_SCOPE = "insufficient_scope"
ID = "not_an_access_token"
AUDIENCE = "wrong_audience"
ISSUER = "untrusted_issuer"


def add_to(suite: Suite, issuer: Any) -> None:
    _scalekit(suite, issuer)
    _cognito(suite, issuer)
    _okta(suite, issuer)
    _auth0(suite, issuer)
    _workos(suite, issuer)
    _descope(suite, issuer)


def _scalekit(suite: Suite, issuer: Any) -> None:
    environment = "https://env.scalekit.test"
    scoped = f"{environment}/resources/res_1"
    access = {
        "iss": environment,
        "sub": "usr_1",
        "aud": ["res_1"],
        "client_id": "m2m_1",
        "oid": "org_1",
        "jti": "tkn_1",
        "scopes": ["mcp:read"],
    }
    of = issuer(suite, "scalekit", "Scalekit.", JWT, access, issuer=scoped)
    of.case("environment-issuer", "The environment as the issuer.", {}, issuer=environment, scopes=["mcp:read"], client_id="m2m_1")
    of.case("resource-issuer", "The MCP server's own issuer.", {"iss": scoped}, issuer=scoped)
    of.case("aud-with-url", "The server's URL beside its id.", {"aud": ["res_1", RESOURCE]}, audience=["res_1", RESOURCE])
    of.case("scope-string", "`scope` where there is no `scopes`.", {"scopes": ABSENT, "scope": "mcp:read mcp:write"})
    of.case("other-resource", "A token for another MCP server of the environment.", {"aud": ["res_2"]}, AUDIENCE)
    of.case("resource-id-prefix", "The id of the MCP server is compared whole.", {"aud": ["res_11"]}, AUDIENCE)
    of.case("other-resource-issuer", "The issuer of another MCP server.", {"iss": f"{environment}/resources/res_2"}, ISSUER)
    of.case("no-aud", "A token for no resource.", {"aud": ABSENT}, "missing_claim")
    of.case("other-environment", "Another environment.", {"iss": "https://other.scalekit.test"}, ISSUER)
    of.other("id-token", "An ID token.", {"sub": "usr_1", "aud": ["skc_1"], "at_hash": "x", "sid": "ses_1"}, [ID, AUDIENCE, NO_SCOPE])
    of.advertises(scoped)


def _cognito(suite: Suite, issuer: Any) -> None:
    access = {
        "iss": "https://cognito-idp.eu-west-1.amazonaws.test/eu-west-1_Pool1",
        "sub": "c2e5",
        "client_id": "client-1",
        "version": 2,
        "token_use": "access",
        "scope": "openid mcp:read",
        "auth_time": 1799999940,
        "jti": "j-1",
        "origin_jti": "o-1",
        "event_id": "e-1",
        "username": "alice",
    }
    stand_in = {"claim": "client_id", "values": ["client-1", "client-2"]}
    of = issuer(suite, "cognito", "Cognito, tokens without resource binding.", {}, access, unsafe_client_audience=stand_in)
    of.case("access-token", "An access token.", {}, scopes=["openid", "mcp:read"], client_id="client-1", audience=[])
    of.case("second-client", "Another of the listed app clients.", {"client_id": "client-2"})
    of.case("other-client", "An app client of the pool that is not listed.", {"client_id": "client-3"}, AUDIENCE)
    of.case("resource-bound", "A token bound to the resource.", {"aud": RESOURCE}, audience=[RESOURCE])
    of.case("bound-elsewhere", "A token of a listed app client, bound to another resource.", {"aud": "https://other.test/mcp"}, AUDIENCE)
    of.case("self-service", "A sign-in without OAuth scopes.", {"scope": "aws.cognito.signin.user.admin"}, NO_SCOPE)
    of.case("other-pool", "Another user pool.", {"iss": "https://cognito-idp.eu-west-1.amazonaws.test/eu-west-1_Pool2"}, ISSUER)
    of.token("refresh-token", "A refresh token: encrypted, in five parts.", "eyJlbmMiOiJBMjU2R0NNIn0.ZQ.aXY.Y3Q.dGFn", "malformed_token")
    of.case("no-token-use", "Without `token_use`.", {"token_use": ABSENT}, "missing_claim")
    identity = {"sub": "c2e5", "aud": "client-1", "token_use": "id", "cognito:username": "alice", "email": "alice@example.test"}
    of.other("id-token", "An ID token.", identity, [ID, AUDIENCE, "claim_not_allowed", NO_SCOPE])
    of.members.pop("unsafe_client_audience")
    required = {"token_use": "access", "client_id": ["client-1"]}
    of.scoped("Cognito, tokens with resource binding alone.", "mcp:read", id="bound", required_claims=required)
    of.case("access-token", "A token bound to the resource.", {"aud": RESOURCE}, client_id="client-1")
    of.case("unbound", "A token without resource binding.", {}, "missing_claim")
    of.case("other-client", "An app client that is not listed.", {"aud": RESOURCE, "client_id": "client-2"}, "claim_not_allowed")
    elsewhere = {"aud": "https://other.test/mcp", "client_id": "client-2"}
    of.case("other-resource", "Bound to another resource, of an app client that is not listed.", elsewhere, [AUDIENCE, "claim_not_allowed"])


def _okta(suite: Suite, issuer: Any) -> None:
    access = {
        "ver": 1,
        "jti": "AT.1",
        "iss": "https://org.okta.test/oauth2/default",
        "aud": RESOURCE,
        "cid": "0oa1",
        "uid": "00u1",
        "scp": ["openid", "mcp:read"],
        "auth_time": 1799999940,
        "sub": "alice@example.test",
    }
    of = issuer(suite, "okta", "Okta.", {}, access)
    of.case("access-token", "An access token.", {}, scopes=["openid", "mcp:read"], client_id="0oa1", subject="alice@example.test")
    of.case("client-credentials", "A token without a user.", {"sub": "0oa1", "uid": ABSENT, "scp": ["mcp:read"]}, client_id="0oa1")
    of.case("default-audience", "The audience that the default server begins with.", {"aud": "api://default"}, AUDIENCE)
    of.case("no-scp", "No scope was granted.", {"scp": ABSENT}, NO_SCOPE)
    of.case("other-server", "Another authorization server of the organization.", {"iss": "https://org.okta.test/oauth2/aus2"}, ISSUER)
    of.other(
        "id-token",
        "An ID token.",
        {"ver": 1, "jti": "ID.1", "aud": "0oa1", "sub": "00u1", "amr": ["pwd"], "idp": "00o1", "at_hash": "x"},
        [ID, AUDIENCE, NO_SCOPE],
    )
    of.other(
        "org-server",
        "A token of the org authorization server.",
        access | {"iss": "https://org.okta.test", "aud": "https://org.okta.test"},
        [ISSUER, "type_not_allowed", AUDIENCE],
        {"typ": "application/okta-internal-at+jwt"},
    )


def _auth0(suite: Suite, issuer: Any) -> None:
    userinfo = "https://tenant.auth0.test/userinfo"
    access = {
        "iss": "https://tenant.auth0.test/",
        "sub": "auth0|1",
        "aud": [RESOURCE, userinfo],
        "scope": "openid mcp:read",
        "azp": "client-1",
        "permissions": ["mcp:admin"],
    }
    of = issuer(suite, "auth0", "Auth0.", JWT, access)
    of.case("access-token", "A token of the Auth0 profile.", {}, scopes=["openid", "mcp:read"], client_id="client-1")
    of.header["typ"] = "at+jwt"
    rfc9068 = {"azp": ABSENT, "client_id": "client-1", "jti": "j-1"}
    of.case("rfc9068", "A token of the RFC 9068 profile.", rfc9068, client_id="client-1", token_id="j-1")
    of.header["typ"] = "JWT"
    machine = {"sub": "client-1@clients", "aud": RESOURCE, "gty": "client-credentials", "scope": "mcp:read", "permissions": ABSENT}
    of.case("client-credentials", "A token without a user.", machine, subject="client-1@clients")
    of.case(
        "permissions", "Permissions count where there is no scope.", {"scope": ABSENT, "permissions": ["mcp:read"]}, scopes=["mcp:read"]
    )
    of.case(
        "scope-before-permissions", "Beside a scope permissions are not read.", {"permissions": ["mcp:read"], "scope": "openid"}, NO_SCOPE
    )
    of.case("userinfo-alone", "A token for the user info endpoint.", {"aud": userinfo}, AUDIENCE)
    of.case("no-slash", "The issuer without its slash.", {"iss": "https://tenant.auth0.test"}, ISSUER)
    identity = {"sub": "auth0|1", "aud": "client-1", "nonce": "n-1", "sid": "s-1", "name": "Alice"}
    of.other("id-token", "An ID token.", identity, [ID, AUDIENCE, NO_SCOPE])
    of.hmac("hs256", "An API whose signing algorithm is HS256.", "HS256", {}, "algorithm_not_allowed")
    of.token(
        "encrypted",
        "What a request without an audience gets: five parts, for Auth0 alone.",
        "eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn",
        "malformed_token",
    )
    of.advertises("https://tenant.auth0.test/")


def _workos(suite: Suite, issuer: Any) -> None:
    access = {
        "iss": "https://app.authkit.test",
        "sub": "user_1",
        "aud": RESOURCE,
        "sid": "session_1",
        "jti": "j-1",
        "scope": "openid mcp:read",
    }
    of = issuer(suite, "workos", "WorkOS AuthKit.", JWT, access)
    of.case("access-token", "An access token.", {}, scopes=["openid", "mcp:read"], client_id=None)
    of.case("client-id", "With a client id.", {"client_id": "client_1"}, client_id="client_1")
    of.case("default-audience", "A token that names no resource: the environment is its audience.", {"aud": "client_1"}, AUDIENCE)
    of.case("other-resource", "A token for another resource.", {"aud": "https://other.test/mcp"}, AUDIENCE)
    of.case("slash", "An issuer with a slash.", {"iss": "https://app.authkit.test/"}, ISSUER)
    of.other(
        "session-token",
        "A session token of the user management API.",
        {"iss": "https://api.workos.test", "sub": "user_1", "sid": "session_1", "org_id": "org_1", "permissions": ["mcp:read"]},
        [ISSUER, "missing_claim", ID, NO_SCOPE],
    )
    of.other("id-token", "An ID token.", {"sub": "user_1", "aud": "client_1", "nonce": "n-1"}, [ID, AUDIENCE, NO_SCOPE])


def _descope(suite: Suite, issuer: Any) -> None:
    project = "https://api.descope.test/v1/apps/agentic/P1"
    access = {"iss": f"{project}/MS1", "sub": "U1", "aud": ["P1", RESOURCE], "scope": "mcp:read", "azp": "client-1"}
    of = issuer(suite, "descope", "Descope.", JWT, access)
    of.case("access-token", "An access token.", {}, scopes=["mcp:read"], client_id="client-1", audience=["P1", RESOURCE])
    of.case("no-url", "The MCP server has no URL in the console.", {"aud": ["P1"]}, AUDIENCE)
    of.case("other-server", "A token of another MCP server.", {"iss": f"{project}/MS2"}, ISSUER)
    of.case("other-resource", "A token for another resource.", {"aud": "https://other.test/mcp"}, AUDIENCE)
    of.other(
        "session-token",
        "A session token of the project.",
        {"iss": "https://api.descope.test/P1", "sub": "U1", "drn": "DS", "permissions": ["mcp:read"]},
        [ISSUER, "missing_claim", ID, NO_SCOPE],
    )
    of.other("id-token", "An ID token.", {"sub": "U1", "aud": "client-1", "nonce": "n-1"}, [ID, AUDIENCE, NO_SCOPE])
