"""Key sets: which JWKs are usable, and which of them a token names."""

from __future__ import annotations

from typing import Any

from ..base64url import encode
from ..keys import base64url_of, number, octets, pkcs1_encoding, private_jwk, public_jwk
from ..suite import OK, Suite, config, server, unreachable_server
from ..tokens import ABSENT, ISSUER, claims, header, jws, signed_by, signing_input, token, token_with_header, with_signature

FIELD = 2**255 - 19


def add_to(suite: Suite) -> None:
    _kids(suite)
    _bad_rsa_keys(suite)
    _bad_ec_keys(suite)
    _bad_okp_keys(suite)
    _members(suite)
    _junk(suite)
    _largest_modulus(suite)
    _binding(suite)
    _duplicates(suite)
    _without_kid(suite)
    _issuers(suite)
    _distrusted(suite)


def _kids(suite: Suite) -> None:
    group = suite.group("A kid is compared as it stands and used for nothing else.", config())
    for index, kid in enumerate(
        ("ED-A", "ed-a ", " ed-a", "ed", "ed-a\0", "../../dev/null", "' OR '1'='1", "|sleep 10", "\r\nX: y", "https://evil.test/k", "😀")
    ):
        credential = token_with_header(kid=kid)
        group.credential(f"kid-{index}", f"The kid {kid!r} is not held.", credential, "unknown_key", "RFC 7515 4.1.4", "T10")


def _bad_rsa_keys(suite: Suite) -> None:
    n, n_b = number("rsa-a", "n"), octets("rsa-b", "n")
    bad = (
        ("1024", "A modulus of 1024 bits.", public_jwk("rsa-1024")),
        ("2047", "A modulus of 2047 bits.", public_jwk("rsa-2047")),
        ("4104", "A modulus over `keys.rsa_max_bits`.", public_jwk("rsa-4104")),
        ("e-3", "The exponent 3.", public_jwk("rsa-e-3")),
        ("e-65535", "The exponent 65535.", public_jwk("rsa-e-65535")),
        ("e-too-large", "The exponent 2^33 + 1.", public_jwk("rsa-e-too-large")),
        ("roca", "The ROCA fingerprint.", public_jwk("rsa-roca")),
        ("e-1", "The exponent 1: anybody can sign.", public_jwk("rsa-b", "e-1", e="AQ")),
        ("e-even", "An even exponent.", public_jwk("rsa-b", "e-even", e=base64url_of(65538))),
        ("e-zero", "The exponent 0.", public_jwk("rsa-b", "e-zero", e="AA")),
        ("e-leading-zero", "A leading zero byte in e.", public_jwk("rsa-b", "e-leading-zero", e="AAEAAQ")),
        ("n-even", "An even modulus.", public_jwk("rsa-a", "n-even", n=base64url_of(n - 1))),
        ("n-leading-zero", "A leading zero byte in n.", public_jwk("rsa-b", "n-leading-zero", n=encode(b"\0" + n_b))),
        ("n-padded", "Padding in n.", public_jwk("rsa-b", "n-padded", n=encode(n_b) + "==")),
        ("n-empty", "An empty n.", public_jwk("rsa-b", "n-empty", n="")),
        ("n-absent", "No n.", public_jwk("rsa-b", "n-absent", n=None)),
        ("e-absent", "No e.", public_jwk("rsa-b", "e-absent", e=None)),
    )
    good = ("rsa-a", "rsa-4096", "rsa-e-largest")
    group = suite.group("Unsound RSA keys beside good ones: each is skipped alone.", config(server(*good, *(jwk for _, _, jwk in bad))))
    for key in good:
        group.credential(f"rsa-key-{key}", "A sound key beside unsound ones.", signed_by(key, "RS256"), OK, "F13", "T13")
    for id, comment, jwk in bad:
        kid = jwk["kid"]
        if kid == "e-1":
            text = header(alg="RS256", kid=kid)
            message = signing_input(text, claims()).encode()
            credential = with_signature(text, claims(), pkcs1_encoding(256, "sha256", message))
        else:
            credential = signed_by(kid if kid.startswith("rsa-") else "rsa-b", "RS256", kid)
        group.credential(f"rsa-key-{id}", comment, credential, "unknown_key", "RFC 7518 6.3.1", "T13")


