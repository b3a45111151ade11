"""The configuration as Python types. The core checks it; unknown keys are errors there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict

from scopegate._errors import ConfigError

Entry = list[str] | tuple[str, ...] | Literal["deny"]
"""What a call needs: scopes, all of them, or ``"deny"``."""

PresetName = Literal[
    "scalekit",
    "entra",
    "entra_v1",
    "cognito",
    "okta",
    "keycloak",
    "auth0",
    "workos",
    "descope",
    "authentik",
    "adfs",
]
"""What the tokens of an issuer are like, by a name: ``docs/issuers`` says what each stands for."""


class ClientAudience(TypedDict):
    """A claim that stands in for an absent ``aud``."""

    claim: str
    values: Sequence[str]


class _Issuer(TypedDict):
    issuer: str | Sequence[str]


class AuthorizationServer(_Issuer, total=False):
    """An authorization server whose tokens are accepted. Members given beside ``preset`` replace the preset's."""

    tenants: Sequence[str]
    preset: PresetName
    discovery_url: str
    metadata_issuer: str
    advertise: str | bool
    jwks: Mapping[str, object]
    jwks_file: str
    jwks_uri: str
    algorithms: Sequence[str]
    token_format: Literal["generic", "rfc9068"]
    additional_audiences: Sequence[str]
    unsafe_client_audience: ClientAudience
    scope_claims: Sequence[str | Sequence[str]]
    scope_prefix: str
    client_id_claims: Sequence[str]
    required_claims: Mapping[str, object]


class _Default(TypedDict):
    default: Entry


class Policy(_Default, total=False):
    """Which scopes each MCP call needs.

    A key may end with ``*``; in ``resources`` after a slash or a scheme, where it stands for whole segments.
    ``headers_verified`` is for a server that compares ``Mcp-Method`` and ``Mcp-Name`` with the body.
    """

    methods: Mapping[str, Entry]
    tools: Mapping[str, Entry]
    resources: Mapping[str, Entry]
    prompts: Mapping[str, Entry]
    max_body_bytes: int
    headers_verified: bool


class SourceSnapshot(TypedDict):
    """The key set of one authorization server, outside of a process."""

    issuers: Sequence[str]
    age_seconds: int
    ttl_seconds: int
    keys: Sequence[Mapping[str, object]]


class KeySnapshot(TypedDict):
    """What ``ResourceServer.export_keys`` returns and ``keys["snapshot"]`` takes: JSON can hold it."""

    version: int
    exported_at: int
    sources: Sequence[SourceSnapshot]


class Keys(TypedDict, total=False):
    """How key sets are kept."""

    default_ttl_seconds: int
    max_stale_seconds: int
    unknown_key_interval_seconds: int
    max_waiters: int
    background_refresh: bool
    snapshot: KeySnapshot
    rsa_max_bits: int


class TokenCache(TypedDict, total=False):
    """How many verified tokens are kept, and in how much memory. 0 for either turns it off."""

    capacity: int
    max_bytes: int


class Events(TypedDict, total=False):
    """How many audit events are kept until they are drained."""

    capacity: int


class DistrustedKey(TypedDict):
    """A key that is not trusted, whatever its issuer publishes."""

    issuer: str
    kid: str


class ClientCertificate(TypedDict, total=False):
    """What is shown to a server that asks for a certificate: certificate and private key, each in a file or as text."""

    certificate_file: str
    certificate_pem: str
    key_file: str
    key_pem: str


class Http(TypedDict, total=False):
    """How key sets and metadata are fetched."""

    timeout_seconds: int
    ca_file: str
    ca_pem: str
    proxy: str
    user_agent: str
    client_certificate: ClientCertificate
    allow_private_addresses: bool
    insecure_hosts: Sequence[str]


class _Required(TypedDict):
    resource: str
    authorization_servers: Sequence[str | AuthorizationServer]


class _Optional(TypedDict, total=False):
    scopes_supported: Sequence[str]
    required_scopes: Sequence[str]
    initial_scopes: Sequence[str]
    policy: Policy
    scope_implications: Mapping[str, Sequence[str]]
    scope_wildcards: bool
    additional_audiences: Sequence[str]
    reject_foreign_audiences: bool
    leeway_seconds: int
    max_token_age_seconds: int
    max_token_lifetime_seconds: int
    challenge_scopes: Literal["required_and_granted", "required"]
    refusal_body: Literal["auto", "oauth"]
    metadata: Mapping[str, object]
    serve_root_metadata: bool
    serve_authorization_server_metadata: bool
    cors_origins: Sequence[str]
    allowed_origins: Sequence[str]
    distrusted_keys: Sequence[DistrustedKey]
    keys: Keys
    token_cache: TokenCache
    events: Events
    http: Http


class Configuration(_Required, _Optional, total=False):
    """The configuration of a resource server. ``resource`` and ``authorization_servers`` alone are a complete one."""


class ConfigurationMembers(_Optional, total=False):
    """Members of a configuration, each of which may be left out."""

    resource: str
    authorization_servers: Sequence[str | AuthorizationServer]


def to_json(configuration: Mapping[str, object]) -> str:
    """The configuration as the core reads it.

    Raises ``ConfigError`` for each value that JSON cannot hold.
    """
    mistakes = [
        (path, f"expected a value that JSON can hold, not {found}") for path, found in _unfit("", configuration)
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return json.dumps(configuration)


def list_to_json(offered: Iterable[object]) -> str:
    """A list of mappings as the core reads it.

    Raises ``ConfigError`` for each value that JSON cannot hold.
    """
    entries = [dict(entry) if isinstance(entry, Mapping) else entry for entry in offered]
    mistakes = [(path, f"expected a value that JSON can hold, not {found}") for path, found in _unfit("", entries)]
    if mistakes:
        raise ConfigError(mistakes)
    return json.dumps(entries)


def key_set_to_json(jwks: Mapping[str, object] | str) -> str:
    """The key set as the core reads it.

    Raises ``ValueError`` for the first value that JSON cannot hold.
    """
    if isinstance(jwks, str):
        return jwks
    if not isinstance(jwks, Mapping):
        raise TypeError("jwks: expected a mapping or JSON text")
    members = dict(jwks)
    for path, found in _unfit("jwks", members):
        raise ValueError(f"{path}: expected a value that JSON can hold, not {found}")
    return json.dumps(members)


def _unfit(path: str, value: object) -> list[tuple[str, str]]:
    """Path and type of each value that JSON cannot hold."""
    if isinstance(value, dict):
        members = [(f"{path}.{key}" if path else str(key), key, member) for key, member in value.items()]
        keys = [(at, f"a key of type {type(key).__name__}") for at, key, _ in members if not isinstance(key, str)]
        return keys + [unfit for at, _, member in members for unfit in _unfit(at, member)]
    if isinstance(value, (list, tuple)):
        return [unfit for index, item in enumerate(value) for unfit in _unfit(f"{path}[{index}]", item)]
    if isinstance(value, float) and not math.isfinite(value):
        return [(path, str(value))]
    if value is None or isinstance(value, (bool, int, float, str)):
        return []
    return [(path, type(value).__name__)]
