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
    """The claim. Required."""
    values: Sequence[str]
    """Its accepted values. Required."""


class _Issuer(TypedDict):
    issuer: str | Sequence[str]
    """The accepted ``iss``, or a list of accepted values that share one key source; compared exactly. Required."""


class AuthorizationServer(_Issuer, total=False):
    """An authorization server whose tokens are accepted. Members given beside ``preset`` replace the preset's."""

    tenants: Sequence[str]
    """What ``{tenant}`` in the issuer stands for: each tenant's issuer is accepted, compared exactly. ``{tenant}`` may
    also stand in ``discovery_url``, ``metadata_issuer``, ``advertise`` and ``jwks_uri``. Each tenant is an
    authorization server with keys of its own; where all keys are at one place without ``{tenant}``, the tenants share
    them like a list of issuers.
    """
    preset: PresetName
    """What the tokens of a product are like: a name for values of the members below, of which those given here replace
    its own. ``docs/issuers`` has a page for each.
    """
    discovery_url: str
    """Where the discovery document is. Default: derived from the issuer, RFC 8414 section 3."""
    metadata_issuer: str
    """What the discovery document must call itself. Default: the first issuer."""
    advertise: str | bool
    """The identifier in our metadata; ``False`` leaves this server out. Default: ``metadata_issuer``."""
    jwks: Mapping[str, object]
    """The key set itself (RFC 7517 section 5): nothing is fetched."""
    jwks_file: str
    """A file that holds the key set: nothing is fetched. It is read once, when the server is made."""
    jwks_uri: str
    """The URL of the key set, in the place of discovery."""
    algorithms: Sequence[str]
    """The accepted algorithms, of RS, PS and ES with 256, 384 and 512 bits, and EdDSA. ``none`` and HMAC do not exist
    here. Default: RS256, PS256, ES256, EdDSA.
    """
    token_format: Literal["generic", "rfc9068"]
    """What a token of this issuer must look like. ``"generic"``: A JWT with a scope or client claim that is no other
    kind of token. ``"rfc9068"``: An RFC 9068 access token: ``typ`` ``at+jwt`` and every required claim. Default:
    ``generic``.
    """
    additional_audiences: Sequence[str]
    """Further ``aud`` values accepted from this issuer."""
    unsafe_client_audience: ClientAudience
    """A claim that stands in for an absent ``aud``."""
    scope_claims: Sequence[str | Sequence[str]]
    """Where a token says its scopes: the first claim that is present. A list is the path to a claim within objects.
    Default: scope, scp, scopes, permissions.
    """
    scope_prefix: str
    """What is put before each scope of a token that lacks it."""
    client_id_claims: Sequence[str]
    """Where a token says its client: the first claim that is present. Default: client_id, azp, appid, cid."""
    required_claims: Mapping[str, object]
    """Claims that must have this value, or one of these values."""


class _Default(TypedDict):
    default: Entry
    """The rule of a call of which no map has the method or the name. Required."""


class Policy(_Default, total=False):
    """Which scopes each MCP call needs.

    A key may end with ``*``; in ``resources`` after a slash or a scheme, where it stands for whole segments.
    ``headers_verified`` is for a server that compares ``Mcp-Method`` and ``Mcp-Name`` with the body.
    """

    methods: Mapping[str, Entry]
    """Rules by JSON-RPC method; ``*`` may stand once, as the last character."""
    tools: Mapping[str, Entry]
    """Rules by the tool's name; ``*`` may stand once, as the last character."""
    resources: Mapping[str, Entry]
    """Rules by the resource's URI, in the form that URIs are compared in: without query and fragment, scheme and host
    in lower case, nothing escaped that need not be, everything beyond ASCII escaped. ``*`` may stand once, as the last
    character, after a slash or a scheme: it stands for any number of whole segments.
    """
    prompts: Mapping[str, Entry]
    """Rules by the prompt's name; ``*`` may stand once, as the last character."""
    max_body_bytes: int
    """The largest body that is read, in bytes. Range: 1 to 1073741824. Default: 4194304."""
    headers_verified: bool
    """The server behind compares ``Mcp-Method`` and ``Mcp-Name`` with the body (MCP 2026-07-28 and later), so that they
    may stand for it: then a body is asked for only where they do not say all. Wrong if set for a server that does not.
    Default: ``False``.
    """


