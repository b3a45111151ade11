"""Claims: their types, the times, and what makes a token something else than an access token."""

from __future__ import annotations

from typing import Any

from ..suite import OK, Group, Suite, config, request, server
from ..tokens import ABSENT, ISSUER, NOW, RESOURCE, Raw, claims, header, jws, token
from . import audiences, scopes

Forms = dict[str, tuple[Any, str | list[str]]]

MALFORMED = "malformed_claim"
MISSING = "missing_claim"
NOT_ACCESS = "not_an_access_token"
LARGEST = 2**53 - 1


def suite() -> Suite:
    result = Suite("claims")
    _types_generic(result)
    _types_rfc9068(result)
    _header_types(result)
    _not_access_tokens(result)
    _issuers(result)
    _times(result)
    _leeways(result)
    _ages(result)
    _clocks(result)
    audiences.add_to(result)
    scopes.add_to(result)
    _client_ids(result)
    _required_claims(result)
    return result


def _check(
    group: Group, id: str, comment: str, credential: str, faults: str | list[str], *refs: str, now: int = NOW, **stated: Any
) -> None:
    group.authorize(id, comment, request(credential), faults, list(refs), now=now, **stated)


def _forms(
    absent: str | list[str],
    number: tuple[Any, Any],
    string: tuple[Any, Any],
    array: tuple[Any, Any],
    object: tuple[Any, Any],
    **empty: tuple[Any, Any],
) -> Forms:
    """Each JSON form of a claim with its faults. null is malformed, whatever the claim."""
    forms = {"absent": (ABSENT, absent), "null": (None, MALFORMED), "number": number, "string": string, "array": array, "object": object}
    return forms | {name.replace("_", "-"): form for name, form in empty.items()}


def _text(value: str, absent: str | list[str], empty: str | list[str] = OK) -> Forms:
    """A claim that is a string."""
    return _forms(
        absent, (7, MALFORMED), (value, OK), ([value], MALFORMED), ({"x": value}, MALFORMED), empty=("", empty), nul=("a\0b", MALFORMED)
    )


def _time(value: int, absent: str | list[str]) -> Forms:
    """A claim that is a number of seconds."""
    # serde_json hands numbers over as such an object, when some crate of the program has it keep their digits.
    digits = {"$serde_json::private::Number": str(value)}
    return _forms(
        absent,
        (value, OK),
        (str(value), MALFORMED),
        ([value], MALFORMED),
        ({"x": value}, MALFORMED),
        empty=("", MALFORMED),
        boolean=(True, MALFORMED),
        object_of_digits=(digits, MALFORMED),
    )


