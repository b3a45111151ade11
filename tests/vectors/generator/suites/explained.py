"""Explanations: each reason, each hint, and which values are shown of a token."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..base64url import encode
from ..suite import Group, Suite, config, key_set, request, server, unreachable_server
from ..tokens import ABSENT, ISSUER, NOW, RESOURCE, bearer, claims, header, jws, object_text, token, with_signature

REFS = ["order of checks"]
KID = "rsa-a"
TIMES = {"iat": NOW - 60, "exp": NOW + 300}
SHOWN = f'"{RESOURCE}"'

ID_TOKEN = "this is an ID token: send the access token"
LIKE_ID_TOKEN = "this looks like an ID token: send the access token"
SHORT_SCOPE = "the token has the scope in a short form: set scope_prefix of the authorization server"
NO_RESOURCE = "the client asked for the token without the resource parameter, or the authorization server does not heed it"
ROLES = "the token has roles, which are not among scope_claims: add the claim if a role is worth a scope"
REALM_ROLES = "the token has realm_access.roles, which are not among scope_claims: add the path if a role is worth a scope"
KEYCLOAK_MAPPER = "add an audience mapper with the resource to a client scope"
EXACTLY = "write it exactly as the token has it"


def suite() -> Suite:
    suite = Suite("explained")
    _requests(suite)
    _envelopes(suite)
    _issuers(suite)
    _keys(suite)
    _claims(suite)
    _kinds(suite)
    _audiences(suite)
    _times(suite)
    _calls(suite)
    _scopes(suite)
    _shown(suite)
    for product in (_entra, _cognito, _okta, _keycloak, _auth0, _workos, _descope, _authentik, _adfs):
        product(suite)
    return suite


def _get(
    group: Group, id: str, comment: str, credential: str, reason: str | None, failed: str | None, *said: str | None, **more: Any
) -> None:
    """`said`: what is expected, what is found, and the hint."""
    group.explain(f"explained-{id}", comment, request(credential, method="GET"), reason, failed, *said, refs=REFS, **more)


def _requests(suite: Suite) -> None:
    group = suite.group("The request and its credential.", config(allowed_origins=["https://app.test"]))
    _get(group, "accepted", "A good token.", token(), None, None)
    for id, comment, what, reason, failed, said in (
        (
            "arguments",
            "A scope of the program's own that is none.",
            request(token(), method="GET", scopes=["a b"]),
            "internal",
            "arguments",
            ("the request's own scopes to be scope tokens other than offline_access", '"a b"'),
        ),
        (
            "origin",
            "An Origin that is not listed.",
            request(token(), method="GET", origin=["https://evil.test"]),
            "origin_denied",
            "origin",
            ('no Origin, or one of "https://app.test"', '"https://evil.test"'),
        ),
        (
            "two-lines",
            "Two credentials.",
            request(method="GET", authorization=bearer("a") * 2),
            "multiple_credentials",
            "authorization_line",
            ("one Authorization line at most", "2 lines"),
        ),
        (
            "no-line",
            "No credential.",
            request(method="GET"),
            "missing_token",
            "bearer_token",
            (
                "Bearer, a blank and a token",
                "no Authorization line",
                "a client's first request has none, and the challenge tells it where to get a token; otherwise look whether a "
                "proxy takes the Authorization field away",
            ),
        ),
        (
            "other-scheme",
            "Another scheme, whose credential is not shown.",
            request(method="GET", authorization=["Basic dXNlcjpwYXNzd29yZA=="]),
            "missing_token",
            "bearer_token",
            (
                "Bearer, a blank and a token",
                "a line without a Bearer token",
                "send Authorization: Bearer and the token; look whether a proxy puts credentials of another scheme there",
            ),
        ),
        (
            "too-large",
            "A token over 16 KiB.",
            request("x" * 16385, method="GET"),
            "token_too_large",
            "token_size",
            ("at most 16384 bytes", "more"),
        ),
        (
            "comma",
            "Two tokens on one line.",
            request("a,b", method="GET"),
            "multiple_credentials",
            "one_credential",
            ("no comma", "a comma"),
        ),
    ):
        group.explain(f"explained-{id}", comment, what, reason, failed, *said, refs=REFS)


def _envelopes(suite: Suite) -> None:
    group = suite.group("Tokens that cannot be read.", config())
    parts, object_expected = "three parts: header, payload and signature", "the payload to be a strict JSON object: "
    _get(
        group,
        "opaque",
        "An opaque token.",
        "ZGVtbw",
        "malformed_token",
        "token_syntax",
        parts,
        "1 part",
        "the token is opaque, no JWT: many authorization servers give out such tokens when a client leaves out the resource (or "
        "audience) parameter; those of GitHub and Google always are",
    )
    _get(
        group,
        "encrypted",
        "A JWE.",
        "ZGVtbw.ZGVtbw.ZGVtbw.ZGVtbw.ZGVtbw",
        "malformed_token",
        "token_syntax",
        parts,
        "5 parts",
        "the token is encrypted (a JWE): have the authorization server give out signed ones for this resource; many do otherwise "
        "when a client leaves out the resource (or audience) parameter",
    )
    _get(
        group,
        "padded",
        "Base64 with padding.",
        f"{token()}=",
        "malformed_token",
        "token_syntax",
        "the signature in canonical base64url",
        "3 parts",
    )
    _get(
        group,
        "critical",
        "An extension.",
        jws(header(crit=["x"]), claims()),
        "critical_header",
        "critical_header",
        "a header without crit and b64",
        '"crit"',
    )
    _get(
        group,
        "list",
        "A payload that is a list.",
        jws(header(), "[]"),
        "malformed_token",
        "payload_syntax",
        f"{object_expected}not a JSON object",
        "something else",
    )


def _issuers(suite: Suite) -> None:
    group = suite.group("Issuers.", config(server(issuer=[ISSUER, "https://as.test/realms/a", "https://slash.test/"])))
    one_of = 'iss to be one of "https://as.test", "https://as.test/realms/a", "https://slash.test/"'
    differ = "the token's issuer and the configured one differ by"
    for id, comment, issuer, reason, found, hint in (
        ("none", "No issuer.", ABSENT, "missing_claim", "no iss", None),
        ("number", "An issuer that is a number.", 7, "malformed_claim", "7", None),
        ("null", "An issuer that is null.", None, "malformed_claim", "null", None),
        ("object", "An issuer that is an object: its members are not shown.", {"a": "b"}, "malformed_claim", "an object", None),
        ("unknown", "An issuer that is not configured.", "https://other.test/x", "untrusted_issuer", '"https://other.test/x"', None),
        ("slash", "A slash too many.", f"{ISSUER}/", "untrusted_issuer", f'"{ISSUER}/"', f"{differ} a slash at the end: {EXACTLY}"),
        (
            "no-slash",
            "A slash too few.",
            "https://slash.test",
            "untrusted_issuer",
            '"https://slash.test"',
            f"{differ} a slash at the end: {EXACTLY}",
        ),
        (
            "case",
            "A letter in upper case.",
            "https://AS.test",
            "untrusted_issuer",
            '"https://AS.test"',
            f"{differ} upper and lower case: {EXACTLY}",
        ),
        (
            "scheme",
            "Plain http.",
            "http://as.test",
            "untrusted_issuer",
            '"http://as.test"',
            f"{differ} http and https: set the authorization server's public URL",
        ),
    ):
        _get(group, f"issuer-{id}", comment, token(iss=issuer), reason, "issuer", one_of, found, hint)


def _keys(suite: Suite) -> None:
    group = suite.group("Algorithms and keys.", config(server("ed-a", "ed-b")))
    algorithms = "alg to be one of RS256, PS256, ES256, EdDSA"
    secret = "the token is signed with a shared secret, which is never accepted: give the issuer an asymmetric signing key"
    unsigned = "the token is not signed, which is never accepted"
    hmac = with_signature(header(alg="HS256"), claims(), b"\x5a" * 32)
    _get(group, "hmac", "A shared secret.", hmac, "algorithm_not_allowed", "algorithm", algorithms, '"HS256"', secret)
    none = with_signature(header(alg="none"), claims(), b"")
    _get(group, "unsigned", "No signature.", none, "algorithm_not_allowed", "algorithm", algorithms, '"none"', unsigned)
    odd = with_signature(header(alg="RS512"), claims(), b"x")
    _get(group, "other-algorithm", "An algorithm that is not listed.", odd, "algorithm_not_allowed", "algorithm", algorithms, '"RS512"')
    _get(
        group,
        "clock",
        "A clock before 1970.",
        token(),
        "clock_unusable",
        "clock",
        "a clock that is past 1970",
        "none that can be used",
        now=-1,
    )
    one_key, held = "one key of the issuer that fits kid and alg", 'of 2 keys held: "ed-a", "ed-b"'
    unknown = jws(header(kid="ed-c"), claims())
    _get(group, "unknown-key", "A kid that nobody has.", unknown, "unknown_key", "key", one_key, f'kid "ed-c"; {held}')
    several = "the token does not say which key signed it, and the issuer has several: have it put kid into its tokens"
    nameless = jws(header(kid=ABSENT), claims())
    _get(group, "ambiguous-key", "No kid, and two keys.", nameless, "ambiguous_key", "key", one_key, f"no kid; {held}", several)
    forged = with_signature(header(), claims(), b"\x5a" * 64)
    _get(group, "signature", "A signature of nobody.", forged, "bad_signature", "signature", "a signature by that key", "another one")
    cold = suite.group("Keys that are not held.", config(unreachable_server()))
    _get(cold, "needs-keys", "Nothing is fetched.", token(), None, "key", one_key, 'kid "ed-a"; no usable keys held')


def _claims(suite: Suite) -> None:
    group = suite.group("Claims: types, presence, required values.", config(server(required_claims={"tid": ["a", "b"], "ver": 2})))
    good = {"tid": "a", "ver": 2}
    for id, comment, changes, reason, failed, expected, found, hint in (
        (
            "exp-text",
            "Times as text.",
            {"exp": "tomorrow"},
            "malformed_claim",
            "claim_types",
            "exp to be a number from 0 to 2^53 - 1",
            'the string "tomorrow"',
            None,
        ),
        ("sub-number", "A subject is not shown.", {"sub": 42}, "malformed_claim", "claim_types", "sub to be a string", "a number", None),
        ("jti-list", "Nor is an id.", {"jti": ["x"]}, "malformed_claim", "claim_types", "jti to be a string", "a list", None),
        (
            "scope-blanks",
            "Two blanks in a scope.",
            {"scope": "a  b"},
            "malformed_claim",
            "claim_types",
            "scope to be scopes: a string with single blanks, or a list",
            'the string "a  b"',
            None,
        ),
        ("no-exp", "No expiry.", {"exp": ABSENT}, "missing_claim", "claims_present", "the claim exp", "no exp", None),
        ("no-aud", "No audience.", {"aud": ABSENT}, "missing_claim", "claims_present", "the claim aud", "no aud", NO_RESOURCE),
        ("no-required", "A required claim is absent.", {"ver": ABSENT}, "missing_claim", "claims_present", "the claim ver", "no ver", None),
        (
            "cnf",
            "A token that is bound to a key.",
            {"cnf": {"jkt": "x"}},
            "sender_constrained",
            "sender_constraint",
            "no cnf",
            "a cnf",
            None,
        ),
        (
            "required",
            "Another value.",
            {"tid": "c"},
            "claim_not_allowed",
            "required_claims",
            'tid to be "a" or "b", ver to be 2',
            'tid "c"',
            None,
        ),
        (
            "required-type",
            "Another type.",
            {"ver": {"a": 1}},
            "claim_not_allowed",
            "required_claims",
            'tid to be "a" or "b", ver to be 2',
            "ver an object",
            None,
        ),
    ):
        _get(group, f"claim-{id}", comment, token(**(good | changes)), reason, failed, expected, found, hint)


def _kinds(suite: Suite) -> None:
    group = suite.group("Tokens of other kinds.", config(server(scope_claims=["scope"], client_id_claims=["client_id"])))
    other = "expected no at_hash, c_hash or events: they are of other tokens".removeprefix("expected ")
    neither, bare = "neither a scope claim nor a client id claim", {"scope": ABSENT, "client_id": ABSENT}
    wanted = "a scope claim or a client id claim"
    for id, comment, changes, expected, found, hint in (
        ("at-hash", "An ID token by `at_hash`.", {"at_hash": "x"}, other, "at_hash", LIKE_ID_TOKEN),
        ("events", "A security event.", {"events": {}}, other, "events", None),
        ("nonce", "An ID token by `nonce`.", {"nonce": "x"}, "no nonce: it is of an ID token", "nonce", LIKE_ID_TOKEN),
        ("token-use", "An ID token by `token_use`.", {"token_use": "id"}, "token_use to be access", 'token_use "id"', ID_TOKEN),
        ("typ-id", "An ID token by `typ`.", {"typ": "ID"}, "a typ claim of an access token", 'typ "ID"', ID_TOKEN),
        (
            "refresh",
            "A refresh token.",
            {"typ": "Refresh"},
            "a typ claim of an access token",
            'typ "Refresh"',
            "this is a refresh token: send the access token",
        ),
        (
            "offline",
            "An offline token.",
            {"typ": "Offline"},
            "a typ claim of an access token",
            'typ "Offline"',
            "this is an offline token: send the access token",
        ),
        ("bare", "Neither scope nor client.", bare, wanted, neither, None),
        ("roles", "Roles where scopes are looked for.", bare | {"roles": ["a"]}, wanted, neither, ROLES),
        ("realm-roles", "Roles of a realm.", bare | {"realm_access": {"roles": ["a"]}}, wanted, neither, REALM_ROLES),
    ):
        text = jws(header(typ="JWT"), claims(**changes))
        _get(group, f"kind-{id}", comment, text, "not_an_access_token", "access_token", expected, found, hint)
    strict = suite.group("Types of token.", config(server(token_format="rfc9068")))
    plain = (
        "this issuer does not mark its access tokens with at+jwt, or this is an ID token: send the access token, or set token_format "
        "to generic"
    )
    for id, typ, found, hint in (
        ("plain", "JWT", '"JWT"', plain),
        ("absent", ABSENT, "no typ", plain),
        ("other", "dpop+jwt", '"dpop+jwt"', None),
    ):
        text = jws(header(typ=typ), claims())
        _get(strict, f"type-{id}", "A type that is not at+jwt.", text, "type_not_allowed", "type", "typ to be at+jwt", found, hint)
    generic = "typ to be at+jwt or JWT, or absent"
    logout = jws(header(typ="logout+jwt"), claims())
    _get(group, "type-generic", "A type that no access token has.", logout, "type_not_allowed", "type", generic, '"logout+jwt"')
    _get(
        strict,
        "strict-no-sub",
        "A claim of RFC 9068 is absent.",
        token(sub=ABSENT),
        "missing_claim",
        "claims_present",
        "the claim sub",
        "no sub",
    )


def _audiences(suite: Suite) -> None:
    group = suite.group("Audiences.", config(server(additional_audiences=["res_1"])))
    expected, differ = f'aud to name {SHOWN}, "res_1"', "aud and the resource differ by"
    many = [f"https://{number}.test" for number in range(10)]
    for id, comment, audience, found, hint in (
        ("other", "Another resource.", "https://other.test", '"https://other.test"', None),
        ("many", "Ten others.", many, ", ".join(f'"{name}"' for name in many[:8]) + ", and 2 more", None),
        (
            "slash",
            "A slash at the end.",
            f"{RESOURCE}/",
            f'"{RESOURCE}/"',
            f"{differ} a slash at the end: write the same in both places, or list the other in additional_audiences",
        ),
        (
            "case",
            "A path in upper case.",
            "https://mcp.test/MCP",
            '"https://mcp.test/MCP"',
            f"{differ} upper and lower case: write the same in both places",
        ),
        (
            "scheme",
            "Plain http.",
            "http://mcp.test/mcp",
            '"http://mcp.test/mcp"',
            f"{differ} http and https: configure the URL that clients use",
        ),
        (
            "origin",
            "The origin of the resource.",
            "https://mcp.test/",
            '"https://mcp.test/"',
            "aud is the origin of the resource, without its path: have clients ask for the whole URL, or list the origin in additional_audiences",
        ),
        (
            "client",
            "The client itself.",
            ["app"],
            '"app"',
            "aud is the client itself: the request named no resource, or this is an ID token",
        ),
    ):
        _get(group, f"audience-{id}", comment, token(aud=audience), "wrong_audience", "audience", expected, found, hint)
    strict = suite.group("No one else in `aud`.", config(reject_foreign_audiences=True))
    both = [RESOURCE, "https://other.test"]
    _get(
        strict,
        "audience-foreign",
        "Someone else beside us.",
        token(aud=both),
        "wrong_audience",
        "audience",
        f"aud to name {SHOWN} and no one else",
        f'{SHOWN}, "https://other.test"',
    )


def _times(suite: Suite) -> None:
    group = suite.group("Times.", config(max_token_age_seconds=600, max_token_lifetime_seconds=3600))
    soon = "it has expired a short while ago, and the client should get a new one; if that befalls fresh tokens, compare the clocks"
    clocks = "the clocks of this machine and of the authorization server differ: correct them, or raise leeway_seconds"
    ends, starts = "exp to be in the future, 30 s allowed", "nbf and iat not to be in the future, 30 s allowed"
    for id, comment, changes, reason, failed, expected, found, hint in (
        ("expired", "Yesterday's token.", {"exp": NOW - 86400}, "expired", "expiry", ends, f"exp {NOW - 86400}, 86400 s ago", None),
        ("just-expired", "A minute ago.", {"exp": NOW - 60}, "expired", "expiry", ends, f"exp {NOW - 60}, 60 s ago", soon),
        ("early", "A minute too early.", {"iat": NOW + 60}, "not_yet_valid", "not_before", starts, f"iat {NOW + 60}, in 60 s", clocks),
        (
            "tomorrow",
            "Tomorrow's token.",
            {"nbf": NOW + 86400},
            "not_yet_valid",
            "not_before",
            starts,
            f"nbf {NOW + 86400}, in 86400 s; iat {NOW - 60}, 60 s ago",
            None,
        ),
        (
            "milliseconds",
            "Times in milliseconds.",
            {"iat": NOW * 1000, "exp": (NOW + 300) * 1000},
            "not_yet_valid",
            "not_before",
            starts,
            f"iat {NOW * 1000}, in {NOW * 999} s",
            "times of a token are seconds since 1970, and these seem to be milliseconds: have the issuer correct them",
        ),
        (
            "old",
            "Over its age.",
            {"iat": NOW - 700},
            "too_old",
            "age",
            "iat at most 600 s ago, 30 s allowed",
            f"iat {NOW - 700}, 700 s ago",
            None,
        ),
        (
            "long",
            "Over its lifetime.",
            {"iat": NOW, "exp": NOW + 3601},
            "lifetime_too_long",
            "lifetime",
            "exp at most 3600 s after iat",
            "3601 s",
            None,
        ),
    ):
        _get(group, f"time-{id}", comment, token(**changes), reason, failed, expected, found, hint)
    _get(group, "times-good", "A token in its time.", token(), None, None)


def _calls(suite: Suite) -> None:
    policy = {"default": "deny", "tools": {"weather": ["mcp:read"], "send": ["mcp:send"]}, "max_body_bytes": 200}
    group = suite.group("A policy.", config(policy=policy))
    message = "one readable JSON-RPC message, and no header that contradicts it"
    for id, comment, more, reason, failed, said in (
        ("good", "A call that may pass.", {"body": rpc.tool_call("weather")}, None, None, ()),
        ("unread", "The body was not read.", {}, None, "body", ("the body of the request", "not handed in")),
        ("not-json", "A body that is no JSON.", {"body": "{"}, "malformed_call", "call", (message, "the body is not a JSON text in UTF-8")),
        (
            "large",
            "A body over the limit.",
            {"body": " " * 201},
            "call_too_large",
            "call",
            (message, "the body is larger than policy.max_body_bytes"),
        ),
        (
            "denied",
            "A tool that nobody may use.",
            {"body": rpc.tool_call("erase")},
            "policy_denied",
            "policy",
            ("a call that the policy allows", '"tools/call" of "erase"'),
        ),
        (
            "short",
            "A tool for another scope.",
            {"body": rpc.tool_call("send")},
            "insufficient_scope",
            "scopes",
            ('the scopes "mcp:send"', '"mcp:read"'),
        ),
    ):
        group.explain(f"explained-call-{id}", comment, request(token(), **more), reason, failed, *said, refs=REFS)


def _scopes(suite: Suite) -> None:
    group = suite.group("Scopes.", config(server(scope_claims=["scope"]), required_scopes=["https://mcp.test/mcp/read", "b"]))
    needed = 'the scopes "https://mcp.test/mcp/read", "b"'
    what = request(token(scope="a"))
    group.explain(
        "explained-scope-post",
        "The body would give the 403 its form alone.",
        what,
        "insufficient_scope",
        "scopes",
        needed,
        '"a"',
        refs=REFS,
    )
    for id, comment, changes, found, hint in (
        ("other", "Another scope.", {"scope": "a"}, '"a"', None),
        ("short", "The short form of a needed one.", {"scope": "read"}, '"read"', SHORT_SCOPE),
        (
            "long",
            "A long form of a needed one.",
            {"scope": "api://app/b"},
            '"api://app/b"',
            "the token has the scope in a long form: need it in that form, which is the one that clients ask for",
        ),
        (
            "case",
            "A needed one in upper case.",
            {"scope": "B"},
            '"B"',
            "a scope of the token and a needed one differ by upper and lower case: write it as the token has it",
        ),
        (
            "scp",
            "Scopes in another claim.",
            {"scope": ABSENT, "scp": "b"},
            "none",
            "the token has scopes in scp, which is not among scope_claims",
        ),
        (
            "permissions",
            "Permissions.",
            {"scope": "", "permissions": ["b"]},
            "none",
            "the token has permissions, which are not among scope_claims: add the claim if a permission is worth a scope",
        ),
        ("roles", "Roles.", {"scope": ABSENT, "roles": ["b"]}, "none", ROLES),
        ("realm-roles", "Roles of a realm.", {"scope": ABSENT, "realm_access": {"roles": ["b"]}}, "none", REALM_ROLES),
    ):
        _get(group, f"scope-{id}", comment, token(**changes), "insufficient_scope", "scopes", needed, found, hint)


def _shown(suite: Suite) -> None:
    group = suite.group("What is shown of values.", config())
    one_of, hidden = f'iss to be one of "{ISSUER}"', "(not shown: it repeats a part of the token)"
    head = encode(header().encode())
    for id, comment, issuer, found in (
        (
            "escaped",
            "Quotes, control characters and letters beyond ASCII.",
            'a"b\\\n\u001b[0m\u202e\u00e9',
            r'"a\"b\\\u{a}\u{1b}[0m\u{202e}\u{e9}"',
        ),
        ("cut", "A long text.", "a" * 200, f'"{"a" * 128}" (the first 128 of 200 bytes)'),
        ("repeated", "The header of the token itself.", head, hidden),
    ):
        _get(group, f"shown-{id}", comment, token(iss=issuer), "untrusted_issuer", "issuer", one_of, found)


class _Product:
    """A configured issuer of one product, and tokens signed with its key."""

    def __init__(self, suite: Suite, comment: str, issuer: str, required: list[str] | None = None, **members: Any) -> None:
        algorithms = {} if "preset" in members else {"algorithms": ["RS256"]}
        entry = {"issuer": issuer, "jwks": key_set(KID)} | algorithms | members
        self.issuer = issuer
        self.audiences = [RESOURCE, *members.get("additional_audiences", [])]
        self.group = suite.group(comment, config(entry, required_scopes=required or ["mcp:read"]))

    def case(self, id: str, comment: str, changes: dict[str, Any], reason: str, failed: str, *said: str | None, alg: str = "RS256") -> None:
        members = TIMES | {"iss": self.issuer, "aud": RESOURCE} | changes
        head = object_text({"alg": alg, "kid": KID})
        body = object_text(members)
        text = jws(head, body, KID, "RS256") if alg == "RS256" else with_signature(head, body, b"\x5a" * 32)
        _get(self.group, id, comment, text, reason, failed, *said)

    def untrusted(self, id: str, comment: str, issuer: str, hint: str) -> None:
        """A token of another issuer, and what the hint says of that one."""
        expected = f'iss to be one of "{self.issuer}"'
        self.case(id, comment, {"iss": issuer}, "untrusted_issuer", "issuer", expected, f'"{issuer}"', hint)

    def misaddressed(self, id: str, comment: str, changes: dict[str, Any], hint: str) -> None:
        """A token whose one audience is another, and what the hint says of that one."""
        expected = "aud to name " + ", ".join(f'"{audience}"' for audience in self.audiences)
        self.case(id, comment, changes, "wrong_audience", "audience", expected, f'"{changes["aud"]}"', hint)


def _entra(suite: Suite) -> None:
    host, tenant = "https://login.microsoftonline.com", "11111111-2222-3333-4444-555555555555"
    other, api = "99999999-2222-3333-4444-555555555555", "aaaaaaaa-0000-4000-8000-000000000001"
    versioned = {"additional_audiences": [api], "scope_prefix": "api://a/"}
    two = _Product(suite, "Entra, version 2.0.", f"{host}/{tenant}/v2.0", ["api://a/read"], preset="entra", **versioned)
    v1 = f"https://sts.windows.net/{tenant}/"
    old = (
        "a token of version 1.0: set requestedAccessTokenVersion to 2 in the manifest of the API's registration, or configure the "
        "issuer with the preset entra_v1"
    )
    tenants = "a token of another tenant: to accept several, write {tenant} in issuer and list them in tenants"
    two.untrusted("entra-version-1", "A token of version 1.0.", v1, old)
    elsewhere = f"{host}/{other}/v2.0"
    two.untrusted("entra-tenant", "Another tenant.", elsewhere, tenants)
    named = {"ver": "2.0", "azp": "app"}
    by_id = "Entra's version 2.0 names the API by its application (client) id: list that in additional_audiences"
    two.misaddressed("entra-audience", "Another API.", named | {"aud": other}, by_id)
    alone = "an application without a user has roles and no scopes: add roles to scope_claims if a role is worth a scope"
    roles = named | {"aud": api, "roles": ["read"]}
    two.case("entra-roles", "Without a user.", roles, "insufficient_scope", "scopes", 'the scopes "api://a/read"', "none", alone)
    one = _Product(suite, "Entra, version 1.0.", v1, ["api://a/read"], preset="entra_v1", **versioned)
    new = "a token of version 2.0: configure its issuer with the preset entra"
    one.untrusted("entra-version-2", "A token of version 2.0.", two.issuer, new)
    by_uri = (
        "Entra's version 1.0 names the API by its application id URI, or by its client id, as the client asked: list each that you "
        "accept in additional_audiences"
    )
    uri = {"ver": "1.0", "appid": "app", "aud": "api://b"}
    one.misaddressed("entra-v1-audience", "Another form.", uri, by_uri)


def _cognito(suite: Suite) -> None:
    of = _Product(suite, "Cognito, without a preset.", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool1")
    encrypted = "Cognito's refresh tokens are encrypted: send the access token"
    preset = _Product(suite, "Cognito.", of.issuer, preset="cognito", required_claims={"token_use": "access"})
    five = "a.b.c.d.e"
    parts = "three parts: header, payload and signature"
    _get(preset.group, "cognito-encrypted", "A refresh token.", five, "malformed_token", "token_syntax", parts, "5 parts", encrypted)
    unbound = (
        "Cognito's tokens without resource binding have no aud: let clients ask with the resource parameter, or set "
        "unsafe_client_audience with the ids of the app clients"
    )
    of.case(
        "cognito-no-aud",
        "No resource binding.",
        {"aud": ABSENT, "client_id": "c"},
        "missing_claim",
        "claims_present",
        "the claim aud",
        "no aud",
        unbound,
    )
    signed_in = "a sign-in by Cognito's API instead of its login pages, which gives this scope and no others"
    scope = "aws.cognito.signin.user.admin"
    of.case(
        "cognito-sign-in",
        "A sign-in without OAuth.",
        {"scope": scope},
        "insufficient_scope",
        "scopes",
        'the scopes "mcp:read"',
        f'"{scope}"',
        signed_in,
    )


def _okta(suite: Suite) -> None:
    of = _Product(suite, "Okta.", "https://example.okta.com/oauth2/aus1", preset="okta")
    org = (
        "a token of Okta's org authorization server, which no other resource server can check: have clients ask the custom "
        "authorization server"
    )
    of.untrusted("okta-org", "The org authorization server.", "https://example.okta.com", org)
    begins = (
        "the audience with which Okta's authorization server default begins: set it to the resource, or list it in additional_audiences"
    )
    default = {"aud": "api://default", "cid": "c", "scp": ["mcp:read"]}
    of.misaddressed("okta-default", "The first audience.", default, begins)


def _keycloak(suite: Suite) -> None:
    of = _Product(suite, "Keycloak.", "https://sso.test/realms/main", preset="keycloak")
    algorithms = "alg to be one of RS256, PS256, ES256, EdDSA"
    refresh = "Keycloak signs refresh and offline tokens with HS512 for itself: send the access token"
    of.case("keycloak-refresh", "A refresh token.", {}, "algorithm_not_allowed", "algorithm", algorithms, '"HS512"', refresh, alg="HS512")
    inner = "http://keycloak:8080/realms/main"
    host = "the same realm under another host name: set Keycloak's host name, or list both issuers"
    of.untrusted("keycloak-host", "The inner host name.", inner, host)
    typed = {"typ": "Bearer", "azp": "app"}
    absent = f"Keycloak names an audience only where a mapper says so: {KEYCLOAK_MAPPER}"
    of.case(
        "keycloak-no-aud", "No audience.", typed | {"aud": ABSENT}, "missing_claim", "claims_present", "the claim aud", "no aud", absent
    )
    account = f"Keycloak names account where no mapper says otherwise: {KEYCLOAK_MAPPER}"
    of.misaddressed("keycloak-account", "No mapper.", typed | {"aud": "account"}, account)


def _auth0(suite: Suite) -> None:
    of = _Product(suite, "Auth0.", "https://example.eu.auth0.com/", preset="auth0")
    parts = "three parts: header, payload and signature"
    no_api = (
        "Auth0 answers a request that names no API with an encrypted token: turn on the Resource Parameter Compatibility Profile, or "
        "set a default audience for the tenant"
    )
    _get(
        of.group, "auth0-encrypted", "No audience was asked for.", "a.b.c.d.e", "malformed_token", "token_syntax", parts, "5 parts", no_api
    )
    algorithms, secret = "alg to be one of RS256, PS256", "set the signing algorithm of the API in Auth0 to RS256"
    of.case("auth0-hmac", "An API with HS256.", {}, "algorithm_not_allowed", "algorithm", algorithms, '"HS256"', secret, alg="HS256")
    user_info = "https://example.eu.auth0.com/userinfo"
    hint = "the token is for Auth0's user info endpoint alone: the request named no API"
    for_user_info = {"aud": user_info, "azp": "app", "scope": "openid"}
    of.misaddressed("auth0-userinfo", "For the user info endpoint.", for_user_info, hint)


def _workos(suite: Suite) -> None:
    of = _Product(suite, "WorkOS.", "https://example.authkit.app", preset="workos")
    session = "a session token of WorkOS, which names no audience: MCP clients get theirs from the AuthKit domain"
    iss = "https://api.workos.com"
    of.untrusted("workos-session", "A session token.", iss, session)
    environment = "WorkOS names its environment unless the resource is among its MCP resource indicators and the client sends it"
    aud = {"aud": "client_01", "scope": "openid"}
    of.misaddressed("workos-environment", "The environment.", aud, environment)


def _descope(suite: Suite) -> None:
    of = _Product(suite, "Descope.", "https://api.descope.com/v1/apps/agentic/P2a/MS1", preset="descope")
    iss = "https://api.descope.com/v1/apps/P2a"
    project = "a token of another MCP server or of the project: the issuer must be that of this MCP server in the console"
    of.untrusted("descope-project", "A session of the project.", iss, project)
    console = "Descope names the MCP server by the URL in its console: set it to the resource"
    aud = {"aud": "P2a", "scope": "mcp:read"}
    of.misaddressed("descope-audience", "No URL in the console.", aud, console)


def _authentik(suite: Suite) -> None:
    of = _Product(suite, "authentik.", "https://auth.test/application/o/mcp/", preset="authentik", additional_audiences=["c"])
    hint = "authentik signs with the client's secret where the provider has no signing key: choose one"
    algorithms = "alg to be one of RS256, ES256"
    of.case("authentik-hmac", "No signing key.", {}, "algorithm_not_allowed", "algorithm", algorithms, '"HS256"', hint, alg="HS256")


def _adfs(suite: Suite) -> None:
    of = _Product(suite, "AD FS.", "http://fs.test/adfs/services/trust", preset="adfs")
    iss, identity = "https://fs.test/adfs", "the issuer of AD FS's ID tokens: send the access token"
    of.untrusted("adfs-id-token", "An ID token.", iss, identity)
    aud = "urn:microsoft:userinfo"
    hint = "AD FS names its user info endpoint when a request names no resource: let clients send the resource parameter"
    for_user_info = {"aud": aud, "appid": "app", "scp": "openid"}
    of.misaddressed("adfs-userinfo", "No resource was named.", for_user_info, hint)
