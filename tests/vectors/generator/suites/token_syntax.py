"""The compact JWS: dots, alphabet, base64url, and the JSON of header and payload."""

from __future__ import annotations

from typing import Any

from ..base64url import encode
from ..strict_json import compact
from ..suite import OK, Group, Suite, config
from ..tokens import ABSENT, GOOD_CLAIMS, GOOD_HEADER, Raw, claims, header, jws, object_text, token, token_with_header

MALFORMED = "malformed_token"
MAX_HEADER = 4096


def suite() -> Suite:
    result = Suite("token_syntax")
    group = result.group("One static Ed25519 key. Every token is signed over exactly the bytes it has.", config())
    _dots(group)
    _base64url(group)
    _header_json(group)
    _header_members(group)
    _ignored_members(group)
    _critical(group)
    _payload_json(group)
    return result


def _dots(group: Group) -> None:
    good = token()
    head, payload, signature = good.split(".")
    for id, comment, credential in (
        ("no-dot", "No dot.", head),
        ("opaque-token", "An opaque token.", "2YotnFZFEjr1zCsicMWpAA"),
        ("one-dot", "One dot: no signature part.", f"{head}.{payload}"),
        ("three-dots", "Three dots.", f"{good}."),
        ("five-parts", "The five parts of a JWE.", f"{head}.{payload}.{signature}.{payload}.{signature}"),
        ("leading-dot", "A dot before the header.", f".{good}"),
        ("empty-header", "An empty header.", f".{payload}.{signature}"),
        ("empty-payload", "An empty (detached) payload.", f"{head}..{signature}"),
        ("two-dots-alone", "Nothing but two dots.", ".."),
    ):
        group.credential(id, comment, credential, MALFORMED, "RFC 7515 7.1", "T18")
    group.credential(
        "empty-signature", "An empty signature goes on to the algorithm and the key.", f"{head}.{payload}.", "bad_signature", "T01"
    )
    flattened = f'{{"protected":"{head}","payload":"{payload}","signature":"{signature}"}}'
    group.credential(
        "json-serialization", "The JSON serialization holds commas.", flattened, ["multiple_credentials", MALFORMED], "RFC 8725bis 3.14"
    )


def _base64url(group: Group) -> None:
    parts = token().split(".")
    for place, name in enumerate(("header", "payload", "signature")):
        for id, comment, part in (
            ("padding", "Padding.", parts[place] + "=" * (-len(parts[place]) % 4 or 1)),
            ("plus", "The other base64 alphabet.", "+" + parts[place][1:]),
            ("slash", "The other base64 alphabet.", "/" + parts[place][1:]),
            ("impossible-length", "A length that no octets have.", _impossible_length(parts[place])),
            ("unused-bits", "Unused bits that are set.", _with_unused_bits(name, parts[place])),
        ):
            credential = ".".join(part if index == place else other for index, other in enumerate(parts))
            group.credential(f"{name}-{id}", comment, credential, MALFORMED, "RFC 7515 2", "RFC 4648 3.5", "T19")


def _impossible_length(part: str) -> str:
    return part[: len(part) - (len(part) - 1) % 4]


def _with_unused_bits(name: str, part: str) -> str:
    if len(part) % 4 == 0:
        raise ValueError(f"the {name} has no unused bits")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def _header_json(group: Group) -> None:
    good = header()
    for id, comment, text, refs in _object_faults(good, "alg"):
        group.credential(f"header-{id}", comment, jws(text, claims()), MALFORMED, *refs)
    for id, comment, text in (
        ("blanks-around", "JSON allows blanks around a text.", f" \t\r\n{good}\n "),
        ("escaped-name", "An escaped member name is the same name.", good.replace('"alg"', '"\\u0061lg"')),
        ("other-case-name", "Member names differ by case.", header(Alg="none")),
        ("depth-32", "Thirty-two containers.", header(x=_nested(31))),
        ("4096-bytes", "The longest header.", _header_of_length(MAX_HEADER)),
    ):
        group.credential(f"header-{id}", comment, jws(text, claims()), OK, "RFC 7515 4", "T24", "T26")
    group.credential("header-depth-33", "Thirty-three containers.", jws(header(x=_nested(32)), claims()), MALFORMED, "T26")
    group.credential("header-4097-bytes", "One byte over.", jws(_header_of_length(MAX_HEADER + 1), claims()), MALFORMED, "T18")


