"""What goes on the wire: status, headers and body of each refusal (rules section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..strict_json import compact
from .call import known_id
from .configuration import Configuration
from .policy import policy_scopes

NUMBERS = {
    "missing_token": 2001,
    "multiple_credentials": 2003,
    "malformed_call": 2004,
    "call_too_large": 2005,
    "token_too_large": 3001,
    "malformed_token": 3002,
    "type_not_allowed": 3003,
    "algorithm_not_allowed": 3004,
    "critical_header": 3005,
    "sender_constrained": 3006,
    "not_an_access_token": 3007,
    "unknown_key": 4001,
    "ambiguous_key": 4002,
    "bad_signature": 4003,
    "missing_claim": 5001,
    "malformed_claim": 5002,
    "untrusted_issuer": 5003,
    "wrong_audience": 5004,
    "expired": 5005,
    "not_yet_valid": 5006,
    "too_old": 5007,
    "claim_not_allowed": 5008,
    "lifetime_too_long": 5009,
    "insufficient_scope": 6001,
    "policy_denied": 6002,
    "origin_denied": 6003,
    "keys_unavailable": 7001,
    "internal": 9001,
    "clock_unusable": 9002,
}
MAX_CHALLENGE = 4096
_INVALID = "Bearer token is invalid or expired"


@dataclass(frozen=True)
class Refusal:
    """Everything the answer depends on."""

    config: Configuration
    request: dict[str, Any]
    reason: str
    need: list[str]
    granted: list[str]
    call_id: Any = None
    rpc_code: int = -32600
    rpc_message: str = "Invalid Request"


def response(refusal: Refusal) -> dict[str, Any]:
    """Status, headers in their order, and the body's text."""
    status, challenge, body = _ROWS.get(refusal.reason, _invalid_token)(refusal)
    headers = [["Content-Type", "application/json"], ["Cache-Control", "no-store"]]
    if challenge is not None:
        headers.append(["WWW-Authenticate", challenge])
    if refusal.reason == "keys_unavailable":
        headers.append(["Retry-After", "1"])
    return {"status": status, "headers": headers + _cors(refusal), "body": body}


def _missing_token(refusal: Refusal) -> tuple[int, str, str]:
    body = _oauth("unauthorized", "Bearer token required")
    return 401, _challenge(refusal, scopes=_first_scopes(refusal)), compact(body)


def _multiple_credentials(refusal: Refusal) -> tuple[int, str, str]:
    body = _oauth("invalid_request", "More than one credential was sent")
    return 400, _challenge(refusal, error="invalid_request"), compact(body)


def _invalid_token(refusal: Refusal) -> tuple[int, str, str]:
    challenge = _challenge(refusal, error="invalid_token", scopes=_first_scopes(refusal), description=_INVALID)
    return 401, challenge, compact(_oauth("invalid_token", _INVALID))


def _insufficient_scope(refusal: Refusal) -> tuple[int, str, str]:
    description = "Required scope: " + " ".join(refusal.need)

    def challenge(scopes: list[str]) -> str:
        return _challenge(refusal, error="insufficient_scope", scopes=scopes, description=description)

    header = challenge(_distinct(refusal.need + _granted_and_known(refusal)))
    if len(header) > MAX_CHALLENGE:
        header = challenge(refusal.need)
    body = _oauth("insufficient_scope", description) | {"scope": " ".join(refusal.need)}
    return 403, header, _forbidden_body(refusal, body)


def _policy_denied(refusal: Refusal) -> tuple[int, str, str]:
    return 403, _challenge(refusal), _forbidden_body(refusal, _oauth("access_denied", "Not allowed"))


def _malformed_call(refusal: Refusal) -> tuple[int, None, str]:
    known = refusal.rpc_code == -32020 and known_id(refusal.call_id)
    return 400, None, _json_rpc(refusal.call_id if known else None, refusal.rpc_code, refusal.rpc_message)


def _call_too_large(_: Refusal) -> tuple[int, None, str]:
    return 413, None, _json_rpc(None, -32600, "Request too large")


def _origin_denied(_: Refusal) -> tuple[int, None, str]:
    return 403, None, compact(_oauth("access_denied", "Origin not allowed"))


def _keys_unavailable(_: Refusal) -> tuple[int, None, str]:
    return (503, None, compact(_oauth("temporarily_unavailable", "Token keys are unavailable, try again later")))


def _internal(_: Refusal) -> tuple[int, None, str]:
    return 500, None, compact(_oauth("server_error", "Internal error"))


_ROWS: dict[str, Any] = {
    "missing_token": _missing_token,
    "multiple_credentials": _multiple_credentials,
    "malformed_call": _malformed_call,
    "call_too_large": _call_too_large,
    "insufficient_scope": _insufficient_scope,
    "policy_denied": _policy_denied,
    "origin_denied": _origin_denied,
    "keys_unavailable": _keys_unavailable,
    "internal": _internal,
    "clock_unusable": _internal,
}


def _challenge(refusal: Refusal, error: str = "", scopes: list[str] | None = None, description: str = "") -> str:
    parameters = {
        "error": error,
        "scope": " ".join(scopes or []),
        "resource_metadata": refusal.config.metadata_url(),
        "error_description": description,
    }
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)


def _first_scopes(refusal: Refusal) -> list[str]:
    """What a 401 asks for: never the policy's scopes, since the body is not read for strangers."""
    config = refusal.config
    return config.initial_scopes or _distinct(config.required_scopes + refusal.request.get("scopes", []))


def _granted_and_known(refusal: Refusal) -> list[str]:
    config = refusal.config
    if config.challenge_scopes != "required_and_granted":
        return []
    known = config.required_scopes + config.initial_scopes + config.scopes_supported + policy_scopes(config.policy)
    return [scope for scope in known if scope in refusal.granted]


def _forbidden_body(refusal: Refusal, body: dict[str, str]) -> str:
    as_rpc = refusal.config.refusal_body == "auto" and refusal.request["method"] == "POST"
    if as_rpc and known_id(refusal.call_id):
        return _json_rpc(refusal.call_id, -32001, body["error_description"], body)
    return compact(body)


def _json_rpc(call_id: Any, code: int, message: str, data: Any = None) -> str:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return compact({"jsonrpc": "2.0", "id": call_id, "error": error})


def _oauth(error: str, description: str) -> dict[str, str]:
    return {"error": error, "error_description": description}


def _cors(refusal: Refusal) -> list[list[str]]:
    origin = refusal.request.get("origin", [])
    if len(origin) != 1 or origin[0] not in refusal.config.cors_origins:
        return []
    return [
        ["Access-Control-Allow-Origin", origin[0]],
        ["Vary", "Origin"],
        ["Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"],
    ]


def _distinct(scopes: list[str]) -> list[str]:
    return list(dict.fromkeys(scopes))