def _read_claims(token_format: str) -> dict[str, Forms]:
    """Every claim that either format reads, in each form."""
    strict = token_format == "rfc9068"
    needed = MISSING if strict else OK
    scope_array = (["mcp:read"], MALFORMED if strict else OK)
    return {
        "iss": _text(ISSUER, MISSING, "untrusted_issuer"),
        "aud": _forms(
            MISSING,
            (7, MALFORMED),
            (RESOURCE, OK),
            ([RESOURCE], OK),
            ({"x": RESOURCE}, MALFORMED),
            empty=("", "wrong_audience"),
            empty_array=([], MALFORMED),
            nul=(RESOURCE + "\0", MALFORMED),
        ),
        "exp": _time(NOW + 300, MISSING),
        "nbf": _time(NOW - 60, OK),
        "iat": _time(NOW - 60, needed),
        "sub": _text("alice", needed),
        "jti": _text("id-1", needed),
        "client_id": _text("app", needed),
        "scope": _forms(
            OK,
            (7, MALFORMED),
            ("mcp:read mcp:write", OK),
            scope_array,
            ({"mcp:read": True}, MALFORMED),
            empty=("", OK),
            empty_array=([], MALFORMED if strict else OK),
        ),
        "cnf": _forms(
            OK,
            (7, MALFORMED),
            ("x", MALFORMED),
            ([{"jkt": "x"}], MALFORMED),
            ({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, "sender_constrained"),
            empty=({}, "sender_constrained"),
            empty_array=([], MALFORMED),
        ),
    }


def _types_generic(suite: Suite) -> None:
    group = suite.group("Each claim in each JSON form, `token_format` generic.", config())
    read = _read_claims("generic")
    read["token_use"] = _forms(
        OK,
        (7, MALFORMED),
        ("access", OK),
        (["access"], MALFORMED),
        ({"x": "access"}, MALFORMED),
        empty=("", NOT_ACCESS),
        nul=("access\0", MALFORMED),
    )
    read["typ"] = _text("Bearer", OK)
    _add_forms(group, "generic", read, ["T27", "RFC 7519 4.1"])
    for name in ("at_hash", "c_hash", "events"):
        present: Forms = {form: (value, NOT_ACCESS) for form, value in _ANY.items()}
        _add_forms(group, "generic", {name: present}, ["RFC 9068 5", "T30"])
    for form, value in _ANY.items():
        comment = f"`nonce` as {form}, and a type that ID tokens have: refused by its presence."
        _check(group, f"generic-nonce-{form}", comment, jws(header(typ="JWT"), claims(nonce=value)), NOT_ACCESS, "T30")


_ANY: dict[str, Any] = {"null": None, "number": 7, "string": "x", "array": ["x"], "object": {"x": 1}, "empty": ""}


def _types_rfc9068(suite: Suite) -> None:
    group = suite.group("Each claim in each JSON form, `token_format` rfc9068.", config(server(token_format="rfc9068")))
    _add_forms(group, "rfc9068", _read_claims("rfc9068"), ["T27", "RFC 9068 2.2"])
    _check(group, "rfc9068-nonce", "`nonce` in a token of type at+jwt.", token(nonce="n"), OK, "RFC 9068 2.1")
    _check(
        group,
        "rfc9068-azp-for-client-id",
        "Another client claim does not stand in.",
        token(client_id=ABSENT, azp="app"),
        MISSING,
        "RFC 9068 2.2",
    )


def _add_forms(group: Group, prefix: str, read: dict[str, Forms], refs: list[str]) -> None:
    for name, forms in read.items():
        for form, (value, faults) in forms.items():
            id = f"{prefix}-{name.replace('_', '-')}-{form}"
            _check(group, id, f"`{name}` {'' if form == 'absent' else 'as '}{form}.", token(**{name: value}), faults, *refs)


def _header_types(suite: Suite) -> None:
    types: tuple[tuple[str, Any, bool, bool], ...] = (
        ("at-jwt", "at+jwt", True, True),
        ("at-jwt-mixed-case", "at+JWT", True, True),
        ("application-at-jwt", "application/at+jwt", True, True),
        ("application-at-jwt-case", "APPLICATION/AT+JWT", True, True),
        ("jwt", "JWT", True, False),
        ("jwt-lower-case", "jwt", True, False),
        ("absent", ABSENT, True, False),
        ("empty", "", False, False),
        ("application-jwt", "application/jwt", False, False),
        ("id-token", "id+jwt", False, False),
        ("jose", "JOSE", False, False),
        ("at-jwt-blank", "at+jwt ", False, False),
        ("at-jwt-parameter", "at+jwt; charset=utf-8", False, False),
        ("dpop", "dpop+jwt", False, False),
        ("logout", "logout+jwt", False, False),
        ("introspection", "token-introspection+jwt", False, False),
        ("security-event", "secevent+jwt", False, False),
        ("request-object", "oauth-authz-req+jwt", False, False),
        ("id-jag", "oauth-id-jag+jwt", False, False),
    )
    for column, token_format in enumerate(("generic", "rfc9068")):
        group = suite.group(f"The header's `typ`, `token_format` {token_format}.", config(server(token_format=token_format)))
        for id, typ, *taken in types if token_format == "generic" else types[:9]:
            faults: str | list[str] = OK if taken[column] else "type_not_allowed"
            comment = "No `typ`." if typ is ABSENT else f"`typ` is `{typ}`."
            _check(group, f"typ-{token_format}-{id}", comment, jws(header(typ=typ), claims()), faults, "RFC 9068 2.1", "T30")


def _not_access_tokens(suite: Suite) -> None:
    group = suite.group("What makes a generic token something else than an access token.", config())
    plain = header(typ="JWT")
    for id, comment, text, faults in (
        ("no-scope-no-client", "No scope claim and no client claim.", claims(scope=ABSENT, client_id=ABSENT), NOT_ACCESS),
        ("scope-alone", "A scope claim alone is enough.", claims(client_id=ABSENT), OK),
        ("empty-scope-alone", "An empty scope claim is one.", claims(client_id=ABSENT, scope=""), OK),
        ("client-alone", "A client claim alone is enough.", claims(scope=ABSENT), OK),
        ("azp-alone", "`azp` is a client claim.", claims(scope=ABSENT, client_id=ABSENT, azp="app"), OK),
        ("permissions-alone", "`permissions` is a scope claim.", claims(scope=ABSENT, client_id=ABSENT, permissions=["a"]), OK),
        ("nonce-bearer", "`nonce` with the payload type `Bearer` (old Keycloak).", claims(nonce="n", typ="Bearer"), OK),
        ("nonce-bearer-lower-case", "The payload type is compared exactly.", claims(nonce="n", typ="bearer"), NOT_ACCESS),
        ("token-use-id", "`token_use` is `id`.", claims(token_use="id"), NOT_ACCESS),
        ("token-use-upper-case", "`token_use` is compared exactly.", claims(token_use="Access"), NOT_ACCESS),
        ("typ-id", "The payload type `ID`.", claims(typ="ID"), NOT_ACCESS),
        ("typ-refresh", "The payload type `Refresh`.", claims(typ="Refresh"), NOT_ACCESS),
        ("typ-offline", "The payload type `Offline`.", claims(typ="Offline"), NOT_ACCESS),
        ("typ-logout", "The payload type `Logout`.", claims(typ="Logout"), NOT_ACCESS),
        ("typ-other-case", "The payload type is compared exactly.", claims(typ="refresh"), OK),
        ("typ-other", "Another payload type.", claims(typ="JWT"), OK),
    ):
        _check(group, f"generic-{id}", comment, jws(plain, text), faults, "RFC 9068 4", "T30")
    for id, typ in (("at-jwt", "AT+JWT"), ("application", "application/at+jwt")):
        comment = "`nonce` in a token that says what it is."
        _check(group, f"generic-nonce-{id}", comment, jws(header(typ=typ), claims(nonce="n")), OK, "T30")


def _issuers(suite: Suite) -> None:
    group = suite.group("Issuers that nearly match.", config(server(issuer="https://as.test/tenant")))
    _check(group, "issuer-exact", "The configured issuer.", token(iss="https://as.test/tenant"), OK, "RFC 9068 4")
    for index, issuer in enumerate(
        (
            "https://as.test/tenant/",
            "https://as.test",
            "https://as.test/",
            "https://as.test/tenant2",
            "https://as.test/Tenant",
            "https://AS.test/tenant",
            "HTTPS://as.test/tenant",
            "http://as.test/tenant",
            "https://as.test:443/tenant",
            "https://as.test/%74enant",
            "https://as.test/./tenant",
            "https://as.test/tenant?",
            "https://as.test.evil.test/tenant",
            " https://as.test/tenant",
            "https://as.test/tenant\n",
            "https",
        )
    ):
        _check(group, f"issuer-near-{index}", f"{issuer!r} is another issuer.", token(iss=issuer), "untrusted_issuer", "RFC 9068 4", "T28")


def _times(suite: Suite) -> None:
    group = suite.group("Times, with the default leeway of 30 s.", config())
    good: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("exp-29-ago", "Expired 29 s ago: within the leeway.", {"exp": NOW - 29}),
        ("exp-fraction", "A fraction of a second.", {"exp": Raw(f"{NOW}.75")}),
        ("exp-exponent", "An exponent.", {"exp": Raw("1.9e9")}),
        ("exp-largest", "The largest time.", {"exp": LARGEST}),
        ("exp-float-whole", "A whole number with a fraction part.", {"exp": Raw(f"{NOW + 5}.0")}),
        ("nbf-30-ahead", "Valid in 30 s: within the leeway.", {"nbf": NOW + 30}),
        ("nbf-zero", "The smallest time.", {"nbf": 0}),
        ("nbf-negative-zero", "A zero with a sign is zero.", {"nbf": Raw("-0")}),
        ("nbf-negative-zero-float", "A zero with a sign is zero.", {"nbf": Raw("-0.0")}),
        ("iat-30-ahead", "Issued in 30 s: within the leeway.", {"iat": NOW + 30}),
        ("iat-ancient", "Issued long ago: no limit is set.", {"iat": 0}),
        ("exp-before-iat", "Expiry before issue, both within the leeway.", {"exp": NOW - 5, "iat": NOW + 5}),
    )
    for id, comment, changes in good:
        _check(group, f"time-{id}", comment, token(**changes), OK, "RFC 7519 2", "T32", "T33")
    for id, comment, changes, fault in (
        ("exp-30-ago", "Expired 30 s ago: the leeway is over.", {"exp": NOW - 30}, "expired"),
        ("exp-floors", "29.5 s ago, counted as 30.", {"exp": Raw(f"{NOW - 30}.5")}, "expired"),
        ("exp-zero", "The smallest time.", {"exp": 0}, "expired"),
        ("exp-negative-zero", "A zero with a sign is zero.", {"exp": Raw("-0")}, "expired"),
        ("exp-tiny", "A fraction of the first second.", {"exp": Raw("0.5")}, "expired"),
        ("nbf-31-ahead", "Valid in 31 s.", {"nbf": NOW + 31}, "not_yet_valid"),
        ("nbf-rises", "In 30.5 s, counted as 31.", {"nbf": Raw(f"{NOW + 30}.5")}, "not_yet_valid"),
        ("nbf-largest", "The largest time.", {"nbf": LARGEST}, "not_yet_valid"),
        ("iat-31-ahead", "Issued in 31 s.", {"iat": NOW + 31}, "not_yet_valid"),
        ("iat-rises", "In 30.5 s, counted as 31.", {"iat": Raw(f"{NOW + 30}.5")}, "not_yet_valid"),
    ):
        _check(group, f"time-{id}", comment, token(**changes), fault, "RFC 7519 4.1.4", "RFC 7519 4.1.5", "T33", "T34")
    _check(group, "time-expires-at-floors", "`expires_at` is whole seconds.", token(exp=Raw(f"{NOW + 9}.9")), OK, "T32", expires_at=NOW + 9)
    _check(group, "time-issued-at-rises", "`issued_at` is whole seconds.", token(iat=Raw(f"{NOW - 9}.9")), OK, "T32", issued_at=NOW - 8)
    for name in ("exp", "nbf", "iat"):
        for id, literal in (
            ("negative", "-1"),
            ("negative-fraction", "-0.5"),
            ("2-53", str(2**53)),
            ("2-64", str(2**64)),
            ("1e300", "1e300"),
            ("beyond-by-half", f"{LARGEST}.5"),
        ):
            comment = f"`{name}` out of range: {literal}."
            _check(group, f"time-{name}-{id}", comment, token(**{name: Raw(literal)}), MALFORMED, "T32")