def _object_faults(good: str, name: str) -> list[tuple[str, str, str | bytes, list[str]]]:
    """Texts that are no strict JSON object, made from one that is."""
    twice = ["RFC 7515 4", "RFC 7519 4", "T24"]
    shape = ["T25"]
    return [
        ("no-json", "No JSON.", "hello", shape),
        ("cut", "The closing brace is missing.", good[:-1], shape),
        ("array", "An array.", f"[{good}]", shape),
        ("string", "A string.", '"x"', shape),
        ("number", "A number.", "7", shape),
        ("null", "null.", "null", shape),
        ("byte-order-mark", "A byte order mark.", b"\xef\xbb\xbf" + good.encode(), shape),
        ("trailing-text", "Text behind the end.", good + "x", shape),
        ("trailing-object", "A second object behind the end.", good + "{}", shape),
        ("trailing-nul", "A NUL behind the end.", good + "\0", shape),
        ("trailing-comma", "A comma before the closing brace.", good[:-1] + ",}", shape),
        ("comment", "A comment.", good[:-1] + "/**/}", shape),
        ("single-quotes", "Single quotes.", good.replace('"', "'"), shape),
        ("not-a-number", "NaN.", good[:-1] + ',"x":NaN}', shape),
        ("leading-zero", "A number with a leading zero.", good[:-1] + ',"x":01}', shape),
        ("huge-number", "A number that no double holds.", good[:-1] + ',"x":1e400}', ["T32"]),
        ("control-character", "A raw control character in a string.", good[:-1] + ',"x":"\x01"}', shape),
        ("invalid-utf-8", "A byte that is no UTF-8.", good[:-1].encode() + b',"x":"\xff"}', shape),
        ("overlong-utf-8", "An overlong UTF-8 sequence.", good[:-1].encode() + b',"x":"\xc0\xaf"}', shape),
        ("utf-16", "UTF-16.", good.encode("utf-16-le"), shape),
        ("lone-surrogate", "A lone surrogate.", good[:-1] + ',"x":"\\ud800"}', shape),
        ("member-twice", "A member that is read comes twice.", good[:-1] + f',"{name}":{_value_of(good, name)}}}', twice),
        ("escaped-member-twice", "A member twice, once escaped.", good[:-1] + f',"\\u0061{name[1:]}":{_value_of(good, name)}}}', twice),
        ("unread-member-twice", "A member that is not read comes twice.", good[:-1] + ',"x":1,"x":1}', twice),
        ("nested-member-twice", "A member twice in a nested object.", good[:-1] + ',"x":{"y":[{"a":1,"a":2}]}}', twice),
    ]


def _value_of(text: str, name: str) -> str:
    return text.split(f'"{name}":')[1].split(",")[0]


def _nested(containers: int) -> Raw:
    return Raw("[" * containers + "]" * containers)


def _header_of_length(length: int) -> str:
    return header(x="h" * (length - len(header(x=""))))


def _header_members(group: Group) -> None:
    wrong: dict[str, list[tuple[str, Any]]] = {
        "alg": [("absent", ABSENT), ("null", None), ("number", 7), ("array", ["EdDSA"]), ("object", {}), ("boolean", True)],
        "typ": [("null", None), ("number", 7), ("array", ["at+jwt"]), ("object", {})],
        "kid": [("null", None), ("number", 7), ("array", ["ed-a"]), ("object", {}), ("empty", ""), ("257-bytes", "k" * 257)],
        "enc": [("string", "A256GCM"), ("null", None), ("empty", "")],
        "zip": [("string", "DEF"), ("null", None), ("empty", "")],
    }
    for name, forms in wrong.items():
        for form, value in forms:
            refs = ["T27"] if name in ("alg", "typ", "kid") else ["T21"]
            group.credential(f"{name}-{form}", f"`{name}` as {form}.", token_with_header(**{name: value}), MALFORMED, *refs)
    group.credential("kid-129-letters", "258 bytes in 129 letters.", token_with_header(kid="é" * 129), MALFORMED, "T10")
    group.credential("kid-128-letters", "256 bytes in 128 letters.", token_with_header(kid="é" * 128), "unknown_key", "T10")
    group.credential("kid-256-bytes", "The longest key identifier.", token_with_header(kid="k" * 256), "unknown_key", "T10")
    group.credential("empty-header-object", "An object without members.", jws("{}", claims()), MALFORMED, "RFC 7515 4.1.1")


