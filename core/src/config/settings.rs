//! The checked configuration: values that later code need not doubt.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::mistakes::Mistakes;
use super::server::{AuthorizationServer, TokenFormat};
use super::tenants::{self, Written};
use super::{
    ChallengeScopes, Config, KeysConfig, PolicyConfig, PolicyRule, RefusalBody, TokenCacheConfig, http,
};
use crate::fetch::HttpSettings;
use crate::keys::algorithm::Algorithm;
use crate::keys::jwk::MAX_KID_BYTES;
use crate::keys::relay::RelaySettings;
use crate::keys::source::SourceSettings;
use crate::metadata;
use crate::policy::{Maps, Policy, Rule, pattern_problem, resource_problem};
use crate::scope::{Implications, ScopeSet, is_scope_token};
use crate::url::Url;

/// Everything that a resource server decides by.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) resource: Url,
    pub(crate) servers: Vec<ServerSettings>,
    /// The identifiers in our metadata, without duplicates.
    pub(crate) advertised: Vec<String>,
    pub(crate) scopes_supported: Option<ScopeSet>,
    pub(crate) required_scopes: ScopeSet,
    pub(crate) initial_scopes: Option<ScopeSet>,
    pub(crate) policy: Option<Policy>,
    pub(crate) implications: Implications,
    pub(crate) audiences: AudienceRules,
    pub(crate) times: TimeRules,
    pub(crate) challenge_scopes: ChallengeScopes,
    pub(crate) refusal_body: RefusalBody,
    /// Further members of the metadata document, in their order.
    pub(crate) metadata: Map<String, Value>,
    pub(crate) serve_root_metadata: bool,
    /// The authorization server's metadata, where it is served.
    pub(crate) relay: Option<RelaySettings>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) allowed_origins: Option<Vec<String>>,
    pub(crate) token_cache: CacheLimits,
    /// How many audit events are kept; none without.
    pub(crate) events: Option<usize>,
    pub(crate) background_refresh: bool,
    pub(crate) http: HttpSettings,
    pub(crate) warnings: Vec<String>,
}

/// One authorization server: its issuers, its keys and what its tokens must be like.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    /// The name of its preset, for hints.
    pub(crate) preset: Option<String>,
    pub(crate) issuers: Vec<String>,
    /// Taken when the server is made.
    pub(crate) source: Option<SourceSettings>,
    /// Stands for all that a verified token's entry depends on: the key source, the rules for tokens, the resource and what
    /// scopes imply. Given when the server is made; equal numbers stand for equal readings.
    pub(crate) reading: usize,
    pub(crate) tokens: TokenRules,
}

/// What the tokens of one authorization server must be like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TokenRules {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) format: TokenFormat,
    pub(crate) additional_audiences: Vec<String>,
    /// The claim that stands in for an absent `aud`, and its accepted values.
    pub(crate) client_audience: Option<(String, Vec<String>)>,
    pub(crate) scope_claims: Vec<Vec<String>>,
    pub(crate) scope_prefix: Option<String>,
    pub(crate) client_id_claims: Vec<String>,
    pub(crate) required_claims: BTreeMap<String, Vec<Value>>,
}

/// Whom a token may be for.
#[derive(Clone, Debug)]
pub(crate) struct AudienceRules {
    pub(crate) resource: String,
    /// See [`Url::normalised`].
    pub(crate) resource_normalised: String,
    pub(crate) additional: Vec<String>,
    pub(crate) reject_foreign: bool,
}

/// When a token is good, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeRules {
    pub(crate) leeway: i64,
    pub(crate) max_age: Option<i64>,
    pub(crate) max_lifetime: Option<i64>,
}

/// How many verified tokens are kept, and in how much memory; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CacheLimits {
    pub(crate) capacity: usize,
    pub(crate) max_bytes: usize,
}

/// The largest body that is read when the configuration does not say.
pub(crate) const DEFAULT_MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The longest age and lifetime of a token that can be asked for: a year.
const MAX_SECONDS: u64 = 31_536_000;

