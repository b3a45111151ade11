"""Attacks on the syntax and the claims of a token: whole tables of them."""

from __future__ import annotations

from typing import Any

from ..base64url import NotBase64Url, decode, encode
from ..keys import sign
from ..suite import OK, Group, Suite, config, request, server
from ..tokens import (
    ABSENT,
    GOOD_CLAIMS,
    GOOD_HEADER,
    ISSUER,
    NOW,
    RESOURCE,
    Raw,
    claims,
    header,
    jws,
    object_text,
    token,
    token_with_header,
)

MALFORMED = "malformed_token"
BAD_CLAIM = "malformed_claim"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def suite() -> Suite:
    result = Suite("attacks_on_tokens")
    group = result.group("One static Ed25519 key, and a token that is good but for one thing.", config())
    _last_characters(group)
    _foreign_bytes(group)
    _encrypted_and_nested(group)
    _critical_extensions(group)
    _json_types(group)
    _number_literals(group)
    _replays(group)
    _issuers(result)
    _header_types(result)
    _bound_tokens(result)
    _placements(result)
    _one_answer_for_all(result)
    return result


def _check(
    group: Group, id: str, comment: str, credential: str, faults: str | list[str], *refs: str, now: int = NOW, **stated: Any
) -> None:
    group.authorize(f"attack-{id}", comment, request(credential), faults, list(refs), now=now, **stated)


def _last_characters(group: Group) -> None:
    """Each part with every other last character: no two texts are one token."""
    good = token()
    parts = good.split(".")
    for place, name in enumerate(("header", "payload", "signature")):
        for character in ALPHABET.replace(parts[place][-1], ""):
            changed = parts[place][:-1] + character
            credential = ".".join(changed if index == place else part for index, part in enumerate(parts))
            faults = "bad_signature" if name == "signature" and _is_canonical(changed) else MALFORMED
            comment = f"The {name} ends in {character} in place of {parts[place][-1]}."
            id = f"last-of-{name}-{ALPHABET.index(character)}"
            _check(group, id, comment, credential, _with_bad_signature(faults, name, changed), "RFC 4648 3.5", "T19")


def _with_bad_signature(fault: str, name: str, changed: str) -> str | list[str]:
    """A header or payload that still is base64url of something is not what was signed either."""
    return [fault, "bad_signature"] if name == "payload" and _is_canonical(changed) else fault


def _is_canonical(part: str) -> bool:
    try:
        decode(part)
    except NotBase64Url:
        return False
    return True


def _foreign_bytes(group: Group) -> None:
    """Every byte that base64url does not have, in the middle of the signature. Blanks and commas part credentials."""
    good = token()
    for byte in [*range(0x21), *range(0x21, 0x7F), 0x7F, 0x80, 0xA0, 0xAD, 0xC2, 0xE2, 0xFE, 0xFF]:
        character = chr(byte)
        if character in ALPHABET or character == ".":
            continue
        faults: str | list[str] = ["multiple_credentials", MALFORMED] if character == "," else MALFORMED
        credential = good[:-20] + character + good[-20:]
        _check(group, f"byte-{byte:02x}", f"The byte 0x{byte:02X} within the signature.", credential, faults, "RFC 7515 2", "T20")
    _check(group, "dot-within", "A dot within the signature.", good[:-20] + "." + good[-20:], MALFORMED, "T18", "T20")


