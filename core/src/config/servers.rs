//! Checking one authorization server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::DistrustedKey;
use super::mistakes::Mistakes;
use super::server::{Advertise, AuthorizationServer};
use super::settings::{KeyTimes, ServerSettings, TokenRules, parameter_name_in, strings};
use super::{files, snapshot};
use crate::fetch::HttpSettings;
use crate::keys::algorithm::Algorithm;
use crate::keys::discovery::well_known_urls;
use crate::keys::jwk::KeyRules;
use crate::keys::key_set::{self, KeySet, KeySetError};
use crate::keys::relay::RelaySettings;
use crate::keys::snapshot::KeySnapshot;
use crate::keys::source::{KeyLocation, SourceSettings};
use crate::scope::is_scope_token;
use crate::url::Url;

/// What the check of a server needs of the rest.
pub(super) struct Context<'a> {
    pub(super) path: &'a str,
    pub(super) http: &'a HttpSettings,
    pub(super) keys: KeyTimes,
    pub(super) leeway: i64,
    pub(super) distrusted_keys: &'a [DistrustedKey],
    pub(super) snapshot: Option<&'a KeySnapshot>,
    pub(super) has_required_scopes: bool,
    pub(super) has_policy: bool,
}

impl Context<'_> {
    /// The kids that are distrusted of a server with these issuers.
    fn distrusted_by(&self, issuers: &[String]) -> BTreeSet<String> {
        let of_server = |key: &&DistrustedKey| issuers.contains(&key.issuer);
        self.distrusted_keys.iter().filter(of_server).map(|key| key.kid.clone()).collect()
    }
}

/// A checked server, and the identifier that our metadata shows for it.
pub(super) struct Checked {
    pub(super) settings: Option<ServerSettings>,
    pub(super) advertised: Option<String>,
}

pub(super) fn check(server: &AuthorizationServer, context: &Context<'_>, mistakes: &mut Mistakes) -> Checked {
    let issuers = server.issuer.as_slice();
    self::issuers(server, context, mistakes);
    let metadata_issuer = metadata_issuer(server);
    let advertised = advertised(server, &metadata_issuer, context, mistakes);
    let algorithms = algorithms(server, context, mistakes);
    let rules = KeyRules { algorithms: algorithms.clone(), rsa_max_bits: context.keys.rsa_max_bits };
    let location = location(server, &metadata_issuer, &rules, context, mistakes);
    let imported =
        context.snapshot.and_then(|snapshot| snapshot::keys_of(issuers, snapshot, &rules, mistakes));
    let tokens = tokens(server, algorithms, context, mistakes);
    let settings = location.map(|location| ServerSettings {
        preset: server.preset.clone(),
        issuers: issuers.to_vec(),
        source: Some(SourceSettings {
            issuer: issuers.first().cloned().unwrap_or_default(),
            location,
            rules,
            imported,
            distrusted: context.distrusted_by(issuers),
            background_refresh: context.keys.background_refresh,
            default_ttl: context.keys.default_ttl,
            max_stale: context.keys.max_stale,
            unknown_key_interval: context.keys.unknown_key_interval,
            max_waiters: context.keys.max_waiters,
            leeway: context.leeway,
        }),
        reading: 0,
        tokens,
    });
    Checked { settings, advertised }
}

fn issuers(server: &AuthorizationServer, context: &Context<'_>, mistakes: &mut Mistakes) {
    let path = format!("{}.issuer", context.path);
    if server.issuer.as_slice().is_empty() {
        mistakes.add(path, "required: the accepted iss, or a list of accepted values");
        return;
    }
    let located = server.jwks.is_some()
        || server.jwks_file.is_some()
        || server.jwks_uri.is_some()
        || server.discovery_url.is_some();
    for issuer in server.issuer.as_slice() {
        if issuer.is_empty() || issuer.contains('\0') {
            mistakes.add(&path, "expected a string that is not empty");
        } else if !located && issuer.contains("/.well-known/") {
            let message = "expected the issuer as tokens have it (iss), not the URL of its metadata: that is found by the \
                           issuer, or given as discovery_url";
            mistakes.add(&path, message);
        } else if !located {
            web_location(issuer, &path, context, mistakes);
        }
    }
}

/// A URL that we may ask: https, or http where the configuration allows it.
pub(super) fn web_location(text: &str, path: &str, context: &Context<'_>, mistakes: &mut Mistakes) {
    match Url::parse(text) {
        Err(error) => mistakes.add(path, error.to_string()),
        Ok(url) => {
            if !may_be_asked(&url, context) {
                let message = "expected an https URL: keys from a plain http address can be replaced on the way; use TLS \
                               (with http.ca_file for a private CA), jwks_file, or list the host in http.insecure_hosts";
                mistakes.add(path, message);
            }
        }
    }
}