class SourceSnapshot(TypedDict):
    """The key set of one authorization server, outside of a process."""

    issuers: Sequence[str]
    """All accepted ``iss`` values of the server: the keys are imported for a server that has exactly these. Required.
    """
    age_seconds: int
    """How old the set was at the export, in seconds. Required."""
    ttl_seconds: int
    """From which age on the set is overdue, in seconds. Required."""
    keys: Sequence[Mapping[str, object]]
    """Its usable keys as public JWKs, each with the algorithm that it was bound to. Required."""


class KeySnapshot(TypedDict):
    """What ``ResourceServer.export_keys`` returns and ``keys["snapshot"]`` takes: JSON can hold it."""

    version: int
    """The version of this format: 1. Required."""
    exported_at: int
    """Wall time of the export, in seconds since 1970: the keys go on ageing while the snapshot lies around. Required.
    """
    sources: Sequence[SourceSnapshot]
    """The key sets that were usable then. Required."""


class Keys(TypedDict, total=False):
    """How key sets are kept."""

    default_ttl_seconds: int
    """How long a set is fresh whose response does not say, in seconds. Range: 300 to 3600. Default: 600."""
    max_stale_seconds: int
    """How long a set is used while its server cannot be reached, in seconds: 0, or at least 60. Range: 0 to 604800.
    Default: 86400.
    """
    unknown_key_interval_seconds: int
    """A key that is not held may be asked for once in this many seconds. Range: 5 to 3600. Default: 30."""
    max_waiters: int
    """How many requests may wait for one fetch. Range: 1 to 100000. Default: 64."""
    background_refresh: bool
    """Whether sets are fetched when they are due without a request that waits. ``False`` is for hosts that freeze
    between requests: the request that finds a set due fetches, waits for at most 2 seconds, and else uses what is held.
    Default: ``True``.
    """
    snapshot: KeySnapshot
    """Keys to begin with, as ``export_keys`` wrote them. They age on since then, and are fetched anew when they are
    due; keys of servers that are not configured, and keys that are too old, are passed over.
    """
    rsa_max_bits: int
    """The largest RSA key, in bits. Range: 2048 to 8192. Default: 4096."""


class TokenCache(TypedDict, total=False):
    """How many verified tokens are kept, and in how much memory. 0 for either turns it off."""

    capacity: int
    """How many tokens. Range: 0 to 1000000. Default: 10000."""
    max_bytes: int
    """How much memory they may take, in bytes: 0, or at least 65536. Range: 0 to 17179869184. Default: 67108864."""


class Events(TypedDict, total=False):
    """How many audit events are kept until they are drained."""

    capacity: int
    """How many events. What comes when there is no room is counted and dropped. Range: 1 to 1000000. Default: 8192."""


class DistrustedKey(TypedDict):
    """A key that is not trusted, whatever its issuer publishes."""

    issuer: str
    """One of the issuers of a server in ``authorization_servers``. Required."""
    kid: str
    """The ``kid``, 1 to 256 bytes. Required."""


class ClientCertificate(TypedDict, total=False):
    """What is shown to a server that asks for a certificate: certificate and private key, each in a file or as text."""

    certificate_file: str
    """A PEM file with the certificate, then those that lead to its CA."""
    certificate_pem: str
    """The same as text."""
    key_file: str
    """A PEM file with the private key, without a passphrase. Needless where the certificate's PEM holds it too."""
    key_pem: str
    """The same as text."""


class Http(TypedDict, total=False):
    """How key sets and metadata are fetched."""

    timeout_seconds: int
    """The time for one fetch, from the name look-up to the last byte, in seconds. Range: 1 to 30. Default: 5."""
    ca_file: str
    """A file of PEM certificates that are trusted beside the platform's."""
    ca_pem: str
    """PEM certificates that are trusted beside the platform's."""
    proxy: str
    """The URL of an HTTP proxy. Default: the environment's ``HTTPS_PROXY`` and its kin."""
    user_agent: str
    """The ``User-Agent`` of our requests. Default: ``scopegate/`` and the version."""
    client_certificate: ClientCertificate
    """What we show to a server, or an https proxy, that asks for a certificate in the TLS handshake."""
    allow_private_addresses: bool
    """Whether a ``jwks_uri`` from a discovery document may lead to a private address. Default: ``False``."""
    insecure_hosts: Sequence[str]
    """Host names, compared exactly, that may be asked over plain http."""