def _leeways(suite: Suite) -> None:
    for leeway in (0, 300):
        group = suite.group(f"A leeway of {leeway} s.", config(leeway_seconds=leeway))
        for id, changes, faults in (
            ("exp-inside", {"exp": NOW - leeway + 1}, OK),
            ("exp-outside", {"exp": NOW - leeway}, "expired"),
            ("nbf-inside", {"nbf": NOW + leeway}, OK),
            ("nbf-outside", {"nbf": NOW + leeway + 1}, "not_yet_valid"),
            ("iat-inside", {"iat": NOW + leeway}, OK),
            ("iat-outside", {"iat": NOW + leeway + 1}, "not_yet_valid"),
        ):
            _check(group, f"leeway-{leeway}-{id}", "The first and the last second.", token(**changes), faults, "T33")


def _ages(suite: Suite) -> None:
    group = suite.group("`max_token_age_seconds` 600, the default leeway.", config(max_token_age_seconds=600))
    for id, comment, changes, faults in (
        ("inside", "Issued 630 s ago.", {"iat": NOW - 630}, OK),
        ("outside", "Issued 631 s ago.", {"iat": NOW - 631}, "too_old"),
        ("rises", "Issued 630.5 s ago, counted as 630.", {"iat": Raw(f"{NOW - 631}.5")}, OK),
        ("no-iat", "Without `iat` the age cannot be known.", {"iat": ABSENT}, MISSING),
        ("long-life", "The lifetime is not limited.", {"exp": NOW + 10**9}, OK),
    ):
        _check(group, f"age-{id}", comment, token(**changes), faults, "T34")
    group = suite.group("`max_token_lifetime_seconds` 3600.", config(max_token_lifetime_seconds=3600))
    for id, comment, changes, faults in (
        ("inside", "A life of 3600 s.", {"iat": NOW - 60, "exp": NOW + 3540}, OK),
        ("outside", "A life of 3601 s: the leeway does not count.", {"iat": NOW - 60, "exp": NOW + 3541}, "lifetime_too_long"),
        ("floors", "A fraction of a second is cut.", {"iat": NOW - 60, "exp": Raw(f"{NOW + 3540}.9")}, OK),
        ("rises", "A fraction of a second is cut at both ends.", {"iat": Raw(f"{NOW - 61}.1"), "exp": Raw(f"{NOW + 3540}.9")}, OK),
        ("no-iat", "Without `iat` the lifetime cannot be known.", {"iat": ABSENT}, MISSING),
        ("largest", "The largest expiry.", {"exp": LARGEST}, "lifetime_too_long"),
    ):
        _check(group, f"lifetime-{id}", comment, token(**changes), faults, "T36")


