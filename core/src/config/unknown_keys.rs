//! What is said of a key that an object of the configuration does not have: what was meant, as far as that can be told.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    AuthorizationServer, Config, EventsConfig, HttpConfig, KeysConfig, PolicyConfig, TokenCacheConfig,
};

/// What other libraries call a member, in lower case and without what joins its words, and the member.
const OTHER_NAMES: [(&str, &str); 15] = [
    ("aud", "resource"),
    ("audience", "resource"),
    ("audiences", "resource"),
    ("resourceserverurl", "resource"),
    ("authorizationserver", "authorization_servers"),
    ("iss", "authorization_servers"),
    ("issuer", "authorization_servers"),
    ("issuerbaseurl", "authorization_servers"),
    ("issuers", "authorization_servers"),
    ("issuerurl", "authorization_servers"),
    ("jwksurl", "jwks_uri"),
    ("scope", "required_scopes"),
    ("scopes", "required_scopes"),
    ("clockskew", "leeway_seconds"),
    ("clocktolerance", "leeway_seconds"),
];

/// How alike a key and a known one are, from 0 to 1, where one may have been meant by the other.
const LIKE: f64 = 0.4;

/// The same where it is hardly more than a slip.
const VERY_LIKE: f64 = 0.75;

/// What serde says of an unknown field, with the known ones, in our words.
pub(super) fn message(of_serde: &str) -> String {
    let mut quoted = quoted(of_serde);
    let given = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let (likeness, nearest) = nearest(given, &known);
    let meant = other_name(given).unwrap_or(given);
    if likeness >= VERY_LIKE {
        format!("unknown key; the nearest known one is \"{nearest}\"")
    } else if known.contains(&meant) {
        format!("unknown key; what is meant may be \"{meant}\"")
    } else if let Some(place) = elsewhere(meant) {
        format!("unknown key here; \"{meant}\" is a member of {place}")
    } else if likeness >= LIKE {
        format!("unknown key; the nearest known one is \"{nearest}\"")
    } else {
        format!("unknown key; expected one of {}", known.join(", "))
    }
}

/// The known key that is most like this one, and how alike they are.
fn nearest<'a>(given: &str, known: &[&'a str]) -> (f64, &'a str) {
    let likeness = known.iter().map(|known| (strsim::normalized_damerau_levenshtein(given, known), *known));
    likeness.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, ""))
}

fn other_name(given: &str) -> Option<&'static str> {
    let plain = given.replace(|sign: char| !sign.is_ascii_alphanumeric(), "").to_ascii_lowercase();
    OTHER_NAMES.iter().find(|(name, _)| *name == plain).map(|(_, member)| *member)
}

/// Which object has a member of this name.
fn elsewhere(member: &str) -> Option<&'static str> {
    type Refusal = fn() -> String;
    let objects: [(&str, Refusal); 7] = [
        ("the document itself", refusal::<Config>),
        ("an object in authorization_servers", refusal::<AuthorizationServer>),
        ("policy", refusal::<PolicyConfig>),
        ("keys", refusal::<KeysConfig>),
        ("http", refusal::<HttpConfig>),
        ("events", refusal::<EventsConfig>),
        ("token_cache", refusal::<TokenCacheConfig>),
    ];
    let has = |refusal: String| quoted(&refusal).skip(1).any(|known| known == member);
    objects.iter().find(|(_, refusal)| has(refusal())).map(|(place, _)| *place)
}

/// What serde says of a member without a name, with those that the object has.
fn refusal<T: DeserializeOwned>() -> String {
    let foreign = serde_json::from_value::<T>(json!({ "": null }));
    foreign.err().map(|error| error.to_string()).unwrap_or_default()
}

/// What stands in the quotes of serde's messages: the unknown member, then the known ones.
fn quoted(of_serde: &str) -> impl Iterator<Item = &str> {
    of_serde.split('`').skip(1).step_by(2)
}