/// Checks every value. `None` when the mistakes leave nothing to build.
pub(super) fn check(config: &Config, mistakes: &mut Mistakes) -> Option<Settings> {
    let mut warnings = Vec::new();
    let http = http::check(&config.http, mistakes, &mut warnings);
    let resource = resource(&config.resource, mistakes, &mut warnings);
    let keys = keys(&config.keys, mistakes);
    let leeway = whole(config.leeway_seconds, 30, 0..=300, "leeway_seconds", mistakes) as i64;
    let mut servers = Vec::new();
    let mut completed = Vec::new();
    let mut advertised = Vec::new();
    let mut relay = None;
    let written = tenants::expanded(&config.authorization_servers, mistakes);
    for Written { index, server } in &written {
        let path = format!("authorization_servers[{index}]");
        let context = super::servers::Context {
            path: &path,
            http: &http,
            keys,
            leeway,
            distrusted_keys: &config.distrusted_keys,
            snapshot: config.keys.snapshot.as_ref(),
            has_required_scopes: !config.required_scopes.is_empty(),
            has_policy: config.policy.is_some(),
        };
        let server = super::presets::fill(server, &context, mistakes);
        let checked = super::servers::check(&server, &context, mistakes);
        if let (Some(identifier), Some(resource)) = (&checked.advertised, &resource) {
            own_origin(identifier, resource, &server, &path, mistakes);
            advertised.push(identifier.clone());
            if config.serve_authorization_server_metadata && relay.is_none() {
                relay = Some(super::servers::relay(&server, resource, &context, mistakes));
            }
        }
        servers.extend(checked.settings);
        completed.push(Written { index: *index, server });
    }
    let advertised: ScopeSet = advertised.into_iter().collect();
    server_list(&completed, &advertised, mistakes);
    distrusted_keys(config, &completed, mistakes);
    if let Some(snapshot) = &config.keys.snapshot {
        super::snapshot::check(snapshot, mistakes);
    }
    origins(&config.cors_origins, "cors_origins", mistakes);
    origins(config.allowed_origins.as_deref().unwrap_or_default(), "allowed_origins", mistakes);
    metadata::check_members(&config.metadata, &mut |path, message| mistakes.add(path, message));
    implications(&config.scope_implications, mistakes);
    strings(&config.additional_audiences, "additional_audiences", mistakes);
    let times = times(config, leeway, mistakes);
    let token_cache = token_cache(&config.token_cache, mistakes);
    let events = config
        .events
        .as_ref()
        .map(|events| whole(events.capacity, 8192, 1..=1_000_000, "events.capacity", mistakes) as usize);
    let scopes_supported = optional_scopes(config.scopes_supported.as_deref(), "scopes_supported", mistakes);
    let required_scopes = scopes(&config.required_scopes, "required_scopes", mistakes);
    let initial_scopes = optional_scopes(config.initial_scopes.as_deref(), "initial_scopes", mistakes);
    let policy = config.policy.as_ref().map(|policy| self::policy(policy, mistakes));
    let resource = resource?;
    Some(Settings {
        audiences: AudienceRules {
            resource: resource.as_str().to_owned(),
            resource_normalised: resource.normalised(),
            additional: config.additional_audiences.clone(),
            reject_foreign: config.reject_foreign_audiences,
        },
        resource,
        servers,
        advertised: advertised.as_slice().to_vec(),
        scopes_supported,
        required_scopes,
        initial_scopes,
        policy,
        implications: Implications::new(&config.scope_implications, config.scope_wildcards),
        times,
        challenge_scopes: config.challenge_scopes,
        refusal_body: config.refusal_body,
        metadata: config.metadata.clone(),
        serve_root_metadata: config.serve_root_metadata,
        relay,
        cors_origins: config.cors_origins.clone(),
        allowed_origins: config.allowed_origins.clone(),
        token_cache,
        events,
        background_refresh: keys.background_refresh,
        http,
        warnings,
    })
}

fn resource(text: &str, mistakes: &mut Mistakes, warnings: &mut Vec<String>) -> Option<Url> {
    if text.is_empty() {
        mistakes.add("resource", "required: the URL of the server as users paste it into a client");
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            mistakes.add("resource", error.to_string());
            return None;
        }
    };
    if !url.is_https() && !url.is_loopback() {
        mistakes.add("resource", "expected an https URL, or http on a loopback host");
    }
    if let Some(name) = parameter_name_in(text) {
        mistakes.add(
            "resource",
            format!("expected a URL without \"{name}\", which clients would take for a parameter"),
        );
    }
    if !url.has_usual_host() {
        mistakes.add("resource", "expected a host name, or an address in its usual form");
    }
    if url.has_dot_segment() {
        mistakes.add("resource", "expected a path without . and .. as segments, which clients take away");
    }
    if url.path().ends_with('/') {
        warnings.push(
            "resource: ends with a slash, which clients often drop; the audience must have it too".into(),
        );
    }
    if !url.query().is_empty() {
        warnings.push("resource: has a query, which RFC 8707 section 2 advises against".into());
    }
    Some(url)
}

/// A parameter name that clients look for with an unanchored search of the whole challenge.
pub(crate) fn parameter_name_in(text: &str) -> Option<&'static str> {
    ["scope=", "error=", "error_description=", "resource_metadata="]
        .into_iter()
        .find(|name| text.contains(name))
}

