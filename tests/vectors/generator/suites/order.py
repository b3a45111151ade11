"""The order of checks: each neighbouring pair fails at once, and the earlier one is the reason."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..base64url import encode
from ..suite import Group, Suite, config, outage, request, server
from ..tokens import ABSENT, NOW, bearer, claims, header, jws, signing_input, token, with_signature

REFS = ["order of checks"]
SHORT = "insufficient_scope"


def suite() -> Suite:
    result = Suite("order")
    _requests(result)
    _tokens(result)
    _outages(result)
    _claims(result)
    _calls(result)
    return result


def _check(group: Group, id: str, comment: str, credential: str, faults: list[str], now: int = NOW) -> None:
    group.authorize(id, comment, request(credential, "GET"), faults, REFS, now=now)


def _requests(suite: Suite) -> None:
    group = suite.group("Checks 1 to 9: the request and the credential.", config(allowed_origins=["https://app.test"]))
    evil: dict[str, Any] = {"origin": ["https://evil.test"]}
    twice = bearer(token()) * 2
    too_long = "x" * 16384
    for id, comment, what, faults in (
        (
            "01-internal-origin",
            "A bad argument before the origin.",
            request(token(), "GET", scopes=["a b"], **evil),
            ["internal", "origin_denied", SHORT],
        ),
        (
            "02-origin-lines",
            "The origin before the lines.",
            request(method="GET", authorization=twice, **evil),
            ["origin_denied", "multiple_credentials"],
        ),
        ("02-origin-missing", "The origin before the credential.", request(method="GET", **evil), ["origin_denied", "missing_token"]),
        (
            "03-lines-missing",
            "Two lines before none of ours.",
            request(authorization=["Basic a", "Basic b"]),
            ["multiple_credentials", "missing_token"],
        ),
        (
            "03-lines-too-large",
            "Two lines before their size.",
            request(authorization=[f"Bearer {too_long}x", "Basic b"]),
            ["multiple_credentials", "token_too_large", "malformed_token"],
        ),
        (
            "05-too-large-comma",
            "The size before the comma.",
            request(f"{too_long},"),
            ["token_too_large", "multiple_credentials", "malformed_token"],
        ),
        ("05-too-large-malformed", "The size before the dots.", request(f"{too_long}x"), ["token_too_large", "malformed_token"]),
        ("06-comma-malformed", "The comma before the dots.", request("a,b"), ["multiple_credentials", "malformed_token"]),
        ("06-comma-high-byte", "The comma before a byte over 0x7F.", request("\u00e9,\u00e9"), ["multiple_credentials", "malformed_token"]),
    ):
        group.authorize(f"order-{id}", comment, what, faults, REFS)
    other = request(authorization=[f"Basic {too_long}x,\u00e9"])
    group.authorize("order-04-missing-too-large", "Another scheme before size, comma and bytes.", other, "missing_token", REFS)


def _tokens(suite: Suite) -> None:
    group = suite.group("Checks 7 to 15: the token, up to its signature.", config(server("ed-a", "ec-a", "ec-b")))
    no_issuer = claims(iss=ABSENT)
    for id, comment, credential, faults in (
        (
            "07-malformed-critical",
            "A header member of the wrong type before `crit`.",
            jws(header(typ=7, crit=["x"]), claims()),
            ["malformed_token", "critical_header"],
        ),
        (
            "07-twice-critical",
            "A header member twice before `crit`.",
            jws(header(crit=["x"])[:-1] + ',"crit":["x"]}', claims()),
            ["malformed_token", "critical_header"],
        ),
        (
            "07-enc-critical",
            "`enc` before `crit`.",
            jws(header(enc="A256GCM", crit=["x"]), claims()),
            ["malformed_token", "critical_header"],
        ),
        (
            "08-critical-payload",
            "`crit` before the payload's JSON.",
            jws(header(crit=["x"]), "no JSON"),
            ["critical_header", "malformed_token"],
        ),
        (
            "08-critical-issuer",
            "`crit` before the issuer.",
            jws(header(crit=["x"]), claims(iss="https://evil.test")),
            ["critical_header", "untrusted_issuer"],
        ),
        (
            "08-critical-algorithm",
            "`crit` before the algorithm.",
            jws(header(crit=["x"], alg="none"), claims()),
            ["critical_header", "algorithm_not_allowed"],
        ),
        (
            "09-payload-issuer-missing",
            "The payload's JSON before a missing issuer.",
            jws(header(), no_issuer + "x"),
            ["malformed_token", "missing_claim"],
        ),
        (
            "09-payload-issuer",
            "The payload's JSON before the issuer.",
            jws(header(), claims(iss="https://evil.test") + "x"),
            ["malformed_token", "untrusted_issuer"],
        ),
        (
            "10-no-issuer-algorithm",
            "A missing issuer before the algorithm.",
            jws(header(alg="none"), no_issuer),
            ["missing_claim", "algorithm_not_allowed"],
        ),
        (
            "10-malformed-issuer-algorithm",
            "A malformed issuer before the algorithm.",
            jws(header(alg="none"), claims(iss=7)),
            ["malformed_claim", "algorithm_not_allowed"],
        ),
        (
            "10-issuer-algorithm",
            "The issuer before the algorithm.",
            jws(header(alg="none"), claims(iss="https://evil.test")),
            ["untrusted_issuer", "algorithm_not_allowed"],
        ),
        (
            "10-no-issuer-other-claims",
            "The issuer before other claims.",
            jws(header(), claims(iss=ABSENT, exp="x")),
            ["missing_claim", "malformed_claim"],
        ),
        (
            "11-algorithm-type",
            "The algorithm before the type.",
            jws(header(alg="HS256", typ="dpop+jwt"), claims()),
            ["algorithm_not_allowed", "type_not_allowed"],
        ),
        ("12-type-key", "The type before the key.", jws(header(typ="dpop+jwt", kid="x"), claims()), ["type_not_allowed", "unknown_key"]),
        ("14-unknown-key-claims", "The key before the claims.", jws(header(kid="x"), claims(exp="x")), ["unknown_key", "malformed_claim"]),
        (
            "14-ambiguous-key-claims",
            "The key before the claims.",
            jws(header(alg="ES256", kid=ABSENT), claims(exp="x"), "ec-a", "ES256"),
            ["ambiguous_key", "malformed_claim"],
        ),
        (
            "15-signature-malformed",
            "The signature before a malformed claim.",
            jws(header(), claims(exp="x"), "ed-b"),
            ["bad_signature", "malformed_claim"],
        ),
        (
            "15-signature-missing",
            "The signature before a missing claim.",
            jws(header(), claims(exp=ABSENT), "ed-b"),
            ["bad_signature", "missing_claim"],
        ),
        ("15-signature-expired", "The signature before the expiry.", jws(header(), claims(exp=1), "ed-b"), ["bad_signature", "expired"]),
    ):
        _check(group, f"order-{id}", comment, credential, faults)
    unsigned = with_signature(header(kid="x"), claims(), bytes(64))
    _check(group, "order-14-unknown-key-signature", "The key before any signature.", unsigned, ["unknown_key"])
    typed = jws(header(typ="dpop+jwt"), claims(iat=ABSENT))
    _check(group, "order-12-type-clock", "The type before the clock.", typed, ["type_not_allowed", "clock_unusable"], now=-1)
    keyed = jws(header(kid="x"), claims(iat=ABSENT))
    _check(group, "order-13-clock-key", "The clock before the key.", keyed, ["clock_unusable", "unknown_key"], now=-1)
    forged = jws(header(), claims(iat=ABSENT), "ed-b")
    _check(group, "order-13-clock-signature", "The clock before the signature.", forged, ["clock_unusable", "bad_signature"], now=-1)
    group.authorize("order-04-missing-clock", "A missing credential before the clock.", request(), "missing_token", REFS, now=-1)
    _signature_text(group)


def _signature_text(group: Group) -> None:
    """Base64url of all three parts is read before anything in them counts."""
    for id, comment, head, payload in (
        ("critical", "The signature's base64url before `crit`.", header(crit=["x"]), claims()),
        ("payload", "The signature's base64url before the payload's JSON.", header(), "no JSON"),
        ("issuer", "The signature's base64url before the issuer.", header(), claims(iss="https://evil.test")),
        ("algorithm", "The signature's base64url before the algorithm.", header(alg="none"), claims()),
    ):
        _check(group, f"order-07-signature-text-{id}", comment, signing_input(head, payload) + ".A", ["malformed_token"])
    text = f"{encode(header(crit=['x']).encode())}.A.{encode(bytes(64))}"
    _check(group, "order-07-payload-text-critical", "The payload's base64url before `crit`.", text, ["malformed_token"])


def _outages(suite: Suite) -> None:
    for id, comment, credential, faults, now in (
        (
            "11-algorithm-keys",
            "In an outage a wrong algorithm is still wrong.",
            jws(header(alg="HS256"), claims()),
            ["algorithm_not_allowed"],
            NOW,
        ),
        (
            "12-type-keys",
            "In an outage a wrong type is still wrong.",
            jws(header(typ="dpop+jwt"), claims()),
            ["type_not_allowed", "keys_unavailable"],
            NOW,
        ),
        (
            "10-issuer-keys",
            "In an outage another issuer is still untrusted.",
            token(iss="https://evil.test"),
            ["untrusted_issuer", "keys_unavailable"],
            NOW,
        ),
        (
            "08-critical-keys",
            "In an outage `crit` is still refused.",
            jws(header(crit=["x"]), claims()),
            ["critical_header", "keys_unavailable"],
            NOW,
        ),
        ("13-clock-keys", "In an outage the clock is judged first.", token(iat=ABSENT), ["clock_unusable", "keys_unavailable"], -1),
        ("14-keys-expired", "In an outage nothing is said of the times.", token(exp=1), ["keys_unavailable", "expired"], NOW),
        ("14-keys-malformed", "In an outage nothing is said of the claims.", token(exp="x"), ["keys_unavailable", "malformed_claim"], NOW),
        ("14-keys-forged", "In an outage nothing is said of the signature.", jws(header(), claims(), "ed-b"), ["keys_unavailable"], NOW),
    ):
        group = suite.group("An outage: no keys are held.", outage())
        _check(group, f"order-{id}", comment, credential, faults, now)


def _claims(suite: Suite) -> None:
    configuration = config(
        server(required_claims={"tid": "t-1"}), max_token_age_seconds=600, max_token_lifetime_seconds=3600, required_scopes=["r"]
    )
    group = suite.group("Checks 16 to 22: the claims.", configuration)
    good = {"tid": "t-1", "scope": "r"}
    bound = {"cnf": {"jkt": "x"}}
    for id, comment, changes, faults in (
        ("16-malformed-missing", "Malformed before missing.", {"nbf": "x", "exp": ABSENT}, ["malformed_claim", "missing_claim"]),
        (
            "16-late-malformed-missing",
            "Malformed before missing, whichever claim.",
            {"token_use": 7, "exp": ABSENT},
            ["malformed_claim", "missing_claim"],
        ),
        ("16-malformed-constrained", "Malformed before sender-constrained.", {"jti": 7} | bound, ["malformed_claim", "sender_constrained"]),
        ("16-malformed-expired", "Malformed before expired.", {"sub": None, "exp": 1}, ["malformed_claim", "expired"]),
        ("17-missing-constrained", "Missing before sender-constrained.", {"exp": ABSENT} | bound, ["missing_claim", "sender_constrained"]),
        (
            "17-missing-required-constrained",
            "A missing required claim before sender-constrained.",
            {"tid": ABSENT} | bound,
            ["missing_claim", "sender_constrained"],
        ),
        ("17-missing-expired", "Missing before expired.", {"tid": ABSENT, "exp": NOW - 60}, ["missing_claim", "expired"]),
        (
            "18-constrained-not-access",
            "Sender-constrained before the shape.",
            {"at_hash": "x"} | bound,
            ["sender_constrained", "not_an_access_token"],
        ),
        (
            "19-not-access-audience",
            "The shape before the audience.",
            {"at_hash": "x", "aud": "x"},
            ["not_an_access_token", "wrong_audience"],
        ),
        (
            "20-audience-expired",
            "The audience before the expiry.",
            {"aud": "x", "exp": NOW - 60, "iat": NOW - 120},
            ["wrong_audience", "expired"],
        ),
        ("20-audience-not-yet", "The audience before the start.", {"aud": "x", "nbf": NOW + 60}, ["wrong_audience", "not_yet_valid"]),
        ("20-audience-age", "The audience before the age.", {"aud": "x", "iat": NOW - 700}, ["wrong_audience", "too_old"]),
        ("20-audience-claim", "The audience before a refused claim.", {"aud": "x", "tid": "t-2"}, ["wrong_audience", "claim_not_allowed"]),
        ("21-expired-not-yet", "Expired before not yet valid.", {"exp": NOW - 60, "nbf": NOW + 60}, ["expired", "not_yet_valid"]),
        ("21-expired-age", "Expired before too old.", {"exp": NOW - 60, "iat": NOW - 700}, ["expired", "too_old"]),
        ("21-not-yet-age", "Not yet valid before too old.", {"nbf": NOW + 60, "iat": NOW - 700}, ["not_yet_valid", "too_old"]),
        ("21-age-lifetime", "Too old before too long a life.", {"iat": NOW - 700, "exp": NOW + 3000}, ["too_old", "lifetime_too_long"]),
        ("21-expired-claim", "Expired before a refused claim.", {"exp": NOW - 60, "tid": "t-2"}, ["expired", "claim_not_allowed"]),
        (
            "21-not-yet-claim",
            "Not yet valid before a refused claim.",
            {"nbf": NOW + 60, "tid": "t-2"},
            ["not_yet_valid", "claim_not_allowed"],
        ),
        ("21-age-claim", "Too old before a refused claim.", {"iat": NOW - 700, "tid": "t-2"}, ["too_old", "claim_not_allowed"]),
        (
            "21-lifetime-claim",
            "Too long a life before a refused claim.",
            {"exp": NOW + 7200, "tid": "t-2"},
            ["lifetime_too_long", "claim_not_allowed"],
        ),
        ("22-claim-scope", "A refused claim before the scope.", {"tid": "t-2", "scope": "x"}, ["claim_not_allowed", SHORT]),
        ("21-expired-scope", "Expired before the scope.", {"exp": NOW - 60, "scope": "x"}, ["expired", SHORT]),
    ):
        _check(group, f"order-{id}", comment, token(**(good | changes)), faults)


def _calls(suite: Suite) -> None:
    policy = {"default": [], "tools": {"erase": "deny"}, "max_body_bytes": 1024}
    configuration = config(server(required_claims={"tid": "t-1"}), required_scopes=["r"], policy=policy)
    group = suite.group("Checks 22 to 26: the call.", configuration)
    refused, good, short = (token(tid="t-2", scope="r"), token(tid="t-1", scope="r"), token(tid="t-1", scope="x"))
    erase = rpc.tool_call("erase")
    mismatch: dict[str, Any] = {"protocol_version": ["2026-07-28"], "mcp_method": ["tools/call"], "mcp_name": ["weather"]}
    large: dict[str, Any] = {"body": rpc.body("ping", params={"x": "y" * 1024})}
    for id, comment, what, faults in (
        ("22-claim-body", "A refused claim before the body is asked for.", request(refused), ["claim_not_allowed", "internal"]),
        ("22-claim-large", "A refused claim before the body's size.", request(refused, **large), ["claim_not_allowed", "call_too_large"]),
        ("22-claim-call", "A refused claim before the call.", request(refused, body="{"), ["claim_not_allowed", "malformed_call"]),
        ("22-claim-denied", "A refused claim before the policy.", request(refused, body=erase), ["claim_not_allowed", "policy_denied"]),
        ("23-body-scope", "The body is asked for before the scope is judged.", request(short), ["internal", SHORT]),
        ("24-large-malformed", "The size before the JSON.", request(good, body="{" * 1025), ["call_too_large", "malformed_call"]),
        ("24-large-denied", "The size before the policy.", request(good, body=erase + " " * 1024), ["call_too_large", "policy_denied"]),
        ("24-large-scope", "The size before the scope.", request(short, **large), ["call_too_large", SHORT]),
        (
            "24-mismatch-denied",
            "Contradicting headers before the policy.",
            request(good, body=erase, **mismatch),
            ["malformed_call", "policy_denied"],
        ),
        (
            "24-mismatch-scope",
            "Contradicting headers before the scope.",
            request(short, body=rpc.tool_call("sum"), **mismatch),
            ["malformed_call", SHORT],
        ),
        ("24-malformed-scope", "An unreadable call before the scope.", request(short, body="[]"), ["malformed_call", SHORT]),
        ("25-denied-scope", "The policy before the scope.", request(short, body=erase), ["policy_denied", SHORT]),
    ):
        group.authorize(f"order-{id}", comment, what, faults, REFS)
