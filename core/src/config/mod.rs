//! The configuration: one JSON document for every language.
//!
//! [`Config`] is what was written, [`Settings`] what was checked. Every mistake is found at once, each with the path
//! of its field and what is expected there.

pub(crate) mod changes;
pub(crate) mod environment;
mod files;
mod http;
mod mistakes;
pub(crate) mod offered;
mod presets;
#[cfg(feature = "schema")]
mod schema;
mod server;
mod servers;
mod settings;
mod snapshot;
mod tenants;
mod unknown_keys;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::snapshot::KeySnapshot;

pub use environment::ENVIRONMENT;
pub use mistakes::{ConfigError, ConfigMistake};
pub use offered::Offered;
pub use presets::{Preset, PresetMember, PresetWant};
pub use server::{Advertise, AuthorizationServer, ClaimPath, ClientAudience, Issuers, TokenFormat};
pub(crate) use settings::{
    AudienceRules, CacheLimits, DEFAULT_MAX_BODY_BYTES, ServerSettings, Settings, TimeRules, TokenRules,
    parameter_name_in,
};

/// The configuration of a [`ResourceServer`](crate::ResourceServer).
///
/// `resource` and `authorization_servers` are enough; every other member has a strict default. Unknown members are
/// errors, in nested objects too, so that an old library never ignores a new security setting.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["resource", "authorization_servers"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The RFC 8707 identifier of the server: exactly the URL that users paste into a client. It is the audience that
    /// every token must name and the source of the metadata URL. https, or http on loopback.
    ///
    /// Example: `"https://mcp.example.com/mcp"`.
    pub resource: String,
    /// Who may issue tokens: issuer identifiers, or objects. At least one.
    ///
    /// Example: `["https://as.example.com"]`.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::IssuerOrObject>"))]
    pub authorization_servers: Vec<AuthorizationServer>,
    /// The scopes that the metadata advertises (default: the member is left out).
    ///
    /// Example: `["mcp:tools:weather"]`.
    pub scopes_supported: Option<Vec<String>>,
    /// The scopes that every request needs.
    ///
    /// Example: `["mcp:use"]`.
    pub required_scopes: Vec<String>,
    /// The scopes that a 401 asks for (default: the need of the request).
    ///
    /// Example: `["mcp:use"]`.
    pub initial_scopes: Option<Vec<String>>,
    /// Which scopes an MCP call needs, by its method, tool, resource and prompt (default: `required_scopes` alone).
    ///
    /// Example: `{"default": "deny", "tools": {"weather": ["mcp:tools:weather"]}}`.
    pub policy: Option<PolicyConfig>,
    /// Scopes that a granted scope covers beside itself.
    ///
    /// Example: `{"mcp:admin": ["mcp:read", "mcp:write"]}`.
    pub scope_implications: BTreeMap<String, Vec<String>>,
    /// Whether a granted `a:b:*` covers every scope that begins with `a:b:`.
    pub scope_wildcards: bool,
    /// Further accepted `aud` values, compared exactly. Each widens what is accepted.
    ///
    /// Example: `["https://mcp.example.com"]`.
    pub additional_audiences: Vec<String>,
    /// Refuse a token whose `aud` also names someone else.
    pub reject_foreign_audiences: bool,
    /// The clock difference that is allowed, in seconds (default 30).
    ///
    /// Example: `5`.
    #[cfg_attr(feature = "schema", schemars(range(max = 300)))]
    pub leeway_seconds: Option<u64>,
    /// Refuse tokens issued longer ago than this, in seconds; it makes `iat` required.
    ///
    /// Example: `86400`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 31_536_000)))]
    pub max_token_age_seconds: Option<u64>,
    /// Refuse tokens that are valid for longer than this from their issue, in seconds; it makes `iat` required.
    ///
    /// Example: `3600`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 31_536_000)))]
    pub max_token_lifetime_seconds: Option<u64>,
    /// What the challenge of a 403 lists (default `required_and_granted`).
    pub challenge_scopes: ChallengeScopes,
    /// The form of a 403's body (default `auto`).
    pub refusal_body: RefusalBody,
    /// Further members of the metadata document (RFC 9728 section 2), in this order.
    ///
    /// Example: `{"resource_name": "Weather"}`.
    pub metadata: Map<String, Value>,
    /// Also answer the root well-known path for a resource with a path.
    pub serve_root_metadata: bool,
    /// Also serve the metadata of the first advertised authorization server (RFC 8414), for clients before MCP 2025-06-18.
    /// Clients since then must refuse it, as its issuer is not the URL that they ask.
    pub serve_authorization_server_metadata: bool,
    /// Origins whose scripts may read refusals.
    ///
    /// Example: `["https://app.example.com"]`.
    pub cors_origins: Vec<String>,
    /// When set, a request with another `Origin` is refused before its token is read (default: any).
    ///
    /// Example: `["https://app.example.com"]`.
    pub allowed_origins: Option<Vec<String>>,
    /// Keys that are not trusted, whatever their issuer publishes.
    ///
    /// Example: `[{"issuer": "https://as.example.com", "kid": "2026-01"}]`.
    pub distrusted_keys: Vec<DistrustedKey>,
    /// How many verified tokens are kept.
    ///
    /// Example: `{"capacity": 0}`.
    pub token_cache: TokenCacheConfig,
    /// Whether an audit event of each decision is kept for the host to drain, and how many (default: none).
    ///
    /// Example: `{"capacity": 1000}`.
    pub events: Option<EventsConfig>,
    /// How keys are kept.
    ///
    /// Example: `{"background_refresh": false}`.
    pub keys: KeysConfig,
    /// How keys are fetched.
    ///
    /// Example: `{"timeout_seconds": 3}`.
    pub http: HttpConfig,
}

