"""joserfc: a registry of headers and a registry of claims, both as strict as they go."""

from __future__ import annotations

from typing import Any

from cases import AT_JWT, Judge, Profile
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter


def judge(profile: Profile) -> Judge:
    keys = KeySet.import_key_set(profile.jwks)  # type: ignore[arg-type]
    types = {"typ": HeaderParameter("Type", _check_type, required=True)} if profile.is_rfc9068 else None
    headers = JWSRegistry(header_registry=types, algorithms=profile.algorithms)
    claims = jwt.JWTClaimsRegistry(now=profile.now, leeway=profile.leeway, **_options(profile))

    def refusal(token: bytes) -> str | None:
        try:
            claims.validate(jwt.decode(token, keys, algorithms=profile.algorithms, registry=headers).claims)
        except Exception as error:
            return type(error).__name__
        return None

    return refusal


def _options(profile: Profile) -> dict[str, Any]:
    options: dict[str, Any] = {claim: {"essential": True} for claim in profile.required_claims}
    options["iss"]["value"] = profile.issuer
    options["aud"]["value"] = profile.audience
    return options


def _check_type(typ: Any) -> None:
    if not isinstance(typ, str) or typ.lower() not in AT_JWT:
        raise ValueError("must be at+jwt")
