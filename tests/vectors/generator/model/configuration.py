"""A configuration with its defaults filled in (rules section 1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .declared import with_declared
from .presets import completed

DEFAULT_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
DEFAULT_SCOPE_CLAIMS: list[Any] = ["scope", "scp", "scopes", "permissions"]
DEFAULT_CLIENT_ID_CLAIMS = ["client_id", "azp", "appid", "cid"]
WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True)
class AuthorizationServer:
    issuers: list[str]
    jwks: dict[str, Any] | None
    advertise: str | None
    algorithms: list[str]
    token_format: str
    additional_audiences: list[str]
    unsafe_client_audience: dict[str, Any] | None
    scope_claims: list[Any]
    scope_prefix: str
    client_id_claims: list[str]
    required_claims: dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    resource: str
    servers: list[AuthorizationServer]
    scopes_supported: list[str] = field(default_factory=list)
    required_scopes: list[str] = field(default_factory=list)
    initial_scopes: list[str] = field(default_factory=list)
    policy: dict[str, Any] | None = None
    scope_implications: dict[str, list[str]] = field(default_factory=dict)
    scope_wildcards: bool = False
    additional_audiences: list[str] = field(default_factory=list)
    reject_foreign_audiences: bool = False
    leeway_seconds: int = 30
    max_token_age_seconds: int | None = None
    max_token_lifetime_seconds: int | None = None
    challenge_scopes: str = "required_and_granted"
    refusal_body: str = "auto"
    metadata: dict[str, Any] = field(default_factory=dict)
    serve_root_metadata: bool = False
    serve_authorization_server_metadata: bool = False
    cors_origins: list[str] = field(default_factory=list)
    allowed_origins: list[str] | None = None
    distrusted_keys: list[dict[str, str]] = field(default_factory=list)
    rsa_max_bits: int = 4096

    def distrusted_kids(self, server: AuthorizationServer) -> set[str]:
        return {key["kid"] for key in self.distrusted_keys if key["issuer"] in server.issuers}

    def metadata_path(self) -> str:
        """Only the slash directly after the host is dropped."""
        path = urlsplit(self.resource).path
        return WELL_KNOWN + ("" if path == "/" else path)

    def metadata_url(self) -> str:
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}{self.metadata_path()}"


def read_configuration(document: dict[str, Any], declared: list[dict[str, Any]] | None = None) -> Configuration:
    """The configuration of a group, with what is declared beside it. It is taken to be a good one."""
    members = dict(document)
    if declared is not None:
        members["policy"] = with_declared(members.get("policy"), declared)
    servers = [_read_server(entry) for entry in members.pop("authorization_servers")]
    rsa_max_bits = members.pop("keys", {}).get("rsa_max_bits", 4096)
    return Configuration(servers=servers, rsa_max_bits=rsa_max_bits, **members)


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The configuration that `derive` makes of another one: given members replace, those in `reset` are dropped before."""
    reset = changes.get("reset", [])
    left = {name: member for name, member in document.items() if name not in reset and "all" not in reset}
    return left | {name: member for name, member in changes.items() if name != "reset"}


def same_name(algorithm: str) -> str:
    """`Ed25519` is the same as `EdDSA`."""
    return "EdDSA" if algorithm == "Ed25519" else algorithm


def _read_server(entry: dict[str, Any]) -> AuthorizationServer:
    if "tenants" in entry:  # with keys at one place, as a list of issuers
        entry = entry | {"issuer": [entry["issuer"].replace("{tenant}", tenant) for tenant in entry["tenants"]]}
    entry = completed(entry)
    issuers = entry["issuer"] if isinstance(entry["issuer"], list) else [entry["issuer"]]
    advertise = entry.get("advertise", entry.get("metadata_issuer", issuers[0]))
    return AuthorizationServer(
        issuers=issuers,
        jwks=entry.get("jwks"),
        advertise=advertise or None,
        algorithms=[same_name(name) for name in entry.get("algorithms", DEFAULT_ALGORITHMS)],
        token_format=entry.get("token_format", "generic"),
        additional_audiences=entry.get("additional_audiences", []),
        unsafe_client_audience=entry.get("unsafe_client_audience"),
        scope_claims=entry.get("scope_claims", DEFAULT_SCOPE_CLAIMS),
        scope_prefix=entry.get("scope_prefix", ""),
        client_id_claims=entry.get("client_id_claims", DEFAULT_CLIENT_ID_CLAIMS),
        required_claims=entry.get("required_claims", {}),
    )