def _clocks(suite: Suite) -> None:
    group = suite.group("Unusual clocks.", config(leeway_seconds=300))
    bare = token(iat=ABSENT)
    _check(group, "clock-zero", "The first second of the clock, less the leeway.", bare, OK, "T33", now=0)
    _check(group, "clock-zero-iat", "The first second of the clock: the token is of the future.", token(), "not_yet_valid", "T33", now=0)
    _check(group, "clock-2-31", "A clock beyond 32 bits.", token(exp=2**31 + 60), OK, "T33", now=2**31)
    _check(group, "clock-largest", "The largest clock, plus the leeway.", token(exp=LARGEST), OK, "T33", now=LARGEST)
    _check(group, "clock-before-1970", "A clock before 1970.", bare, "clock_unusable", "T33", now=-1)
    _check(group, "clock-smallest", "A clock far before 1970.", bare, "clock_unusable", "T33", now=-(2**53))


def _client_ids(suite: Suite) -> None:
    group = suite.group("The default client claims.", config())
    for id, comment, changes, client in (
        ("client-id-first", "`client_id` comes before `azp`.", {"azp": "other"}, "app"),
        ("azp", "`azp` without `client_id`.", {"client_id": ABSENT, "azp": "a", "appid": "b", "cid": "c"}, "a"),
        ("appid", "`appid` without the ones before.", {"client_id": ABSENT, "appid": "b", "cid": "c"}, "b"),
        ("cid", "`cid` alone.", {"client_id": ABSENT, "cid": "c"}, "c"),
        ("unread-malformed", "A later client claim is not read.", {"azp": 7}, "app"),
    ):
        _check(group, f"client-{id}", comment, token(**changes), OK, "RFC 8693 4.3", client_id=client)
    for name in ("azp", "appid", "cid"):
        _check(group, f"client-{name}-number", f"`{name}` is a number.", token(client_id=ABSENT, **{name: 7}), MALFORMED, "T27")
    _check(group, "client-null-before-azp", "A malformed claim is not skipped.", token(client_id=None, azp="a"), MALFORMED, "T27")
    for id, changes, principal in (
        ("subject", {}, "https://as.test alice"),
        ("client", {"sub": ABSENT}, "https://as.test app"),
        ("nobody", {"sub": ABSENT, "client_id": ABSENT}, None),
    ):
        comment = "`principal` is the issuer with the subject, else with the client."
        _check(group, f"principal-{id}", comment, token(**changes), OK, "RFC 9068 2.2", principal=principal)
    group = suite.group("`client_id_claims` set.", config(server(client_id_claims=["azp", "app"])))
    _check(group, "client-claims-set", "The first that is present.", token(azp="a", app="b"), OK, "RFC 8693 4.3", client_id="a")
    _check(group, "client-claims-second", "The second alone.", token(app="b"), OK, "RFC 8693 4.3", client_id="b")
    _check(group, "client-claims-unlisted", "`client_id` is not in the list.", token(), OK, "RFC 8693 4.3", client_id=None)


