//! What every answer must be like, whatever was asked.

use scopegate_core::{Class, HttpResponse, Reason, Rejection};
use serde_json::Value;

/// An answer can be sent: known fields, visible ASCII, a body that is JSON or nothing.
pub(crate) fn is_sendable(response: &HttpResponse) {
    for (name, value) in &response.headers {
        let printable = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        assert!(printable && !value.is_empty(), "{name}: {value:?}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
    }
    let mut names: Vec<_> = response.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), response.headers.len(), "a field stands twice: {response:?}");
    if !response.body.is_empty() {
        let body: Value = serde_json::from_slice(&response.body).expect("the body is JSON");
        assert!(body.is_object(), "{response:?}");
        assert_eq!(response.header("Content-Type"), Some("application/json"));
    }
}

/// A refusal keeps to the wire table.
pub(crate) fn is_in_the_table(rejection: &Rejection) {
    let response = rejection.response();
    is_sendable(response);
    let header = |name: &str| response.header(name);
    let class = rejection.reason().class();
    let (statuses, challenges): (&[u16], bool) = match class {
        Class::Challenge => (&[401], true),
        Class::InvalidRequest => (&[400], true),
        Class::InvalidCall => (&[400, 413], false),
        Class::InvalidToken => (&[401], true),
        Class::Forbidden => (&[403], rejection.reason() != Reason::OriginDenied),
        Class::Unavailable => (&[503], false),
        Class::Internal => (&[500], false),
        other => panic!("{other:?}"),
    };
    assert!(statuses.contains(&response.status), "{response:?}");
    assert_eq!(header("WWW-Authenticate").is_some(), challenges, "{response:?}");
    assert_eq!(header("Retry-After").is_some(), class == Class::Unavailable);
    assert_eq!(header("Cache-Control"), Some("no-store"));
    let body: Value = serde_json::from_slice(&response.body).expect("the body is JSON");
    assert!(body["error"].is_string() || body["error"]["code"].is_i64(), "{body}");
    if let Some(challenge) = header("WWW-Authenticate") {
        let parameters = parameters(challenge);
        assert_eq!(parameters.iter().filter(|(name, _)| name == "resource_metadata").count(), 1);
        let error = parameters.iter().find(|(name, _)| name == "error").map(|(_, value)| value.as_str());
        let expected = match rejection.reason() {
            Reason::MultipleCredentials => Some("invalid_request"),
            Reason::InsufficientScope => Some("insufficient_scope"),
            _ if class == Class::InvalidToken => Some("invalid_token"),
            _ => None,
        };
        assert_eq!(error, expected, "{challenge}");
    }
}

/// Nothing that an operator or a client is shown holds a part of these secrets: no long run of the characters that tokens
/// are made of. Our own texts have no such run.
pub(crate) fn shows_none_of(rejection: &Rejection, secrets: &[&[u8]]) {
    let response = rejection.response();
    let mut shown = format!("{rejection} {rejection:?} {}", rejection.detail()).into_bytes();
    for (_, value) in &response.headers {
        shown.extend_from_slice(value.as_bytes());
    }
    shown.extend_from_slice(&response.body);
    let is_of_a_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let longest = shown.split(|byte| !is_of_a_token(byte)).map(<[u8]>::len).max().unwrap_or_default();
    if longest < MIN_SECRET_BYTES {
        return;
    }
    for secret in secrets.iter().flat_map(|secret| secret.split(|byte| !is_of_a_token(byte))) {
        let is_shown = secret.len() >= MIN_SECRET_BYTES && contains(&shown, secret);
        assert!(!is_shown, "{rejection:?} shows {}", secret.escape_ascii());
    }
}

pub(crate) const MIN_SECRET_BYTES: usize = 32;

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The parameters of a Bearer challenge, by the grammar of RFC 9110 section 11.6.1 in its quoted form alone.
pub(crate) fn parameters(challenge: &str) -> Vec<(String, String)> {
    let mut rest = challenge.strip_prefix("Bearer ").expect("the scheme Bearer");
    let mut parameters = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a parameter");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{challenge}");
        let (value, after) = after.split_once('"').expect("the end of a quoted string");
        assert!(!value.contains('\\'), "{challenge}");
        parameters.push((name.to_owned(), value.to_owned()));
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => {
                assert!(after.is_empty(), "{challenge}");
                return parameters;
            }
        }
    }
}
