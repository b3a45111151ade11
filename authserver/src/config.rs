//! The configuration: one JSON document, checked whole before anything starts.

mod document;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Uri;
use serde_json::Value;

use self::document::{Mistakes, Node, Object};
use crate::client::{Client, Grant};
use crate::keys::SignatureAlgorithm;
use crate::resource::Resource;
use crate::secret::Secret;
use crate::strict_json;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const DEFAULT_TOKEN_LIFETIME_SECONDS: u64 = 600;
const DEFAULT_MAX_AGE_SECONDS: u64 = 300;

const LISTEN: &str =
    "an IP address on loopback with a port, such as 127.0.0.1:9000, or 127.0.0.1:0 for a free port";
const CREDENTIAL: &str = "1 to 256 printable ASCII characters";
const ADMIN_SECRET: &str = "1 to 256 printable ASCII characters without blanks";
const RESOURCE_ID: &str = "1 to 64 lower-case letters, digits and hyphens, a letter or digit first";
const RESOURCE: &str =
    "an https URL, or an http URL on loopback, without user information and without a fragment";
const NAME: &str = "a text of 1 to 100 characters without control characters";
const SCOPE: &str = "a scope: printable ASCII characters other than blank, quote and backslash";
const TOKEN_LIFETIME: &str = "a whole number of seconds from 300 to 3600";
const MAX_AGE: &str = "a whole number of seconds from 0 to 86400";
const ALGORITHM: &str = "RS256, ES256 or EdDSA";

/// A checked configuration.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `listen` | `127.0.0.1:0` | address and port, on loopback only; port 0 is a free port |
/// | `admin_secret` | none | the Bearer credential of the administration endpoints, which do not exist without it |
/// | `resources` | required, 1 or more | the protected resources, each with an issuer of its own |
/// | `clients` | none | the clients |
///
/// A resource:
///
/// | key | default | meaning |
/// |---|---|---|
/// | `id` | required | the last segment of the issuer's URL: `[a-z0-9-]`, 1 to 64 characters |
/// | `name` | required | for people |
/// | `resource` | required | its identifier (RFC 8707): https, or http on loopback; the audience of its tokens |
/// | `scopes` | required | every scope that it knows; may be empty |
/// | `token_lifetime_seconds` | 600 | 300 to 3600 |
/// | `algorithm` | `RS256` | or `ES256`, `EdDSA` |
/// | `max_age_seconds` | 300 | how long metadata and keys may be kept by clients, 0 to 86400 |
///
/// A client:
///
/// | key | default | meaning |
/// |---|---|---|
/// | `id`, `secret` | required | 1 to 256 printable ASCII characters |
/// | `grants` | required, may be empty | `resource` (the id of a resource), `scopes` (those that the client may ask for) and `default_scopes` (those of a request without `scope`; all of `scopes` unless given) |
///
/// Unknown keys and repeated members are errors.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_secret: Option<Secret>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) clients: Vec<Client>,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// Every mistake at once. The texts hold names of keys and numbers of lines, never a value.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        let document = strict_json::parse(json.as_bytes())
            .map_err(|error| ConfigError { errors: vec![FieldError::new("", error.to_string())] })?;
        let mistakes = Mistakes::default();
        let config = config(&Node::root(&document, &mistakes));
        match (config, mistakes.into_errors()) {
            (Some(config), errors) if errors.is_empty() => Ok(config),
            (_, errors) => Err(ConfigError { errors }),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    errors: Vec<FieldError>,
}

impl ConfigError {
    /// Every mistake, object by object.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration is not valid")?;
        self.errors.iter().try_for_each(|error| write!(formatter, "\n  {error}"))
    }
}

impl std::error::Error for ConfigError {}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    path: String,
    message: String,
}

impl FieldError {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// Where: `resources[0].scopes[1]`; empty for the document as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is expected there.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "(document)" } else { &self.path };
        write!(formatter, "{path}: {}", self.message)
    }
}

/// The scopes of each resource whose id could be read; None where its scopes could not, so that a grant is
/// not blamed for a mistake made elsewhere.
type Catalogue = BTreeMap<String, Option<Vec<String>>>;

fn config(root: &Node<'_>) -> Option<Config> {
    let document = root.object(&["listen", "admin_secret", "resources", "clients"])?;
    let listen = document.optional("listen", DEFAULT_LISTEN, LISTEN, listen);
    let admin_secret = document.optional("admin_secret", None, ADMIN_SECRET, |value| {
        credential(value).filter(|secret| !secret.contains(' ')).map(Secret::new).map(Some)
    });
    let mut catalogue = Catalogue::new();
    let resources = document.list("resources", |entry| resource(entry, &mut catalogue));
    if resources.as_ref().is_some_and(Vec::is_empty) {
        document.mistake("resources", "expected at least one resource");
    }
    let clients = if document.has("clients") { clients(&document, &catalogue) } else { Some(Vec::new()) };
    Some(Config { listen: listen?, admin_secret: admin_secret?, resources: resources?, clients: clients? })
}