/// What the challenge of a 403 lists.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChallengeScopes {
    /// The need of the request, then the granted scopes that the configuration knows: clients before 2026 replace
    /// their scopes by the challenge's.
    #[default]
    RequiredAndGranted,
    /// The need of the request.
    Required,
}

/// The form of a 403's body.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalBody {
    /// A JSON-RPC error for a POST whose id is known, the OAuth form otherwise.
    #[default]
    Auto,
    /// Always the OAuth form.
    Oauth,
}

/// Which scopes an MCP call needs, decided by its JSON-RPC body.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["default"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The rule of a call of which no map has the method or the name.
    ///
    /// Example: `"deny"`.
    pub default: Option<PolicyRule>,
    /// Rules by JSON-RPC method; `*` may stand once, as the last character.
    ///
    /// Example: `{"tools/list": [], "resources/*": ["mcp:read"]}`.
    pub methods: BTreeMap<String, PolicyRule>,
    /// Rules by the tool's name; `*` may stand once, as the last character.
    ///
    /// Example: `{"weather": ["mcp:tools:weather"], "drop_*": "deny"}`.
    pub tools: BTreeMap<String, PolicyRule>,
    /// Rules by the resource's URI, in the form that URIs are compared in: without query and fragment, scheme and host
    /// in lower case, nothing escaped that need not be, everything beyond ASCII escaped. `*` may stand once, as the
    /// last character, after a slash or a scheme: it stands for any number of whole segments.
    ///
    /// Example: `{"file:///reports/*": ["mcp:read"]}`.
    pub resources: BTreeMap<String, PolicyRule>,
    /// Rules by the prompt's name; `*` may stand once, as the last character.
    ///
    /// Example: `{"summarise": []}`.
    pub prompts: BTreeMap<String, PolicyRule>,
    /// The largest body that is read, in bytes (default 4194304).
    ///
    /// Example: `65536`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_073_741_824)))]
    pub max_body_bytes: Option<u64>,
    /// The server behind compares `Mcp-Method` and `Mcp-Name` with the body (MCP 2026-07-28 and later), so that they may
    /// stand for it: then a body is asked for only where they do not say all. Wrong if set for a server that does not.
    pub headers_verified: bool,
}