class _Required(TypedDict):
    resource: str
    """The RFC 8707 identifier of the server: exactly the URL that users paste into a client. It is the audience that
    every token must name and the source of the metadata URL. https, or http on loopback. Required.
    """
    authorization_servers: Sequence[str | AuthorizationServer]
    """Who may issue tokens: issuer identifiers, or objects. At least one. Required."""


class _Optional(TypedDict, total=False):
    scopes_supported: Sequence[str]
    """The scopes that the metadata advertises. Default: the member is left out."""
    required_scopes: Sequence[str]
    """The scopes that every request needs."""
    initial_scopes: Sequence[str]
    """The scopes that a 401 asks for. Default: the need of the request."""
    policy: Policy
    """Which scopes an MCP call needs, by its method, tool, resource and prompt. Default: ``required_scopes`` alone."""
    scope_implications: Mapping[str, Sequence[str]]
    """Scopes that a granted scope covers beside itself."""
    scope_wildcards: bool
    """Whether a granted ``a:b:*`` covers every scope that begins with ``a:b:``. Default: ``False``."""
    additional_audiences: Sequence[str]
    """Further accepted ``aud`` values, compared exactly. Each widens what is accepted."""
    reject_foreign_audiences: bool
    """Refuse a token whose ``aud`` also names someone else. Default: ``False``."""
    leeway_seconds: int
    """The clock difference that is allowed, in seconds. Range: 0 to 300. Default: 30."""
    max_token_age_seconds: int
    """Refuse tokens issued longer ago than this, in seconds; it makes ``iat`` required. Range: 1 to 31536000. Default:
    none.
    """
    max_token_lifetime_seconds: int
    """Refuse tokens that are valid for longer than this from their issue, in seconds; it makes ``iat`` required. Range:
    1 to 31536000. Default: none.
    """
    challenge_scopes: Literal["required_and_granted", "required"]
    """What the challenge of a 403 lists. ``"required_and_granted"``: The need of the request, then the granted scopes
    that the configuration knows: clients before 2026 replace their scopes by the challenge's. ``"required"``: The need
    of the request. Default: ``required_and_granted``.
    """
    refusal_body: Literal["auto", "oauth"]
    """The form of a 403's body. ``"auto"``: A JSON-RPC error for a POST whose id is known, the OAuth form otherwise.
    ``"oauth"``: Always the OAuth form. Default: ``auto``.
    """
    metadata: Mapping[str, object]
    """Further members of the metadata document (RFC 9728 section 2), in this order."""
    serve_root_metadata: bool
    """Also answer the root well-known path for a resource with a path. Default: ``False``."""
    serve_authorization_server_metadata: bool
    """Also serve the metadata of the first advertised authorization server (RFC 8414), for clients before MCP
    2025-06-18. Clients since then must refuse it, as its issuer is not the URL that they ask. Default: ``False``.
    """
    cors_origins: Sequence[str]
    """Origins whose scripts may read refusals."""
    allowed_origins: Sequence[str]
    """When set, a request with another ``Origin`` is refused before its token is read. Default: any."""
    distrusted_keys: Sequence[DistrustedKey]
    """Keys that are not trusted, whatever their issuer publishes."""
    keys: Keys
    """How keys are kept."""
    token_cache: TokenCache
    """How many verified tokens are kept."""
    events: Events
    """Whether an audit event of each decision is kept for the host to drain, and how many."""
    http: Http
    """How keys are fetched."""


class Configuration(_Required, _Optional, total=False):
    """The configuration of a resource server. ``resource`` and ``authorization_servers`` alone are a complete one."""


class ConfigurationMembers(_Optional, total=False):
    """Members of a configuration, each of which may be left out."""

    resource: str
    """The RFC 8707 identifier of the server: exactly the URL that users paste into a client. It is the audience that
    every token must name and the source of the metadata URL. https, or http on loopback. Required.
    """
    authorization_servers: Sequence[str | AuthorizationServer]
    """Who may issue tokens: issuer identifiers, or objects. At least one. Required."""


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
