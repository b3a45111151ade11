//! The strict reader: http-auth takes exactly the grammar of RFC 9110 section 11.6.1, and no character beyond ASCII.

use crate::refusal::{Challenge, Written};

/// Whether the response has one challenge, whose parameters are those that went in, in their order and without an escape.
pub(crate) fn gives_back(written: &Written, challenge: &Challenge) -> Result<(), String> {
    let values: Vec<_> = written
        .headers
        .iter()
        .filter(|(name, _)| *name == "WWW-Authenticate")
        .map(|(_, value)| value)
        .collect();
    let [value] = values.as_slice() else { return Err(format!("{} challenges", values.len())) };
    let is_plain = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'\\';
    if !value.bytes().all(is_plain) {
        return Err(format!("a character that needs care: {value:?}"));
    }
    let parsed = http_auth::parse_challenges(value).map_err(|error| error.to_string())?;
    let [parsed] = parsed.as_slice() else { return Err(format!("{} challenges: {value}", parsed.len())) };
    let found: Vec<(&str, String)> =
        parsed.params.iter().map(|(name, value)| (*name, value.to_unescaped())).collect();
    let scope = Some(challenge.scope.join(" ")).filter(|scope| !scope.is_empty());
    let expected: Vec<(&str, String)> = [
        ("error", challenge.error.map(str::to_owned)),
        ("scope", scope),
        ("resource_metadata", Some(challenge.resource_metadata.clone())),
        ("error_description", challenge.error_description.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .collect();
    match parsed.scheme == "Bearer" && found == expected {
        true => Ok(()),
        false => Err(format!("{value}\n{found:?}\n{expected:?}")),
    }
}