def _bad_ec_keys(suite: Suite) -> None:
    x, y = octets("ec-b", "x"), octets("ec-b", "y")
    short_x = octets("ec-short-x", "x")
    off_curve = encode(y[:-1] + bytes([y[-1] ^ 1]))
    bad = (
        ("off-curve", "A point off the curve.", public_jwk("ec-b", "off-curve", y=off_curve)),
        ("origin", "The point (0, 0).", public_jwk("ec-b", "origin", x=encode(bytes(32)), y=encode(bytes(32)))),
        ("x-31-bytes", "A coordinate without its leading zero byte.", public_jwk("ec-short-x", "x-31-bytes", x=encode(short_x[1:]))),
        ("x-33-bytes", "A coordinate with a zero byte too many.", public_jwk("ec-b", "x-33-bytes", x=encode(b"\0" + x))),
        ("y-absent", "No y.", public_jwk("ec-b", "y-absent", y=None)),
        ("x-padded", "Padding in x.", public_jwk("ec-b", "x-padded", x=encode(x) + "=")),
        ("crv-p-384", "A P-256 point called P-384.", public_jwk("ec-b", "crv-p-384", crv="P-384")),
        ("crv-lower-case", "The curve in lower case.", public_jwk("ec-b", "crv-lower-case", crv="p-256")),
        ("crv-absent", "No curve.", public_jwk("ec-b", "crv-absent", crv=None)),
        ("secp256k1", "Another curve.", public_jwk("ec-k1", "secp256k1", alg="ES256K")),
        ("secp256k1-called-es256", "Another curve, called ES256.", public_jwk("ec-k1", "secp256k1-called-es256", alg="ES256")),
    )
    good = ("ec-a", "ec-short-x")
    group = suite.group("Unsound EC keys beside good ones.", config(server(*good, *(jwk for _, _, jwk in bad))))
    for key in good:
        group.credential(f"ec-key-{key}", "A sound key beside unsound ones.", signed_by(key, "ES256"), OK, "RFC 7518 6.2.1.2", "F13")
    signers = {"x-31-bytes": "ec-short-x", "secp256k1": "ec-k1", "secp256k1-called-es256": "ec-k1"}
    for id, comment, jwk in bad:
        credential = signed_by(signers.get(id, "ec-b"), "ES256", jwk["kid"])
        group.credential(f"ec-key-{id}", comment, credential, "unknown_key", "RFC 7518 6.2.1", "T04")


def _bad_okp_keys(suite: Suite) -> None:
    x = octets("ed-b", "x")
    order_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    identity = b"\1" + bytes(31)
    weak = {
        "identity": ("The neutral point: anybody can sign.", identity),
        "identity-signed": ("The neutral point with its sign bit set.", b"\1" + bytes(30) + b"\x80"),
        "order-2": ("The point of order 2.", (FIELD - 1).to_bytes(32, "little")),
        "order-4": ("A point of order 4.", bytes(32)),
        "order-8": ("A point of order 8.", order_8),
        "order-8-signed": ("A point of order 8 with its sign bit set.", order_8[:-1] + bytes([order_8[-1] | 0x80])),
        "not-canonical": ("A y of p + 1.", (FIELD + 1).to_bytes(32, "little")),
        "all-ones": ("Bytes of ones.", b"\xff" * 32),
        "31-bytes": ("Too short.", x[:-1]),
        "33-bytes": ("Too long.", x + b"\0"),
        "empty": ("Empty.", b""),
    }
    named = (
        ("x-absent", "No x.", public_jwk("ed-b", "x-absent", x=None)),
        ("x25519", "A key for key agreement.", public_jwk("ed-b", "x25519", crv="X25519")),
        ("ed448", "Another curve.", public_jwk("ed-b", "ed448", crv="Ed448")),
        ("crv-absent-okp", "No curve.", public_jwk("ed-b", "crv-absent-okp", crv=None)),
    )
    jwks = [public_jwk("ed-b", kid, x=encode(value)) for kid, (_, value) in weak.items()] + [jwk for _, _, jwk in named]
    group = suite.group("Unsound Ed25519 keys beside a good one.", config(server("ed-a", *jwks)))
    group.credential("okp-key-good", "A sound key beside unsound ones.", token(), OK, "F13")
    forged = identity + bytes(32)
    for kid, (comment, _) in weak.items():
        credential = with_signature(header(kid=kid), claims(), forged)
        group.credential(f"okp-key-{kid}", comment, credential, "unknown_key", "RFC 8032 5.1.3", "T15")
    for kid, comment, _ in named:
        group.credential(f"okp-key-{kid}", comment, signed_by("ed-b", "EdDSA", kid), "unknown_key", "RFC 8037 2", "T04")


