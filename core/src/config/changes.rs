//! Changes of a configuration: top-level members that replace those of another one, whole.

use serde_json::Value;

use super::mistakes::{self, ConfigError, Mistakes};
use super::{Config, Settings, settings};

/// The member that names those which go back to their defaults. It is none of a configuration.
const RESET: &str = "reset";

/// What stands for all of them there: then the changes are a whole configuration.
const ALL: &str = "all";

/// The members of a configuration, each by its name.
macro_rules! members {
    ($($member:ident),* $(,)?) => {
        const MEMBERS: &[&str] = &[$(stringify!($member)),*];

        /// Puts one member in the place of the other's. Whether there is one with this name.
        fn replace(config: &mut Config, other: &Config, member: &str) -> bool {
            let Config { $($member: _),* } = other; // every one of them
            match member {
                $(stringify!($member) => config.$member.clone_from(&other.$member),)*
                _ => return false,
            }
            true
        }
    };
}

members!(
    resource,
    authorization_servers,
    scopes_supported,
    required_scopes,
    initial_scopes,
    policy,
    scope_implications,
    scope_wildcards,
    additional_audiences,
    reject_foreign_audiences,
    leeway_seconds,
    max_token_age_seconds,
    max_token_lifetime_seconds,
    challenge_scopes,
    refusal_body,
    metadata,
    serve_root_metadata,
    serve_authorization_server_metadata,
    cors_origins,
    allowed_origins,
    distrusted_keys,
    token_cache,
    events,
    keys,
    http,
);

/// The configuration that comes of these changes, and what it says, checked like a new one.
pub(crate) fn from_json(base: &Config, changes: &str) -> Result<(Config, Settings), ConfigError> {
    let mut mistakes = Mistakes::default();
    let config =
        mistakes::object(changes, &mut mistakes).and_then(|changes| apply(base, changes, &mut mistakes));
    let settings = config.as_ref().and_then(|config| settings::check(config, &mut mistakes));
    match (config, settings) {
        (Some(config), Some(settings)) if mistakes.is_empty() => Ok((config, settings)),
        _ => Err(mistakes.into()),
    }
}

fn apply(base: &Config, mut changes: Value, mistakes: &mut Mistakes) -> Option<Config> {
    let members = changes.as_object_mut()?;
    let mut config = base.clone();
    if let Some(reset) = members.shift_remove(RESET) {
        self::reset(&mut config, &reset, mistakes);
    }
    let nulls: Vec<String> =
        members.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
    for name in nulls {
        mistakes.add(&name, null_for(&name));
        members.shift_remove(&name);
    }
    let given: Vec<String> = members.keys().cloned().collect();
    let read: Config = mistakes::shaped(changes, mistakes)?;
    for name in given {
        replace(&mut config, &read, &name);
    }
    Some(config)
}

/// A null could be a value that the host forgot, and must not take a safeguard away.
fn null_for(member: &str) -> String {
    format!("expected a value: null changes nothing, \"{RESET}\": [\"{member}\"] has the default again")
}

fn reset(config: &mut Config, names: &Value, mistakes: &mut Mistakes) {
    let defaults = Config::default();
    let Value::Array(names) = names else {
        mistakes.add(RESET, "expected a list of members");
        return;
    };
    if names.iter().any(|name| name == ALL) {
        *config = defaults;
        return;
    }
    for (index, name) in names.iter().enumerate() {
        let is_one = name.as_str().is_some_and(|name| replace(config, &defaults, name));
        if !is_one {
            let expected = format!("expected one of {}, or {ALL}", MEMBERS.join(", "));
            mistakes.add(format!("{RESET}[{index}]"), expected);
        }
    }
}