def _encrypted_and_nested(group: Group) -> None:
    """Nothing is decrypted, inflated or unwrapped."""
    part = encode(b"x" * 16)
    for id, comment, members in (
        ("dir", "A JWE under a shared key.", {"alg": "dir", "enc": "A256GCM"}),
        ("rsa1-5", "A JWE under RSA1_5.", {"alg": "RSA1_5", "enc": "A128CBC-HS256"}),
        ("zip", "A compressed JWE.", {"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
        ("pbes2", "A JWE that asks for two thousand million rounds.", {"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 2**31 - 1}),
        ("nested", "A JWE that says a JWT is in it.", {"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}),
    ):
        head = encode(object_text(members).encode())
        refs = ("RFC 7516 3.1", "RFC 8725 3.10", "T21")
        _check(group, f"jwe-{id}", comment, f"{head}.{part}.{part}.{part}.{part}", MALFORMED, *refs)
        faults = [MALFORMED, MALFORMED, "algorithm_not_allowed"]
        _check(group, f"jwe-{id}-in-three-parts", f"{comment} In three parts.", f"{head}.{part}.{part}", faults, *refs)
    rounds = token_with_header(alg="PBES2-HS256+A128KW", p2c=2**31 - 1)
    _check(group, "p2c-in-a-jws", "Two thousand million rounds, in a JWS.", rounds, "algorithm_not_allowed", "T21")
    inner = jws(header(), token())
    _check(group, "token-as-payload", "A token is the payload of a token.", inner, MALFORMED, "T21")
    _check(group, "cty-jwt", "`cty` says that the payload is a token.", token_with_header(cty="JWT"), OK, "T21")


def _critical_extensions(group: Group) -> None:
    for id, comment, text, faults in (
        ("exp", "A claim that is known, as critical.", header(crit=["exp"], exp=NOW + 300), "critical_header"),
        ("twice", "`crit` twice.", header().replace("{", '{"crit":["x"],"crit":["x"],', 1), [MALFORMED, "critical_header"]),
        ("escaped", "`crit` with its first letter escaped.", header().replace("{", '{"\\u0063rit":["x"],', 1), "critical_header"),
        ("upper-case", "`CRIT` is another member.", header(CRIT=["x"]), OK),
        ("false", "`crit` is false.", header(crit=False), "critical_header"),
        ("b64-string", "`b64` is a string.", header(b64="false"), "critical_header"),
        ("b64-zero", "`b64` is 0.", header(b64=0), "critical_header"),
    ):
        _check(group, f"crit-{id}", comment, jws(text, claims()), faults, "RFC 7515 4.1.11", "RFC 7797 3", "T22", "T23")
    head = encode(header(b64=False, crit=["b64"]).encode())
    message = f"{head}.{claims()}".encode()
    comment = "A payload that is not encoded, signed as RFC 7797 says."
    signature = encode(sign("ed-a", "EdDSA", message))
    refs = ("RFC 7797 5.2", "T23")
    _check(group, "unencoded-payload", comment, f"{head}.{claims()}.{signature}", ["multiple_credentials", MALFORMED], *refs)
    detached = f"{head}..{signature}"
    _check(group, "detached-payload", "The same with its payload left out.", detached, MALFORMED, *refs)


def _json_types(group: Group) -> None:
    """Thirteen members in each JSON type. The good type with a good value passes; nothing is converted."""
    string = {"iss": ISSUER, "aud": RESOURCE, "sub": "alice", "scope": "mcp:read", "scp": "mcp:read", "client_id": "app", "jti": "id-1"}
    seconds = {"exp": NOW + 300, "nbf": NOW - 60, "iat": NOW - 60}
    in_header = {"typ": "at+jwt", "kid": "ed-a", "alg": "EdDSA"}
    good_types = dict.fromkeys(string | in_header, ("string",)) | dict.fromkeys(seconds, ("integer", "fraction"))
    good_types |= dict.fromkeys(("aud", "scope", "scp"), ("string", "array"))
    for name, value in (string | seconds | in_header).items():
        forms: dict[str, Any] = {
            "null": None,
            "true": True,
            "false": False,
            "integer": value if name in seconds else 1,
            "fraction": Raw(f"{value}.5") if name in seconds else Raw("1.5"),
            "string": str(value),
            "array": [value],
            "object": {"value": value},
        }
        for form, changed in forms.items():
            changes = {"scope": ABSENT, name: changed} if name == "scp" else {name: changed}
            credential = token_with_header(**changes) if name in in_header else token(**changes)
            faults: str | list[str] = MALFORMED if name in in_header else BAD_CLAIM
            if form in good_types[name]:
                faults = OK
            refs = ("RFC 7519 4.1", "CVE-2026-25537", "T27")
            _check(group, f"type-{name.replace('_', '-')}-{form}", f"`{name}` as {form}.", credential, faults, *refs)


# Each literal with what it is as `exp`, as `nbf` and as `iat`.
_LITERALS: tuple[tuple[str, str | list[str], str | list[str]], ...] = (
    ("0", "expired", OK),
    ("-0", "expired", OK),
    ("0.0", "expired", OK),
    ("-0.0", "expired", OK),
    ("1e0", "expired", OK),
    ("1E+1", "expired", OK),
    ("1e-5", "expired", OK),
    ("5e-324", "expired", OK),
    ("1e10", OK, "not_yet_valid"),
    ("18000000e2", OK, OK),
    ("1800000000.000000000000000000001", OK, OK),
    ("1799999970.999", "expired", OK),
    ("1799999971", OK, OK),
    ("1800000030", OK, OK),
    ("1800000030.0001", OK, "not_yet_valid"),
    ("2147483647", OK, "not_yet_valid"),
    ("2147483648", OK, "not_yet_valid"),
    ("4294967296", OK, "not_yet_valid"),
    ("9007199254740991", OK, "not_yet_valid"),
    ("9007199254740992", BAD_CLAIM, BAD_CLAIM),
    ("9007199254740993", BAD_CLAIM, BAD_CLAIM),
    ("9223372036854775807", BAD_CLAIM, BAD_CLAIM),
    ("18446744073709551615", BAD_CLAIM, BAD_CLAIM),
    ("18446744073709551616", BAD_CLAIM, BAD_CLAIM),
    ("9" * 100, BAD_CLAIM, BAD_CLAIM),
    ("1e308", BAD_CLAIM, BAD_CLAIM),
    ("-1e308", BAD_CLAIM, BAD_CLAIM),
    ("-1", BAD_CLAIM, BAD_CLAIM),
    ("-0.0000001", BAD_CLAIM, BAD_CLAIM),
    ("-9007199254740991", BAD_CLAIM, BAD_CLAIM),
    ("1e309", [MALFORMED, BAD_CLAIM], [MALFORMED, BAD_CLAIM]),
    ("1" + "0" * 400, [MALFORMED, BAD_CLAIM], [MALFORMED, BAD_CLAIM]),
    ("+1800000000", MALFORMED, MALFORMED),
    ("01800000000", MALFORMED, MALFORMED),
    ("1800000000.", MALFORMED, MALFORMED),
    (".5", MALFORMED, MALFORMED),
    ("0x6b49d200", MALFORMED, MALFORMED),
    ("1_800_000_000", MALFORMED, MALFORMED),
    ("1800000000n", MALFORMED, MALFORMED),
    ("NaN", [MALFORMED, BAD_CLAIM], [MALFORMED, BAD_CLAIM]),
    ("Infinity", [MALFORMED, BAD_CLAIM], [MALFORMED, BAD_CLAIM]),
    ("-Infinity", [MALFORMED, BAD_CLAIM], [MALFORMED, BAD_CLAIM]),
)


def _number_literals(group: Group) -> None:
    for index, (literal, as_end, as_start) in enumerate(_LITERALS):
        for name, faults in (("exp", as_end), ("nbf", as_start), ("iat", as_start)):
            shown = literal if len(literal) < 40 else f"{len(literal)} digits"
            _check(group, f"literal-{index}-{name}", f"`{name}` is {shown}.", token(**{name: Raw(literal)}), faults, "RFC 7519 2", "T32")


def _replays(group: Group) -> None:
    """A token may come again as long as it is valid. Who wants more has `jti` and the issuer, as they were signed."""
    for id in ("first", "again"):
        _check(group, f"replay-{id}", "The same token, and its `jti`.", token(jti="once"), OK, "RFC 7519 4.1.7", "T37", token_id="once")
    odd = "../once\r\n"
    _check(group, "replay-odd-id", "A `jti` is a text as signed, and nothing else.", token(jti=odd), OK, "T37", token_id=odd)


def _issuers(suite: Suite) -> None:
    group = suite.group("Issuers that nearly match.", config(server(issuer="https://xn--bcher-kva.test/café", advertise="https://as.test")))
    good = "https://xn--bcher-kva.test/café"
    _check(group, "issuer-exact", "The configured issuer.", token(iss=good), OK, "T28")
    near = (
        good + "/",
        good + "#",
        good + "?",
        good + "%2F",
        good + "\u200b",
        good + "\0",
        good[:-1],
        good[1:],
        good.upper(),
        good.replace("xn--bcher-kva", "bücher"),
        good.replace("xn--bcher-kva", "XN--BCHER-KVA"),
        good.replace("é", "e\u0301"),
        good.replace("é", "%C3%A9"),
        good.replace("é", "É"),
        good.replace("https", "http"),
        good.replace("https://", "https:"),
        good.replace("//", "///"),
        good.replace(".test", ".test."),
        good.replace(".test", ".test:443"),
        good.replace(".test/", ".test.evil.test/"),
        good.replace("//", "//user@"),
        good.replace("/caf", "/x/../caf"),
        good.replace("/", "\\"),
        " " + good,
        good + " " + ISSUER,
        "",
    )
    for index, issuer in enumerate(near):
        faults = BAD_CLAIM if "\0" in issuer else "untrusted_issuer"
        _check(group, f"issuer-{index}", f"{issuer!r} is another issuer.", token(iss=issuer), faults, "RFC 9068 4", "T28")
    for id, issuer in (("array", [good]), ("two", ["https://evil.test", good]), ("object", {good: good})):
        _check(group, f"issuer-{id}", "The right issuer in another type.", token(iss=issuer), BAD_CLAIM, "CVE-2025-30144", "T28")
    evil = claims(iss="https://evil.test").replace("{", f'{{"iss":"{good}",', 1)
    _check(group, "issuer-twice", "The right issuer, then another.", jws(header(), evil), [MALFORMED, "untrusted_issuer"], "T24", "T28")


def _header_types(suite: Suite) -> None:
    others = (
        "at+jwt\0",
        "at-jwt",
        "application/at+jwt;x",
        "application/application/at+jwt",
        "text/at+jwt",
        "id+jwt",
        "dpop+jwt",
        "logout+jwt",
        "token-introspection+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "oauth-id-jag+jwt",
        "entity-statement+jwt",
        "kb+jwt",
        "vc+sd-jwt",
        "client-authentication+jwt",
    )
    for token_format in ("generic", "rfc9068"):
        group = suite.group(f"Tokens of another type, `token_format` {token_format}.", config(server(token_format=token_format)))
        for index, typ in enumerate(others):
            comment = f"`typ` is {typ!r}."
            _check(group, f"typ-{token_format}-{index}", comment, token_with_header(typ=typ), "type_not_allowed", "RFC 8725 3.11", "T30")


def _bound_tokens(suite: Suite) -> None:
    """A token that is bound to a key is worth nothing without the proof, which nobody checks here."""
    thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    for token_format in ("generic", "rfc9068"):
        group = suite.group(f"Bound tokens, `token_format` {token_format}.", config(server(token_format=token_format)))
        for id, confirmation in (
            ("dpop", {"jkt": thumbprint}),
            ("certificate", {"x5t#S256": thumbprint}),
            ("key", {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": thumbprint}}),
            ("kid", {"kid": "ed-a"}),
            ("unknown", {"later": 1}),
            ("empty", {}),
        ):
            refs = ("RFC 7800 3.1", "RFC 9449 6.1", "RFC 8705 3.1", "T31")
            credential = token(cnf=confirmation)
            _check(group, f"bound-{token_format}-{id}", "A bound token as a bearer token.", credential, "sender_constrained", *refs)
    group = suite.group("A bound token under its own scheme.", config())
    line = [f"DPoP {token(cnf={'jkt': thumbprint})}"]
    group.authorize(
        "attack-bound-scheme", "`DPoP` is no scheme of ours.", request(authorization=line), "missing_token", ["RFC 9449 7.1", "T31"]
    )


def _placements(suite: Suite) -> None:
    """Two credentials in one request, in each pair of places. Only `Authorization` lines count, and two of them never pass."""
    group = suite.group("Several credentials in one request.", config(server(), required_scopes=["mcp:read"]))
    good, other = token(), token(sub="mallory", jti="id-2")
    line, other_line = f"Bearer {good}", f"Bearer {other}"
    fault = "multiple_credentials"
    for id, comment, what, faults in (
        ("two-lines", "Two lines.", {"authorization": [line, other_line]}, fault),
        ("two-lines-reversed", "Two lines, the other way round.", {"authorization": [other_line, line]}, fault),
        ("joined", "Two lines joined by a proxy.", {"authorization": [f"{line}, {other_line}"]}, fault),
        ("line-and-query", "A line and the query.", {"authorization": [line], "target": f"/mcp?access_token={other}"}, OK),
        ("line-and-body", "A line and the body.", {"authorization": [line], "body": f"access_token={other}"}, OK),
        (
            "query-and-body",
            "The query and the body.",
            {"target": f"/mcp?access_token={good}", "body": f"access_token={other}"},
            "missing_token",
        ),
        ("two-schemes", "A line of each scheme.", {"authorization": [line, f"DPoP {other}"]}, fault),
    ):
        group.authorize(f"attack-{id}", comment, request(**what), faults, ["RFC 6750 2", "T65"])


def _one_answer_for_all(suite: Suite) -> None:
    """Whatever is wrong with a token, the client reads the same bytes."""
    group = suite.group("Every way to fail, one answer.", config(server(token_format="rfc9068", required_claims={"tid": "t"})))
    challenge = (
        'Bearer error="invalid_token", resource_metadata="https://mcp.test/.well-known/oauth-protected-resource/mcp", '
        'error_description="Bearer token is invalid or expired"'
    )
    body = '{"error":"invalid_token","error_description":"Bearer token is invalid or expired"}'
    good = GOOD_CLAIMS | {"tid": "t"}

    def with_claims(**changes: Any) -> str:
        return jws(object_text(GOOD_HEADER), object_text(good | changes))

    for reason, credential in (
        ("malformed_token", "x"),
        ("critical_header", jws(header(crit=["x"]), object_text(good))),
        ("untrusted_issuer", with_claims(iss="https://evil.test")),
        ("algorithm_not_allowed", jws(header(alg="HS256"), object_text(good))),
        ("type_not_allowed", jws(header(typ="JWT"), object_text(good))),
        ("unknown_key", jws(header(kid="x"), object_text(good))),
        ("bad_signature", with_claims()[:-86] + encode(bytes(64))),
        ("malformed_claim", with_claims(sub=7)),
        ("missing_claim", with_claims(sub=ABSENT)),
        ("sender_constrained", with_claims(cnf={"jkt": "x"})),
        ("wrong_audience", with_claims(aud="https://evil.test")),
        ("expired", with_claims(exp=NOW - 300)),
        ("not_yet_valid", with_claims(nbf=NOW + 300)),
        ("claim_not_allowed", with_claims(tid="other")),
    ):
        stated = {"status": 401, "www_authenticate": challenge, "body": body}
        _check(
            group, f"one-answer-{reason.replace('_', '-')}", f"Refused as {reason}.", credential, reason, "RFC 6750 3.1", "T54", **stated
        )
