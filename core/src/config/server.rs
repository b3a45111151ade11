//! One authorization server in the configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An authorization server whose tokens are accepted: an issuer identifier, or an object.
// `remote` makes serde's derive an inherent function, which the trait below calls for the object form.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["issuer"])))]
#[serde(default, deny_unknown_fields, remote = "Self")]
#[non_exhaustive]
pub struct AuthorizationServer {
    /// The accepted `iss`, or a list of accepted values that share one key source; compared exactly.
    ///
    /// Example: `"https://as.example.com"`.
    pub issuer: Issuers,
    /// What `{tenant}` in the issuer stands for: each tenant's issuer is accepted, compared exactly. `{tenant}` may also
    /// stand in `discovery_url`, `metadata_issuer`, `advertise` and `jwks_uri`. Each tenant is an authorization server with
    /// keys of its own; where all keys are at one place without `{tenant}`, the tenants share them like a list of issuers.
    ///
    /// Example: `["one", "two"]`.
    pub tenants: Option<Vec<String>>,
    /// What the tokens of a product are like: a name for values of the members below, of which those given here replace its
    /// own. `docs/issuers` has a page for each.
    ///
    /// Example: `"keycloak"`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::PresetName>"))]
    pub preset: Option<String>,
    /// Where the discovery document is (default: derived from the issuer, RFC 8414 section 3).
    ///
    /// Example: `"https://as.example.com/custom/.well-known/openid-configuration"`.
    pub discovery_url: Option<String>,
    /// What the discovery document must call itself (default: the first issuer).
    ///
    /// Example: `"https://as.example.com"`.
    pub metadata_issuer: Option<String>,
    /// The identifier in our metadata (default: `metadata_issuer`); `false` leaves this server out.
    ///
    /// Example: `"https://login.example.com"`.
    pub advertise: Option<Advertise>,
    /// The key set itself (RFC 7517 section 5): nothing is fetched.
    ///
    /// Example: `{"keys": [{"kid": "1", "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`.
    pub jwks: Option<Value>,
    /// A file that holds the key set: nothing is fetched. It is read once, when the server is made.
    ///
    /// Example: `"/etc/scopegate/jwks.json"`.
    pub jwks_file: Option<String>,
    /// The URL of the key set, in the place of discovery.
    ///
    /// Example: `"https://as.example.com/jwks"`.
    pub jwks_uri: Option<String>,
    /// The accepted algorithms (default RS256, PS256, ES256, EdDSA), of RS, PS and ES with 256, 384 and 512 bits, and EdDSA.
    /// `none` and HMAC do not exist here.
    ///
    /// Example: `["ES256"]`.
    pub algorithms: Option<Vec<String>>,
    /// What a token of this issuer must look like (default `generic`).
    pub token_format: Option<TokenFormat>,
    /// Further `aud` values accepted from this issuer.
    ///
    /// Example: `["api://weather"]`.
    pub additional_audiences: Option<Vec<String>>,
    /// A claim that stands in for an absent `aud`.
    ///
    /// Example: `{"claim": "client_id", "values": ["assistant"]}`.
    pub unsafe_client_audience: Option<ClientAudience>,
    /// Where a token says its scopes: the first claim that is present (default scope, scp, scopes, permissions). A list is
    /// the path to a claim within objects.
    ///
    /// Example: `["scp", ["realm_access", "roles"]]`.
    pub scope_claims: Option<Vec<ClaimPath>>,
    /// What is put before each scope of a token that lacks it.
    ///
    /// Example: `"https://mcp.example.com/mcp/"`.
    pub scope_prefix: Option<String>,
    /// Where a token says its client: the first claim that is present (default client_id, azp, appid, cid).
    ///
    /// Example: `["azp"]`.
    pub client_id_claims: Option<Vec<String>>,
    /// Claims that must have this value, or one of these values.
    ///
    /// Example: `{"token_use": "access"}`.
    pub required_claims: Option<BTreeMap<String, Value>>,
}

