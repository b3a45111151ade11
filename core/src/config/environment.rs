//! The configuration from the environment: a document, overlaid by single variables, overlaid by the host's arguments.
//!
//! The variables are those of [`ENVIRONMENT`]; whatever else there is, is left alone. An empty one counts as not set.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::mistakes::{self, ConfigError, Mistakes};
use super::{Config, Settings, files, settings};
use crate::json;

const CONFIG: &str = "SCOPEGATE_CONFIG";
const CONFIG_JSON: &str = "SCOPEGATE_CONFIG_JSON";
const RESOURCE: &str = "SCOPEGATE_RESOURCE";
const AUTHORIZATION_SERVERS: &str = "SCOPEGATE_AUTHORIZATION_SERVERS";
const REQUIRED_SCOPES: &str = "SCOPEGATE_REQUIRED_SCOPES";
const SCOPES_SUPPORTED: &str = "SCOPEGATE_SCOPES_SUPPORTED";
const KEY_SNAPSHOT: &str = "SCOPEGATE_KEY_SNAPSHOT";

/// The variables that [`ResourceServer::from_env`](crate::ResourceServer::from_env) reads.
pub const ENVIRONMENT: [&str; 7] =
    [CONFIG, CONFIG_JSON, RESOURCE, AUTHORIZATION_SERVERS, REQUIRED_SCOPES, SCOPES_SUPPORTED, KEY_SNAPSHOT];

/// The variables of this process.
pub(crate) fn of_the_process() -> Result<BTreeMap<String, String>, ConfigError> {
    let mut variables = BTreeMap::new();
    let mut mistakes = Mistakes::default();
    for name in ENVIRONMENT {
        #[allow(clippy::disallowed_methods)] // this is its room
        match std::env::var(name) {
            Ok(value) => {
                variables.insert(name.to_owned(), value);
            }
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => mistakes.add(name, "expected UTF-8"),
        }
    }
    if mistakes.is_empty() { Ok(variables) } else { Err(mistakes.into()) }
}

/// The configuration of these variables and, before them, of these members: a JSON object.
pub(crate) fn read(
    variables: &BTreeMap<String, String>,
    overrides: &str,
) -> Result<(Config, Settings), ConfigError> {
    let mut mistakes = Mistakes::default();
    let set = |name: &str| variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty());
    let mut document = self::document(set, &mut mistakes);
    let mut origins = overlay(&mut document, set, &mut mistakes);
    let members = self::overrides(overrides, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes.into()); // whatever is said of the rest would be a consequence
    }
    for (name, value) in members {
        origins.retain(|origin| origin.member != name && !origin.member.starts_with(&format!("{name}.")));
        document.insert(name, value);
    }
    let config: Option<Config> = mistakes::shaped(Value::Object(document), &mut mistakes);
    let settings = config.as_ref().and_then(|config| settings::check(config, &mut mistakes));
    for origin in &origins {
        mistakes.rename(origin.member, origin.variable);
    }
    match config.zip(settings) {
        Some(both) if mistakes.is_empty() => Ok(both),
        _ => Err(mistakes.into()),
    }
}

/// A member that a variable gave.
struct Origin {
    member: &'static str,
    variable: &'static str,
}

/// The whole configuration that a variable holds or names; an empty one where neither does.
fn document<'v>(set: impl Fn(&str) -> Option<&'v str>, mistakes: &mut Mistakes) -> Map<String, Value> {
    let (text, variable) = match (set(CONFIG), set(CONFIG_JSON)) {
        (Some(_), Some(_)) => {
            mistakes.add(CONFIG, format!("expected either this or {CONFIG_JSON}, not both"));
            return Map::new();
        }
        (Some(path), None) => match files::read(path) {
            Ok(text) => (text, CONFIG),
            Err(expected) => {
                mistakes.add(CONFIG, expected);
                return Map::new();
            }
        },
        (None, Some(text)) => (text.as_bytes().to_vec(), CONFIG_JSON),
        (None, None) => return Map::new(),
    };
    match json::parse(&text, json::MAX_DEPTH) {
        Ok(Value::Object(members)) => return members,
        Ok(_) => mistakes.add(variable, "expected a JSON object"),
        Err(error) => mistakes.add(variable, format!("expected strict JSON: {error}")),
    }
    Map::new()
}

/// Puts what single variables say into the document.
fn overlay<'v>(
    document: &mut Map<String, Value>,
    set: impl Fn(&str) -> Option<&'v str>,
    mistakes: &mut Mistakes,
) -> Vec<Origin> {
    let mut origins = Vec::new();
    let mut put = |member: &'static str, variable: &'static str, value: Value| {
        document.insert(member.to_owned(), value);
        origins.push(Origin { member, variable });
    };
    if let Some(resource) = set(RESOURCE) {
        put("resource", RESOURCE, json!(resource.trim()));
    }
    if let Some(servers) = set(AUTHORIZATION_SERVERS) {
        match authorization_servers(servers) {
            Ok(servers) => put("authorization_servers", AUTHORIZATION_SERVERS, servers),
            Err(expected) => mistakes.add(AUTHORIZATION_SERVERS, expected),
        }
    }
    for (member, variable) in [("required_scopes", REQUIRED_SCOPES), ("scopes_supported", SCOPES_SUPPORTED)] {
        if let Some(scopes) = set(variable) {
            put(member, variable, scopes.split_ascii_whitespace().collect());
        }
    }
    if let Some(path) = set(KEY_SNAPSHOT) {
        match snapshot(path) {
            Ok(snapshot) => {
                let keys = document.entry("keys").or_insert_with(|| json!({}));
                if let Value::Object(keys) = keys {
                    keys.insert("snapshot".to_owned(), snapshot);
                }
                origins.push(Origin { member: "keys.snapshot", variable: KEY_SNAPSHOT });
            }
            Err(expected) => mistakes.add(KEY_SNAPSHOT, expected),
        }
    }
    origins
}

/// A JSON list, or issuers with commas or blanks between them.
fn authorization_servers(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('[') {
        return json::parse(text.as_bytes(), json::MAX_DEPTH)
            .map_err(|error| format!("expected strict JSON: {error}"));
    }
    let is_between = |character: char| character == ',' || character.is_ascii_whitespace();
    Ok(text.split(is_between).filter(|issuer| !issuer.is_empty()).collect())
}

fn snapshot(path: &str) -> Result<Value, String> {
    let text = files::read(path)?;
    json::parse(&text, json::MAX_DEPTH).map_err(|error| format!("expected strict JSON: {error}"))
}

/// The members that the host gives. A null could be an argument that it forgot.
fn overrides(text: &str, mistakes: &mut Mistakes) -> Map<String, Value> {
    let Some(Value::Object(mut members)) = mistakes::object(text, mistakes) else { return Map::new() };
    members.retain(|name, value| {
        if value.is_null() {
            mistakes.add(name, "expected a value, or that it is left out");
        }
        !value.is_null()
    });
    members
}
