"""What each preset stands for (rules section 1, `preset`), stated a second time: in suites and docs, not in the core."""

from __future__ import annotations

import re
from typing import Any

_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_HOST = r"https?://(?P<host>[^/]+)"

_RS256 = ["RS256"]

PRESETS: dict[str, dict[str, Any]] = {
    "scalekit": {
        "form": rf"(?P<environment>{_HOST})/resources/(?P<resource>[^/]+)",
        "algorithms": _RS256,
        "further_issuers": ["{environment}"],
        "additional_audiences": ["{resource}"],
        "scope_claims": ["scopes", "scope"],
        "client_id_claims": ["client_id"],
    },
    "entra": {
        "form": rf"{_HOST}/(?P<tenant>{_GUID})/v2\.0",
        "algorithms": _RS256,
        "scope_claims": ["scp"],
        "client_id_claims": ["azp"],
        "required_claims": {"ver": "2.0"},
    },
    "entra_v1": {
        "form": rf"{_HOST}/(?P<tenant>{_GUID})/",
        "algorithms": _RS256,
        "scope_claims": ["scp"],
        "client_id_claims": ["appid"],
        "required_claims": {"ver": "1.0"},
        "advertise": "https://login.microsoftonline.com/{tenant}/v2.0",
    },
    "cognito": {
        "form": rf"{_HOST}/[^/]+",
        "algorithms": _RS256,
        "scope_claims": ["scope"],
        "client_id_claims": ["client_id"],
        "required_claims": {"token_use": "access"},
    },
    "okta": {"form": rf"{_HOST}/oauth2/[^/]+", "algorithms": _RS256, "scope_claims": ["scp"], "client_id_claims": ["cid"]},
    "keycloak": {
        "form": r"https?://.+/realms/[^/]+",
        "algorithms": ["RS256", "PS256", "ES256", "EdDSA"],
        "scope_claims": ["scope"],
        "client_id_claims": ["azp"],
        "required_claims": {"typ": "Bearer"},
    },
    "auth0": {
        "form": rf"{_HOST}/",
        "algorithms": ["RS256", "PS256"],
        "scope_claims": ["scope", "permissions"],
        "client_id_claims": ["client_id", "azp"],
    },
    "workos": {"form": _HOST, "algorithms": _RS256, "scope_claims": ["scope"], "client_id_claims": ["client_id", "azp"]},
    "descope": {
        "form": rf"{_HOST}/v1/apps/agentic/[^/]+/[^/]+",
        "algorithms": _RS256,
        "scope_claims": ["scope"],
        "client_id_claims": ["client_id", "azp"],
    },
    "authentik": {"form": r"https?://.+/", "algorithms": ["RS256", "ES256"], "scope_claims": ["scope"], "client_id_claims": ["azp"]},
    "adfs": {
        "form": r"http://(?P<host>[^/]+)/adfs/services/trust",
        "algorithms": _RS256,
        "scope_claims": ["scp"],
        "client_id_claims": ["appid"],
        "metadata_issuer": "https://{host}/adfs",
    },
}


def completed(entry: dict[str, Any]) -> dict[str, Any]:
    """An authorization server object with what its preset adds to it; what the object says itself stays."""
    if "preset" not in entry:
        return entry
    preset = PRESETS[entry["preset"]]
    issuers = entry["issuer"] if isinstance(entry["issuer"], list) else [entry["issuer"]]
    parts = re.fullmatch(preset["form"], issuers[0])
    if parts is None:
        raise ValueError(f"{issuers[0]} is no issuer of {entry['preset']}")
    added = {name: _filled(value, parts.groupdict()) for name, value in preset.items() if name != "form"}
    further = added.pop("further_issuers", [])
    if not isinstance(entry["issuer"], list):
        added["issuer"] = issuers + further
    return entry | {name: value for name, value in added.items() if name not in entry or name == "issuer"}


def _filled(value: Any, parts: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(element, parts) for element in value]
    return value.format(**parts) if isinstance(value, str) else value