def _ignored_members(group: Group) -> None:
    for name, value in (
        ("jku", "https://evil.test/keys"),
        ("x5u", "https://evil.test/cert"),
        ("jwk", {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        ("x5c", ["MIIB"]),
        ("x5t", "AAAA"),
        ("cty", "JWT"),
        ("x", {"y": None}),
    ):
        comment = f"`{name}` is ignored: the kid alone names the key."
        group.credential(f"header-{name}", comment, token_with_header(**{name: value}), OK, "RFC 8725 3.10", "T09")


def _critical(group: Group) -> None:
    forms: list[tuple[str, str, Any]] = [
        ("crit-empty", "crit", []),
        ("crit-b64", "crit", ["b64"]),
        ("crit-unknown", "crit", ["x"]),
        ("crit-known", "crit", ["alg"]),
        ("crit-string", "crit", "x"),
        ("crit-null", "crit", None),
        ("crit-number", "crit", 1),
        ("crit-object", "crit", {}),
        ("b64-false", "b64", False),
        ("b64-true", "b64", True),
        ("b64-null", "b64", None),
    ]
    for id, name, value in forms:
        comment = f"`{name}` in any form is refused."
        group.credential(id, comment, token_with_header(**{name: value}), "critical_header", "RFC 7515 4.1.11", "RFC 7797 3", "T22", "T23")
    text = object_text(GOOD_HEADER | {"b64": False, "crit": ["b64"]})
    group.credential("b64-and-crit", "An unencoded payload, declared as it should be.", jws(text, claims()), "critical_header", "T23")


def _payload_json(group: Group) -> None:
    good = claims()
    for id, comment, text, refs in _object_faults(good, "aud"):
        group.credential(f"payload-{id}", comment, jws(header(), text), MALFORMED, *refs)
    for id, comment, text in (
        ("blanks-around", "JSON allows blanks around a text.", f"\n {good} \r\n"),
        ("blanks-within", "JSON allows blanks within a text.", good.replace(",", " ,\n\t").replace('":', '" : ')),
        ("escaped-name", "An escaped member name is the same name.", good.replace('"exp"', '"\\u0065xp"')),
        ("other-case-name", "Member names differ by case.", claims(Exp=1, EXP="never")),
        ("depth-32", "Thirty-two containers.", claims(x=_nested(31))),
        ("unread-values", "Values of every type in claims that are not read.", claims(a=None, b=True, c=1.5, d=-1, e=[[]], f={"g": {}})),
        ("unicode", "Letters beyond ASCII, raw and escaped.", claims(name="Zoë", mood=Raw('"\\ud83d\\ude00"'))),
        ("large-integer", "An integer beyond 64 bits in a claim that is not read.", claims(x=2**70)),
    ):
        group.credential(f"payload-{id}", comment, jws(header(), text), OK, "RFC 7519 4", "T24", "T26")
    group.credential("payload-depth-33", "Thirty-three containers.", jws(header(), claims(x=_nested(32))), MALFORMED, "T26")
    empty = ["missing_claim", "missing_claim", "not_an_access_token"]
    group.credential("payload-empty-object", "An object without members has no issuer.", jws(header(), "{}"), empty, "RFC 9068 4")
    group.credential("payload-nested-token", "A token in a token.", jws(header(), f'"{token()}"'), MALFORMED, "T21")
    positional = compact([GOOD_CLAIMS["exp"], None, None, GOOD_CLAIMS["iss"], GOOD_CLAIMS["aud"]])
    group.credential("payload-positional-array", "The claims in an array.", jws(header(), positional), MALFORMED, "T25")
    group.credential("payload-raw-base64url", "The payload encoded twice.", jws(header(), encode(good.encode())), MALFORMED, "T25")