def _members(suite: Suite) -> None:
    good: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("use-sig", "`use` is `sig`.", {"use": "sig"}),
        ("key-ops-verify", "`key_ops` is `verify`.", {"key_ops": ["verify"]}),
        ("key-ops-both", "`key_ops` names `verify` and `sign`.", {"key_ops": ["sign", "verify"]}),
        ("alg-eddsa", "`alg` is `EdDSA`.", {"alg": "EdDSA"}),
        ("alg-ed25519", "`alg` is `Ed25519`.", {"alg": "Ed25519"}),
        ("x5c-malformed", "`x5c` is not read.", {"x5c": "no list"}),
        ("unread-member", "A member that is not read.", {"x-note": {"a": [None]}}),
    )
    bad: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("use-enc", "`use` is `enc`.", {"use": "enc"}),
        ("use-upper-case", "`use` is compared by case.", {"use": "SIG"}),
        ("key-ops-sign", "`key_ops` lacks `verify`.", {"key_ops": ["sign"]}),
        ("key-ops-empty", "`key_ops` is empty.", {"key_ops": []}),
        ("key-ops-twice", "`key_ops` names `verify` twice.", {"key_ops": ["verify", "verify"]}),
        ("key-ops-string", "`key_ops` is no list.", {"key_ops": "verify"}),
        ("alg-es256", "`alg` does not fit the key.", {"alg": "ES256"}),
        ("alg-unknown", "`alg` is unknown.", {"alg": "ES521"}),
        ("alg-encryption", "`alg` is for encryption.", {"alg": "ECDH-ES"}),
        ("alg-hs256", "`alg` is HS256.", {"alg": "HS256"}),
        ("alg-none", "`alg` is `none`.", {"alg": "none"}),
        ("alg-number", "`alg` is a number.", {"alg": 5}),
        ("kty-lower-case", "`kty` in lower case.", {"kty": "okp"}),
        ("kty-absent", "No `kty`.", {"kty": None}),
        ("kty-rsa", "`kty` is that of another key.", {"kty": "RSA"}),
        ("oct", "A symmetric key.", {"kty": "oct", "crv": None, "x": None, "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}),
    )
    jwks = [public_jwk("ed-b", f"m-{id}", **members) for id, _, members in good + bad]
    configuration = config(server("ed-a", private_jwk("ec-a"), public_jwk("ed-b") | {"kid": 5}, *jwks))
    group = suite.group("Members of a JWK: what makes it unusable, and what does not.", configuration)
    group.credential("jwk-beside-bad-ones", "A good key beside unusable ones.", token(), OK, "RFC 7517 5", "F13")
    group.credential("jwk-private", "A published private key is used by its public part.", signed_by("ec-a", "ES256"), OK, "T16")
    group.credential("jwk-kid-number", "A kid that is no string.", signed_by("ed-b", "EdDSA", "5"), "unknown_key", "RFC 7517 4.5")
    for id, comment, _ in good:
        group.credential(f"jwk-{id}", comment, signed_by("ed-b", "EdDSA", f"m-{id}"), OK, "RFC 7517 4", "T05")
    for id, comment, _ in bad:
        group.credential(f"jwk-{id}", comment, signed_by("ed-b", "EdDSA", f"m-{id}"), "unknown_key", "RFC 7517 4", "T03", "T05")


def _junk(suite: Suite) -> None:
    key_set = {"keys": [5, None, "x", [], {}, {"kty": None}, public_jwk("ed-a")], "x": 1}
    group = suite.group("Entries of a key set that are no JWK at all.", config({"issuer": ISSUER, "jwks": key_set}))
    group.credential("junk-beside-good", "One bad entry does not void the set.", token(), OK, "RFC 7517 5", "T44")
    group.credential("junk-unknown", "Another kid.", token_with_header(kid="x"), "unknown_key", "RFC 7517 5", "T44")


def _largest_modulus(suite: Suite) -> None:
    group = suite.group("`keys.rsa_max_bits` raised.", config(server("rsa-4104"), keys={"rsa_max_bits": 8192}))
    group.credential("rsa-max-bits-8192", "A modulus of 4104 bits is taken on request.", signed_by("rsa-4104", "RS256"), OK, "T13")


def _binding(suite: Suite) -> None:
    group = suite.group("A JWK without `alg`, default algorithms: RS256 comes first.", config(server("rsa-a", "ec-a", "ec-384")))
    refs = ("RFC 8725 3.1", "T03")
    group.credential("bound-to-rs256", "The first fitting algorithm.", signed_by("rsa-a", "RS256"), OK, *refs)
    group.credential("not-bound-to-ps256", "A later fitting algorithm.", signed_by("rsa-a", "PS256"), "unknown_key", *refs)
    group.credential(
        "p-384-bound-to-nothing", "No algorithm of the server fits P-384.", signed_by("ec-a", "ES256", "ec-384"), "unknown_key", *refs
    )
    group = suite.group("A JWK without `alg`, PS256 first.", config(server("rsa-a", algorithms=["ES256", "PS256", "RS256"])))
    group.credential("bound-to-ps256", "The first fitting algorithm.", signed_by("rsa-a", "PS256"), OK, *refs)
    group.credential("not-bound-to-rs256", "A later fitting algorithm.", signed_by("rsa-a", "RS256"), "unknown_key", *refs)
    no_kid = jws(header(alg="RS256", kid=ABSENT), claims(), "rsa-a", "RS256")
    group.credential("not-bound-without-kid", "A later fitting algorithm, no kid.", no_kid, "unknown_key", *refs)


def _duplicates(suite: Suite) -> None:
    keys = (
        public_jwk("ed-a", "two"),
        public_jwk("ed-b", "two"),
        public_jwk("ec-a", "same"),
        public_jwk("ec-a", "same", use="sig", alg="ES256"),
        public_jwk("rsa-a", "mixed", alg="RS256"),
        public_jwk("ed-a", "mixed"),
        public_jwk("ed-a", "enc-too"),
        public_jwk("ed-b", "enc-too", use="enc"),
        "ec-b",
    )
    group = suite.group("Several keys under one kid.", config(server(*keys)))
    refs = ("RFC 7517 4.5", "T11")
    for key in ("ed-a", "ed-b"):
        group.credential(
            f"two-keys-one-kid-{key}", "Two different keys: neither is taken.", signed_by(key, "EdDSA", "two"), "ambiguous_key", *refs
        )
    group.credential("same-key-twice", "The same key twice is one.", signed_by("ec-a", "ES256", "same"), OK, *refs)
    group.credential("one-kid-two-algorithms-rsa", "One kid, two algorithms.", signed_by("rsa-a", "RS256", "mixed"), OK, *refs)
    group.credential("one-kid-two-algorithms-ed", "One kid, two algorithms.", signed_by("ed-a", "EdDSA", "mixed"), OK, *refs)
    group.credential("unusable-double", "The other key of the kid is unusable.", signed_by("ed-a", "EdDSA", "enc-too"), OK, *refs)
    group.credential("beside-ambiguous", "Another kid is not touched.", signed_by("ec-b", "ES256"), OK, *refs)


def _without_kid(suite: Suite) -> None:
    keys = (public_jwk("rsa-a", alg="RS256"), "ec-a", "ec-b", public_jwk("ed-a", "ed-only", use="enc"))
    group = suite.group("Tokens without a kid.", config(server(*keys)))
    refs = ("RFC 7515 4.1.4", "T10")
    for id, comment, key, algorithm, faults in (
        ("one-fits", "One key fits the algorithm.", "rsa-a", "RS256", OK),
        ("two-fit", "Two keys fit the algorithm.", "ec-a", "ES256", "ambiguous_key"),
        ("none-fits", "The only key of the algorithm is unusable.", "ed-a", "EdDSA", "unknown_key"),
        ("bound-to-another", "The RSA key is bound to RS256.", "rsa-a", "PS256", "unknown_key"),
    ):
        credential = jws(header(alg=algorithm, kid=ABSENT), claims(), key, algorithm)
        group.credential(f"no-kid-{id}", comment, credential, faults, *refs)
    forged = jws(header(alg="RS256", kid=ABSENT), claims(), "rsa-b", "RS256")
    group.credential("no-kid-other-signer", "One key fits, another one signed.", forged, "bad_signature", *refs)
    nameless = {member: value for member, value in public_jwk("ed-a").items() if member != "kid"}
    group = suite.group("A key without a kid.", config(server(nameless)))
    group.credential("nameless-key-no-kid", "The one key fits.", jws(header(kid=ABSENT), claims()), OK, *refs)
    group.credential("nameless-key-kid", "A kid that no key has.", token(), "unknown_key", *refs)


def _issuers(suite: Suite) -> None:
    first = server(public_jwk("ed-a", "k"), public_jwk("ec-a", "only-a"))
    second = server(public_jwk("ed-b", "k"), issuer="https://other.test")
    third = server(public_jwk("ec-b", "shared"), issuer=["urn:issuer:1", "https://tenant.test/v2"], advertise=False)
    group = suite.group("Three servers, two of them with the same kid.", config(first, second, third))
    other = {"iss": "https://other.test"}
    for id, comment, credential, faults in (
        ("first", "The first server's token.", signed_by("ed-a", "EdDSA", "k"), OK),
        ("second", "The second server's token.", signed_by("ed-b", "EdDSA", "k", **other), OK),
        ("mixed-up", "The first issuer, signed by the second's key.", signed_by("ed-b", "EdDSA", "k"), "bad_signature"),
        ("mixed-up-back", "The second issuer, signed by the first's key.", signed_by("ed-a", "EdDSA", "k", **other), "bad_signature"),
        ("foreign-kid", "The second issuer with a kid of the first.", signed_by("ec-a", "ES256", "only-a", **other), "unknown_key"),
        ("shared-1", "One key source, the first accepted issuer.", signed_by("ec-b", "ES256", "shared", iss="urn:issuer:1"), OK),
        ("shared-2", "One key source, the second accepted issuer.", signed_by("ec-b", "ES256", "shared", iss="https://tenant.test/v2"), OK),
        ("untrusted", "A fourth issuer.", signed_by("ed-a", "EdDSA", "k", iss="https://evil.test"), "untrusted_issuer"),
    ):
        group.credential(f"issuers-{id}", comment, credential, faults, "RFC 8725 3.8", "T12")
    no_kid = jws(header(kid=ABSENT), claims(**other), "ed-b")
    group.credential("issuers-no-kid", "Without a kid only the issuer's own keys count.", no_kid, OK, "RFC 8725 3.8", "T12")


def _distrusted(suite: Suite) -> None:
    refs = ("RFC 7517 5",)
    listed = [{"issuer": ISSUER, "kid": "ed-a"}]
    first = server("ed-a", public_jwk("ed-a", "renamed"), "ed-b", "ec-a")
    second = server(public_jwk("ed-b", "ed-a"), issuer="https://other.test")
    group = suite.group("A distrusted key of the first server.", config(first, second, distrusted_keys=listed))
    for id, comment, credential, faults in (
        ("kid", "The kid that is listed.", token(), "unknown_key"),
        ("other-material", "The kid with a signature of another key.", signed_by("ed-b", "EdDSA", "ed-a"), "unknown_key"),
        ("renamed", "The same key under another kid.", signed_by("ed-a", "EdDSA", "renamed"), "unknown_key"),
        ("others", "Another key of the server.", signed_by("ec-a", "ES256"), OK),
        ("no-kid", "Without a kid only the trusted key fits.", jws(header(kid=ABSENT), claims(), "ed-b"), OK),
        ("other-server", "The same kid of the other server.", signed_by("ed-b", "EdDSA", "ed-a", iss="https://other.test"), OK),
    ):
        group.credential(f"distrusted-{id}", comment, credential, faults, *refs)
    group = suite.group("A distrusted key in an outage.", config(unreachable_server(), distrusted_keys=listed))
    group.credential("distrusted-outage", "It is unknown without a look at the keys.", token(), "unknown_key", *refs)