/// The scopes that a call needs, all of them, or that nobody may make it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "schema::NeedOrDeny"))]
pub enum PolicyRule {
    /// All of these are needed.
    Need(Vec<String>),
    /// Nobody may make this call: `"deny"`.
    Deny,
}

/// How keys are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KeysConfig {
    /// How long a set is fresh whose response does not say, in seconds (default 600).
    ///
    /// Example: `3600`.
    #[cfg_attr(feature = "schema", schemars(range(min = 300, max = 3600)))]
    pub default_ttl_seconds: Option<u64>,
    /// How long a set is used while its server cannot be reached, in seconds: 0, or at least 60 (default 86400).
    ///
    /// Example: `3600`.
    #[cfg_attr(feature = "schema", schemars(range(max = 604_800)))]
    pub max_stale_seconds: Option<u64>,
    /// A key that is not held may be asked for once in this many seconds (default 30).
    ///
    /// Example: `60`.
    #[cfg_attr(feature = "schema", schemars(range(min = 5, max = 3600)))]
    pub unknown_key_interval_seconds: Option<u64>,
    /// How many requests may wait for one fetch (default 64).
    ///
    /// Example: `256`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100_000)))]
    pub max_waiters: Option<u64>,
    /// The largest RSA key, in bits (default 4096).
    ///
    /// Example: `8192`.
    #[cfg_attr(feature = "schema", schemars(range(min = 2048, max = 8192)))]
    pub rsa_max_bits: Option<u64>,
    /// Whether sets are fetched when they are due without a request that waits (default `true`). `false` is for hosts that
    /// freeze between requests: the request that finds a set due fetches, waits for at most 2 seconds, and else uses
    /// what is held.
    pub background_refresh: Option<bool>,
    /// Keys to begin with, as `export_keys` wrote them. They age on since then, and are fetched anew when they are due;
    /// keys of servers that are not configured, and keys that are too old, are passed over.
    pub snapshot: Option<KeySnapshot>,
}

/// How many verified tokens are kept, so that the same token need not be verified for each request. Its times, scopes and
/// all else that can change are judged each time. 0 for either turns it off.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenCacheConfig {
    /// How many tokens (default 10000).
    ///
    /// Example: `0`.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub capacity: Option<u64>,
    /// How much memory they may take, in bytes: 0, or at least 65536 (default 67108864).
    ///
    /// Example: `1048576`.
    #[cfg_attr(feature = "schema", schemars(range(max = 17_179_869_184_u64)))]
    pub max_bytes: Option<u64>,
}

/// How many audit events are kept until the host drains them.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EventsConfig {
    /// How many events (default 8192). What comes when there is no room is counted and dropped.
    ///
    /// Example: `1000`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub capacity: Option<u64>,
}

/// A key that is not trusted: every key that its issuer publishes under this `kid`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["issuer", "kid"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DistrustedKey {
    /// One of the issuers of a server in `authorization_servers`.
    ///
    /// Example: `"https://as.example.com"`.
    pub issuer: String,
    /// The `kid`, 1 to 256 bytes.
    ///
    /// Example: `"2026-01"`.
    pub kid: String,
}