fn resource(entry: &Node<'_>, catalogue: &mut Catalogue) -> Option<Resource> {
    let object = entry.object(&[
        "id",
        "name",
        "resource",
        "scopes",
        "token_lifetime_seconds",
        "algorithm",
        "max_age_seconds",
    ])?;
    let id = object.required("id", RESOURCE_ID, resource_id);
    let name = object.required("name", NAME, name);
    let identifier = object.required("resource", RESOURCE, resource_identifier);
    let scopes = scopes(&object, "scopes", SCOPE, is_scope);
    let token_lifetime_seconds =
        object.optional("token_lifetime_seconds", DEFAULT_TOKEN_LIFETIME_SECONDS, TOKEN_LIFETIME, |value| {
            value.as_u64().filter(|seconds| (300..=3600).contains(seconds))
        });
    let algorithm = object.optional("algorithm", SignatureAlgorithm::Rs256, ALGORITHM, |value| {
        SignatureAlgorithm::from_name(value.as_str()?)
    });
    let max_age_seconds = object.optional("max_age_seconds", DEFAULT_MAX_AGE_SECONDS, MAX_AGE, |value| {
        value.as_u64().filter(|seconds| *seconds <= 86400)
    });
    if let Some(id) = &id
        && catalogue.insert(id.clone(), scopes.clone()).is_some()
    {
        object.mistake("id", "expected an id that no other resource has");
    }
    Some(Resource {
        id: id?,
        name: name?,
        identifier: identifier?,
        scopes: scopes?,
        token_lifetime_seconds: token_lifetime_seconds?,
        algorithm: algorithm?,
        max_age_seconds: max_age_seconds?,
    })
}

fn clients(document: &Object<'_>, catalogue: &Catalogue) -> Option<Vec<Client>> {
    let mut ids = Vec::new();
    document.list("clients", |entry| {
        let object = entry.object(&["id", "secret", "grants"])?;
        let id = object.required("id", CREDENTIAL, credential);
        let secret = object.required("secret", CREDENTIAL, credential);
        if let Some(id) = id {
            if ids.contains(&id) {
                object.mistake("id", "expected an id that no other client has");
            }
            ids.push(id);
        }
        let grants = grants(&object, catalogue);
        Some(Client { id: id?.to_owned(), secret: Secret::new(secret?), grants: grants? })
    })
}

fn grants(client: &Object<'_>, catalogue: &Catalogue) -> Option<Vec<Grant>> {
    let mut resources = Vec::new();
    client.list("grants", |entry| {
        let object = entry.object(&["resource", "scopes", "default_scopes"])?;
        let resource_id = object.required("resource", "the id of one of the resources", |value| {
            value.as_str().filter(|id| catalogue.contains_key(*id))
        });
        if let Some(id) = resource_id {
            if resources.contains(&id) {
                object.mistake("resource", "expected a resource that no other grant of the client names");
            }
            resources.push(id);
        }
        let offered = resource_id.and_then(|id| catalogue.get(id)).and_then(Option::as_ref);
        let scopes_of_grant = scopes(&object, "scopes", "a scope of the resource", |scope| {
            offered.is_none_or(|offered| offered.iter().any(|known| known == scope))
        });
        let default_scopes = if object.has("default_scopes") {
            scopes(&object, "default_scopes", "one of the scopes of this grant", |scope| {
                scopes_of_grant.as_ref().is_none_or(|granted| granted.iter().any(|known| known == scope))
            })
        } else {
            scopes_of_grant.clone()
        };
        Some(Grant {
            resource_id: resource_id?.to_owned(),
            scopes: scopes_of_grant?,
            default_scopes: default_scopes?,
        })
    })
}

fn scopes(
    object: &Object<'_>,
    key: &str,
    expected: &str,
    accepts: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let mut seen = Vec::new();
    object.list(key, |entry| {
        let scope = entry.read(expected, |value| value.as_str().filter(|scope| accepts(scope)))?;
        if seen.contains(&scope) {
            entry.mistake("expected each scope once");
        }
        seen.push(scope);
        Some(scope.to_owned())
    })
}

fn listen(value: &Value) -> Option<SocketAddr> {
    let address: SocketAddr = value.as_str()?.parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

fn credential(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let printable = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)); // VSCHAR, RFC 6749 appendix A
    (printable && (1..=256).contains(&text.len())).then_some(text)
}

fn name(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let printable = !text.chars().any(char::is_control);
    (printable && (1..=100).contains(&text.chars().count())).then(|| text.to_owned())
}

fn resource_id(value: &Value) -> Option<String> {
    let id = value.as_str()?;
    let allowed = id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    (allowed && (1..=64).contains(&id.len()) && !id.starts_with('-')).then(|| id.to_owned())
}

fn resource_identifier(value: &Value) -> Option<String> {
    // The parser drops a fragment, and takes characters that RFC 3986 does not.
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    let text = value.as_str().filter(|text| text.bytes().all(allowed))?;
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host();
    let only_host_and_port = authority.as_str() == host || authority.port_u16().is_some();
    let scheme_fits = match uri.scheme_str()? {
        "https" => true,
        "http" => is_loopback(host),
        _ => false,
    };
    let accepted = scheme_fits && only_host_and_port && !host.is_empty() && !authority.as_str().contains('@');
    accepted.then(|| text.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_scope(scope: &str) -> bool {
    // scope-token, RFC 6749 section 3.3
    !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