/// What is fetched for `serve_authorization_server_metadata`, wherever the server's keys are.
pub(super) fn relay(
    server: &AuthorizationServer,
    resource: &Url,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> RelaySettings {
    let issuer = metadata_issuer(server);
    let place = match &server.discovery_url {
        Some(url) => Some(url.clone()),
        None => well_known_urls(&issuer).into_iter().next(),
    };
    let path = |member: &str| format!("{}.{member}", context.path);
    match place.map(|place| Url::parse(&place)) {
        // What is wrong with the issuer is said already where the keys are found by it.
        _ if mistakes.touch(&path("issuer")) || mistakes.touch(&path("discovery_url")) => {}
        None | Some(Err(_)) => mistakes.add(
            path("discovery_url"),
            "required for serve_authorization_server_metadata: the URL of the metadata, which the issuer does not tell",
        ),
        Some(Ok(url)) if url.origin() == resource.origin() => mistakes.add(
            "serve_authorization_server_metadata",
            "expected an authorization server on another origin: its own metadata would be hidden by ours",
        ),
        Some(Ok(url)) if !may_be_asked(&url, context) => mistakes.add(
            path("discovery_url"),
            "expected an https URL for serve_authorization_server_metadata, or its host in http.insecure_hosts",
        ),
        Some(Ok(_)) => {}
    }
    RelaySettings {
        issuer,
        discovery_url: server.discovery_url.clone(),
        insecure_hosts: context.http.insecure_hosts.clone(),
        background_refresh: context.keys.background_refresh,
        default_ttl: context.keys.default_ttl,
        max_stale: context.keys.max_stale,
    }
}

/// What the server's metadata must call itself.
fn metadata_issuer(server: &AuthorizationServer) -> String {
    let first = || server.issuer.as_slice().first().cloned();
    server.metadata_issuer.clone().or_else(first).unwrap_or_default()
}

fn may_be_asked(url: &Url, context: &Context<'_>) -> bool {
    let is_insecure = || context.http.insecure_hosts.iter().any(|host| host == url.hostname());
    url.is_https() || url.is_loopback() || is_insecure()
}

fn advertised(
    server: &AuthorizationServer,
    metadata_issuer: &str,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let identifier = match &server.advertise {
        Some(Advertise::Hidden) => return None,
        Some(Advertise::As(identifier)) => identifier.as_str(),
        None => metadata_issuer,
    };
    let path = format!("{}.advertise", context.path);
    let can_be_asked = Url::parse(identifier).is_ok_and(|url| url.has_usual_host());
    if server.advertise.is_some() && identifier.is_empty() {
        mistakes.add(path, "expected an issuer identifier or false");
    } else if !can_be_asked && !mistakes.touch(&format!("{}.issuer", context.path)) {
        let message = "expected the URL under which clients find the authorization server (or false): its issuer is none";
        mistakes.add(path, message);
    }
    (!identifier.is_empty()).then(|| identifier.to_owned())
}

fn algorithms(
    server: &AuthorizationServer,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Vec<Algorithm> {
    let Some(names) = &server.algorithms else { return Algorithm::DEFAULT.to_vec() };
    let path = format!("{}.algorithms", context.path);
    let mut accepted = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match Algorithm::from_name(name) {
            Some(algorithm) if !accepted.contains(&algorithm) => accepted.push(algorithm),
            Some(_) => {}
            None => {
                let known: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
                mistakes.add(format!("{path}[{index}]"), format!("expected one of {}", known.join(", ")));
            }
        }
    }
    if names.is_empty() {
        mistakes.add(path, "expected at least one algorithm");
    }
    accepted
}

/// Where the keys are, by the order of precedence: the set itself, a file, its URL, discovery.
fn location(
    server: &AuthorizationServer,
    metadata_issuer: &str,
    rules: &KeyRules,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Option<KeyLocation> {
    let path = |member: &str| format!("{}.{member}", context.path);
    if let Some(jwks) = &server.jwks {
        return static_keys(KeySet::from_value(jwks, rules), path("jwks"), mistakes);
    }
    if let Some(file) = &server.jwks_file {
        return match files::read(file) {
            Ok(content) => static_keys(KeySet::parse(&content, rules), path("jwks_file"), mistakes),
            Err(expected) => {
                mistakes.add(path("jwks_file"), expected);
                None
            }
        };
    }
    if let Some(uri) = &server.jwks_uri {
        web_location(uri, &path("jwks_uri"), context, mistakes);
        return Some(KeyLocation::Uri(uri.clone()));
    }
    if let Some(url) = &server.discovery_url {
        web_location(url, &path("discovery_url"), context, mistakes);
    } else if server.metadata_issuer.is_some() {
        web_location(metadata_issuer, &path("metadata_issuer"), context, mistakes);
    }
    Some(KeyLocation::Discovery { url: server.discovery_url.clone(), issuer: metadata_issuer.to_owned() })
}

fn static_keys(
    set: Result<KeySet, KeySetError>,
    path: String,
    mistakes: &mut Mistakes,
) -> Option<KeyLocation> {
    match set {
        Ok(set) if set.is_empty() => {
            mistakes.add(path, key_set::no_usable_key(&set));
            None
        }
        Ok(set) => Some(KeyLocation::Static(set)),
        Err(error) => {
            mistakes.add(path, error.to_string());
            None
        }
    }
}

fn tokens(
    server: &AuthorizationServer,
    algorithms: Vec<Algorithm>,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> TokenRules {
    let path = |member: &str| format!("{}.{member}", context.path);
    let additional_audiences = server.additional_audiences.clone().unwrap_or_default();
    strings(&additional_audiences, &path("additional_audiences"), mistakes);
    scope_prefix(server, path("scope_prefix"), mistakes);
    TokenRules {
        algorithms,
        format: server.token_format.unwrap_or_default(),
        additional_audiences,
        client_audience: client_audience(server, &path("unsafe_client_audience"), mistakes),
        scope_claims: scope_claims(server, &path("scope_claims"), mistakes),
        scope_prefix: server.scope_prefix.clone(),
        client_id_claims: client_id_claims(server, &path("client_id_claims"), mistakes),
        required_claims: required_claims(server, &path("required_claims"), mistakes),
    }
}

fn scope_prefix(server: &AuthorizationServer, path: String, mistakes: &mut Mistakes) {
    let Some(prefix) = &server.scope_prefix else { return };
    if !is_scope_token(prefix) || parameter_name_in(prefix).is_some() {
        mistakes.add(path, "expected the beginning of a scope, such as api://app/");
    }
}

fn client_audience(
    server: &AuthorizationServer,
    path: &str,
    mistakes: &mut Mistakes,
) -> Option<(String, Vec<String>)> {
    let stand_in = server.unsafe_client_audience.as_ref()?;
    if stand_in.claim.is_empty() {
        mistakes.add(format!("{path}.claim"), "required: the claim that stands in for aud");
    }
    if stand_in.values.is_empty() {
        mistakes.add(format!("{path}.values"), "required: its accepted values");
    }
    strings(&stand_in.values, &format!("{path}.values"), mistakes);
    Some((stand_in.claim.clone(), stand_in.values.clone()))
}

fn scope_claims(server: &AuthorizationServer, path: &str, mistakes: &mut Mistakes) -> Vec<Vec<String>> {
    let Some(claims) = &server.scope_claims else {
        return ["scope", "scp", "scopes", "permissions"].map(|claim| vec![claim.to_owned()]).to_vec();
    };
    if claims.is_empty() {
        mistakes.add(path, "expected at least one claim");
    }
    for (index, claim) in claims.iter().enumerate() {
        if claim.0.is_empty() || claim.0.iter().any(String::is_empty) {
            mistakes.add(
                format!("{path}[{index}]"),
                "expected the name of a claim or a list of names that lead to it",
            );
        }
    }
    claims.iter().map(|claim| claim.0.clone()).collect()
}

fn client_id_claims(server: &AuthorizationServer, path: &str, mistakes: &mut Mistakes) -> Vec<String> {
    let Some(claims) = &server.client_id_claims else {
        return ["client_id", "azp", "appid", "cid"].map(str::to_owned).to_vec();
    };
    if claims.is_empty() {
        mistakes.add(path, "expected at least one claim");
    }
    strings(claims, path, mistakes);
    claims.clone()
}

fn required_claims(
    server: &AuthorizationServer,
    path: &str,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Vec<Value>> {
    let mut required = BTreeMap::new();
    for (claim, value) in server.required_claims.iter().flatten() {
        let allowed = match value {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        let is_simple = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
        if claim.is_empty() || allowed.is_empty() || !allowed.iter().all(is_simple) {
            mistakes
                .add(format!("{path}.{claim}"), "expected a string, number or boolean, or a list of them");
        }
        required.insert(claim.clone(), allowed);
    }
    required
}