/// How keys are fetched.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The time for one fetch, from the name look-up to the last byte, in seconds (default 5).
    ///
    /// Example: `3`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 30)))]
    pub timeout_seconds: Option<u64>,
    /// A file of PEM certificates that are trusted beside the platform's.
    ///
    /// Example: `"/etc/scopegate/ca.pem"`.
    pub ca_file: Option<String>,
    /// PEM certificates that are trusted beside the platform's.
    pub ca_pem: Option<String>,
    /// The URL of an HTTP proxy (default: the environment's `HTTPS_PROXY` and its kin).
    ///
    /// Example: `"http://proxy.example.com:3128"`.
    pub proxy: Option<String>,
    /// The `User-Agent` of our requests (default `scopegate/` and the version).
    ///
    /// Example: `"weather/1.0"`.
    pub user_agent: Option<String>,
    /// Whether a `jwks_uri` from a discovery document may lead to a private address.
    pub allow_private_addresses: bool,
    /// Host names, compared exactly, that may be asked over plain http.
    ///
    /// Example: `["keys.cluster.local"]`.
    pub insecure_hosts: Vec<String>,
    /// What we show to a server, or an https proxy, that asks for a certificate in the TLS handshake.
    ///
    /// Example: `{"certificate_file": "/etc/scopegate/client.pem"}`.
    pub client_certificate: Option<ClientCertificate>,
}

impl fmt::Debug for HttpConfig {
    /// Without the credentials that the proxy's URL may carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("timeout_seconds", &self.timeout_seconds)
            .field("ca_file", &self.ca_file)
            .field("proxy", &self.proxy.as_deref().map(http::without_userinfo))
            .field("user_agent", &self.user_agent)
            .field("allow_private_addresses", &self.allow_private_addresses)
            .field("insecure_hosts", &self.insecure_hosts)
            .field("client_certificate", &self.client_certificate)
            .finish_non_exhaustive()
    }
}

/// A certificate for TLS with its private key, each in a file or as text.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// A PEM file with the certificate, then those that lead to its CA.
    ///
    /// Example: `"/etc/scopegate/client.pem"`.
    pub certificate_file: Option<String>,
    /// The same as text.
    pub certificate_pem: Option<String>,
    /// A PEM file with the private key, without a passphrase. Needless where the certificate's PEM holds it too.
    ///
    /// Example: `"/etc/scopegate/client.key"`.
    pub key_file: Option<String>,
    /// The same as text.
    pub key_pem: Option<String>,
}

impl fmt::Debug for ClientCertificate {
    /// Without the texts: they may hold the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The configuration of a resource whose tokens come from these issuers, everything else at its default.
    pub fn new<I, S>(resource: impl Into<String>, issuers: I) -> Config
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let authorization_servers =
            issuers.into_iter().map(|issuer| AuthorizationServer::new(issuer.into())).collect();
        Config { resource: resource.into(), authorization_servers, ..Config::default() }
    }

    /// Reads the JSON document. This finds what is wrong with its shape; [`ResourceServer::from_json`] finds that and
    /// what is wrong with its values in one go.
    ///
    /// [`ResourceServer::from_json`]: crate::ResourceServer::from_json
    pub fn from_json(json: &str) -> Result<Config, ConfigError> {
        let (config, mistakes) = mistakes::read(json);
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(mistakes.into()),
        }
    }

    /// Reads and checks the JSON document.
    pub(crate) fn settings_from_json(json: &str) -> Result<(Config, Settings), ConfigError> {
        let (config, mut mistakes) = mistakes::read(json);
        let settings = config.as_ref().and_then(|config| settings::check(config, &mut mistakes));
        match config.zip(settings) {
            Some(both) if mistakes.is_empty() => Ok(both),
            _ => Err(mistakes.into()),
        }
    }

    /// Checks the values.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        let mut mistakes = mistakes::Mistakes::default();
        match settings::check(self, &mut mistakes) {
            Some(settings) if mistakes.is_empty() => Ok(settings),
            _ => Err(mistakes.into()),
        }
    }
}

impl<'de> Deserialize<'de> for PolicyRule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> serde::de::Visitor<'de> for Rule {
            type Value = PolicyRule;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of scopes or \"deny\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PolicyRule, E> {
                match text {
                    "deny" => Ok(PolicyRule::Deny),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, scopes: A) -> Result<PolicyRule, A::Error> {
                Deserialize::deserialize(serde::de::value::SeqAccessDeserializer::new(scopes))
                    .map(PolicyRule::Need)
            }
        }
        deserializer.deserialize_any(Rule)
    }
}