def _required_claims(suite: Suite) -> None:
    group = suite.group("`required_claims`.", config(server(required_claims={"tid": "t-1", "env": ["prod", "test"]})))
    good = {"tid": "t-1", "env": "prod"}
    for id, comment, changes, faults in (
        ("all", "Both as required.", {}, OK),
        ("other-of-list", "Another value of the list.", {"env": "test"}, OK),
        ("absent", "One is absent.", {"tid": ABSENT}, MISSING),
        ("other-value", "Another value.", {"tid": "t-2"}, "claim_not_allowed"),
        ("not-in-list", "A value that the list lacks.", {"env": "dev"}, "claim_not_allowed"),
        ("prefix", "A longer value.", {"tid": "t-10"}, "claim_not_allowed"),
        ("other-case", "Another case.", {"tid": "T-1"}, "claim_not_allowed"),
        ("empty", "An empty value.", {"tid": ""}, "claim_not_allowed"),
        ("null", "null is another type.", {"tid": None}, "claim_not_allowed"),
        ("number", "A number.", {"tid": 1}, "claim_not_allowed"),
        ("list-of-it", "A list that holds the value.", {"tid": ["t-1"]}, "claim_not_allowed"),
        ("object", "An object.", {"env": {"prod": True}}, "claim_not_allowed"),
    ):
        _check(group, f"required-claim-{id}", comment, token(**(good | changes)), faults, "RFC 7519 4.3")