fn server_list(written: &[Written<'_>], advertised: &ScopeSet, mistakes: &mut Mistakes) {
    if written.is_empty() && !mistakes.touch("authorization_servers") {
        mistakes.add("authorization_servers", "required: at least one issuer");
    } else if advertised.is_empty() && !mistakes.touch("authorization_servers") && !mistakes.touch("resource")
    {
        mistakes.add("authorization_servers", "expected at least one that is advertised");
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for Written { index, server } in written {
        for issuer in server.issuer.as_slice() {
            if let Some(first) = seen.insert(issuer, *index).filter(|_| !issuer.is_empty()) {
                let path = format!("authorization_servers[{index}].issuer");
                mistakes.add(
                    path,
                    format!("expected an issuer that authorization_servers[{first}] does not have"),
                );
            }
        }
    }
}

fn distrusted_keys(config: &Config, written: &[Written<'_>], mistakes: &mut Mistakes) {
    let is_configured =
        |issuer: &String| written.iter().any(|written| written.server.issuer.as_slice().contains(issuer));
    for (index, key) in config.distrusted_keys.iter().enumerate() {
        let path = format!("distrusted_keys[{index}]");
        if key.issuer.is_empty() {
            mistakes.add(format!("{path}.issuer"), "required: the issuer whose key is distrusted");
        } else if !is_configured(&key.issuer) && !mistakes.touch("authorization_servers") {
            mistakes.add(format!("{path}.issuer"), "expected an issuer of authorization_servers");
        }
        if !(1..=MAX_KID_BYTES).contains(&key.kid.len()) {
            mistakes.add(format!("{path}.kid"), "required: the kid that is distrusted, 1 to 256 bytes");
        }
    }
}

/// Clients would ask us for the metadata of a server that we are not.
fn own_origin(
    identifier: &str,
    resource: &Url,
    server: &AuthorizationServer,
    path: &str,
    mistakes: &mut Mistakes,
) {
    let ours = Url::parse(identifier).is_ok_and(|url| url.origin() == resource.origin());
    if ours && !server.issuer.as_slice().iter().any(|issuer| issuer == identifier) {
        let message = "expected the issuer's own identifier: this one is on the origin of the resource";
        mistakes.add(format!("{path}.advertise"), message);
    }
}

/// One scope of the configuration.
pub(super) fn scope(scope: &str, path: String, mistakes: &mut Mistakes) {
    if !is_scope_token(scope) {
        mistakes.add(
            path,
            "expected a scope: visible ASCII without blanks, quotes and backslashes (RFC 6749 section 3.3)",
        );
    } else if scope == "offline_access" {
        mistakes.add(
            path,
            "expected a scope of this server; offline_access is between client and authorization server",
        );
    } else if let Some(name) = parameter_name_in(scope) {
        mistakes.add(
            path,
            format!("expected a scope without \"{name}\", which clients would take for a parameter"),
        );
    }
}

fn scopes(list: &[String], path: &str, mistakes: &mut Mistakes) -> ScopeSet {
    for (index, text) in list.iter().enumerate() {
        scope(text, format!("{path}[{index}]"), mistakes);
    }
    list.iter().collect()
}

fn optional_scopes(list: Option<&[String]>, path: &str, mistakes: &mut Mistakes) -> Option<ScopeSet> {
    list.map(|list| scopes(list, path, mistakes))
}

fn implications(direct: &BTreeMap<String, Vec<String>>, mistakes: &mut Mistakes) {
    for (granted, implied) in direct {
        scope(granted, format!("scope_implications.{granted}"), mistakes);
        scopes(implied, &format!("scope_implications.{granted}"), mistakes);
    }
}

fn policy(config: &PolicyConfig, mistakes: &mut Mistakes) -> Policy {
    let default = match &config.default {
        Some(rule) => self::rule(rule, "policy.default", mistakes),
        None => {
            mistakes.add("policy.default", "required: a list of scopes or \"deny\"");
            Rule::Deny
        }
    };
    let maps = Maps {
        methods: rules(&config.methods, "policy.methods", pattern_problem, mistakes),
        tools: rules(&config.tools, "policy.tools", pattern_problem, mistakes),
        prompts: rules(&config.prompts, "policy.prompts", pattern_problem, mistakes),
        resources: rules(&config.resources, "policy.resources", resource_problem, mistakes),
    };
    let limit = whole(
        config.max_body_bytes,
        DEFAULT_MAX_BODY_BYTES as u64,
        1..=1 << 30,
        "policy.max_body_bytes",
        mistakes,
    );
    Policy::new(default, maps, limit as usize, config.headers_verified)
}

fn rules(
    config: &BTreeMap<String, PolicyRule>,
    path: &str,
    problem_of: fn(&str) -> Option<String>,
    mistakes: &mut Mistakes,
) -> Vec<(String, Rule)> {
    let mut rules = Vec::new();
    for (pattern, written) in config {
        let path = format!("{path}.{pattern}");
        if let Some(problem) = problem_of(pattern) {
            mistakes.add(&path, problem);
        }
        rules.push((pattern.clone(), rule(written, &path, mistakes)));
    }
    rules
}

pub(super) fn rule(written: &PolicyRule, path: &str, mistakes: &mut Mistakes) -> Rule {
    match written {
        PolicyRule::Need(list) => Rule::Need(scopes(list, path, mistakes).as_slice().to_vec()),
        PolicyRule::Deny => Rule::Deny,
    }
}

fn times(config: &Config, leeway: i64, mistakes: &mut Mistakes) -> TimeRules {
    let mut limit = |value: Option<u64>, path: &str| {
        value.map(|value| whole(Some(value), value, 1..=MAX_SECONDS, path, mistakes) as i64)
    };
    TimeRules {
        leeway,
        max_age: limit(config.max_token_age_seconds, "max_token_age_seconds"),
        max_lifetime: limit(config.max_token_lifetime_seconds, "max_token_lifetime_seconds"),
    }
}

fn token_cache(config: &TokenCacheConfig, mistakes: &mut Mistakes) -> CacheLimits {
    let capacity = whole(config.capacity, 10_000, 0..=1_000_000, "token_cache.capacity", mistakes);
    let max_bytes = config.max_bytes.unwrap_or(64 << 20);
    if max_bytes != 0 && !(64 << 10..=16 << 30).contains(&max_bytes) {
        mistakes.add("token_cache.max_bytes", "expected 0, or a whole number from 65536 to 17179869184");
    }
    CacheLimits { capacity: capacity as usize, max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX) }
}

/// How keys are kept, the same for every server.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyTimes {
    pub(super) default_ttl: Duration,
    pub(super) max_stale: Duration,
    pub(super) unknown_key_interval: Duration,
    pub(super) max_waiters: usize,
    pub(super) rsa_max_bits: usize,
    pub(super) background_refresh: bool,
}

fn keys(config: &KeysConfig, mistakes: &mut Mistakes) -> KeyTimes {
    let max_stale = whole(config.max_stale_seconds, 86_400, 0..=604_800, "keys.max_stale_seconds", mistakes);
    if (1..60).contains(&max_stale) {
        mistakes.add("keys.max_stale_seconds", "expected 0, or a whole number from 60 to 604800");
    }
    let ttl = whole(config.default_ttl_seconds, 600, 300..=3600, "keys.default_ttl_seconds", mistakes);
    let interval = whole(
        config.unknown_key_interval_seconds,
        30,
        5..=3600,
        "keys.unknown_key_interval_seconds",
        mistakes,
    );
    KeyTimes {
        default_ttl: Duration::from_secs(ttl),
        max_stale: Duration::from_secs(max_stale),
        unknown_key_interval: Duration::from_secs(interval),
        max_waiters: whole(config.max_waiters, 64, 1..=100_000, "keys.max_waiters", mistakes) as usize,
        rsa_max_bits: whole(config.rsa_max_bits, 4096, 2048..=8192, "keys.rsa_max_bits", mistakes) as usize,
        background_refresh: config.background_refresh.unwrap_or(true),
    }
}

fn origins(list: &[String], path: &str, mistakes: &mut Mistakes) {
    for (index, origin) in list.iter().enumerate() {
        if !is_origin(origin) {
            let message = "expected an origin as browsers write it, such as https://app.example.com: scheme://host, with a \
                           port that is not the default; * does not stand for all";
            mistakes.add(format!("{path}[{index}]"), message);
        }
    }
}

/// `scheme://host[:port]`, in lower case; extensions of browsers have schemes of their own.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"+-.".contains(&byte) || byte.is_ascii_digit());
    let is_web = matches!(scheme, "http" | "https");
    let spelled_as_sent = !is_web || Url::parse(text).is_ok_and(|url| url.origin() == text);
    is_scheme
        && spelled_as_sent
        && is_field_value(authority)
        && !authority.is_empty()
        && !authority.contains(['/', '*', ' ', '"', '\\', ','])
}

/// Non-empty strings without U+0000.
pub(super) fn strings(list: &[String], path: &str, mistakes: &mut Mistakes) {
    for (index, text) in list.iter().enumerate() {
        if text.is_empty() || text.contains('\0') {
            mistakes.add(format!("{path}[{index}]"), "expected a string that is not empty");
        }
    }
}

pub(super) fn is_field_value(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// A whole number within its range; the default stands in for a wrong one.
pub(super) fn whole(
    value: Option<u64>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
    path: &str,
    mistakes: &mut Mistakes,
) -> u64 {
    match value {
        Some(value) if !range.contains(&value) => {
            mistakes.add(path, format!("expected a whole number from {} to {}", range.start(), range.end()));
            default
        }
        value => value.unwrap_or(default),
    }
}