impl AuthorizationServer {
    /// The server of this issuer, everything else at its default.
    pub fn new(issuer: impl Into<String>) -> Self {
        AuthorizationServer { issuer: Issuers::One(issuer.into()), ..AuthorizationServer::default() }
    }
}

/// One accepted `iss` value, or several that share one key source.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "super::schema::StringOrStrings"))]
pub enum Issuers {
    /// One value, to which a preset may add others.
    One(String),
    /// These values and no other.
    Several(Vec<String>),
}

impl Issuers {
    /// The accepted values.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Issuers::One(issuer) => std::slice::from_ref(issuer),
            Issuers::Several(issuers) => issuers,
        }
    }
}

impl Default for Issuers {
    /// None, which is a mistake.
    fn default() -> Self {
        Issuers::Several(Vec::new())
    }
}

/// Whether, and under which identifier, our metadata names an authorization server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "super::schema::IdentifierOrFalse"))]
pub enum Advertise {
    /// Not at all: `false`.
    Hidden,
    /// Under this identifier.
    As(String),
}

/// What a token must look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum TokenFormat {
    /// A JWT with a scope or client claim that is no other kind of token.
    #[default]
    #[serde(rename = "generic")]
    Generic,
    /// An RFC 9068 access token: `typ` `at+jwt` and every required claim.
    #[serde(rename = "rfc9068")]
    Rfc9068,
}

/// A claim that stands in for an absent `aud`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["claim", "values"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientAudience {
    /// The claim.
    ///
    /// Example: `"client_id"`.
    pub claim: String,
    /// Its accepted values.
    ///
    /// Example: `["assistant"]`.
    pub values: Vec<String>,
}

/// A claim by its name, or the names that lead to it through nested objects.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "super::schema::StringOrStrings"))]
pub struct ClaimPath(pub Vec<String>);

// `#[serde(untagged)]` would lose the path and the message of a mistake inside, so these are written by hand.

impl<'de> Deserialize<'de> for AuthorizationServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IssuerOrObject;
        impl<'de> Visitor<'de> for IssuerOrObject {
            type Value = AuthorizationServer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an issuer or an object")
            }

            fn visit_str<E>(self, issuer: &str) -> Result<AuthorizationServer, E> {
                Ok(AuthorizationServer::new(issuer))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<AuthorizationServer, A::Error> {
                AuthorizationServer::deserialize(MapAccessDeserializer::new(members))
            }
        }
        deserializer.deserialize_any(IssuerOrObject)
    }
}

impl<'de> Deserialize<'de> for Issuers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_several(deserializer, "an issuer or a list of issuers", Issuers::One, Issuers::Several)
    }
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "the name of a claim or a list of names that lead to it";
        one_or_several(deserializer, expected, |name| ClaimPath(vec![name]), ClaimPath)
    }
}

fn one_or_several<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    one: fn(String) -> T,
    several: fn(Vec<String>) -> T,
) -> Result<T, D::Error> {
    struct OneOrSeveral<T> {
        expected: &'static str,
        one: fn(String) -> T,
        several: fn(Vec<String>) -> T,
    }
    impl<'de, T> Visitor<'de> for OneOrSeveral<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_str<E>(self, text: &str) -> Result<T, E> {
            Ok((self.one)(text.to_owned()))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
            Deserialize::deserialize(SeqAccessDeserializer::new(items)).map(self.several)
        }
    }
    deserializer.deserialize_any(OneOrSeveral { expected, one, several })
}

impl<'de> Deserialize<'de> for Advertise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdentifierOrFalse;
        impl Visitor<'_> for IdentifierOrFalse {
            type Value = Advertise;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an issuer identifier or false")
            }

            fn visit_bool<E: Error>(self, shown: bool) -> Result<Advertise, E> {
                match shown {
                    false => Ok(Advertise::Hidden),
                    true => Err(E::invalid_value(Unexpected::Bool(true), &self)),
                }
            }

            fn visit_str<E>(self, identifier: &str) -> Result<Advertise, E> {
                Ok(Advertise::As(identifier.to_owned()))
            }
        }
        deserializer.deserialize_any(IdentifierOrFalse)
    }
}
