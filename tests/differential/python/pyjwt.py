"""PyJWT: decode with every option that makes it stricter, and the header checks that its users write themselves."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import jwt
import jwt.api_jwt
from cases import AT_JWT, Judge, Profile
from jwt.api_jwk import PyJWK
from jwt.types import Options


class _Refused(Exception):
    """What the judge itself finds wrong with a header."""


def judge(profile: Profile) -> Judge:
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(profile.jwks)}
    # Not strict_aud: it refuses lists, which RFC 7519 section 4.1.3 allows.
    options: Options = {"require": profile.required_claims, "enforce_minimum_key_length": True}
    frozen = _clock(profile.now)

    def refusal(token: bytes) -> str | None:
        jwt.api_jwt.datetime = frozen  # type: ignore[attr-defined]
        try:
            header = jwt.get_unverified_header(token)
            if profile.is_rfc9068:
                _check_type(header)
            jwt.decode(
                token,
                _key(keys, header),
                algorithms=profile.algorithms,
                options=options,
                issuer=profile.issuer,
                audience=profile.audience,
                leeway=profile.leeway,
            )
        except Exception as error:
            return type(error).__name__.lstrip("_")
        return None

    return refusal


def _check_type(header: dict[str, Any]) -> None:
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower() not in AT_JWT:
        raise _Refused("typ")


def _key(keys: dict[str | None, PyJWK], header: dict[str, Any]) -> PyJWK:
    """The key that `kid` names, or the only one of the algorithm. A PyJWK is bound to its algorithm."""
    if "kid" in header:
        if header["kid"] not in keys:
            raise _Refused("kid")
        return keys[header["kid"]]
    fitting = [key for key in keys.values() if key.algorithm_name == header.get("alg")]
    if len(fitting) != 1:
        raise _Refused("kid")
    return fitting[0]


def _clock(now: int) -> type[datetime]:
    """PyJWT has no option for the time: it asks datetime.now."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(now, tz)

    return Frozen
