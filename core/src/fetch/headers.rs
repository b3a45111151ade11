//! The response headers that matter: freshness, ETag, Retry-After, encoding.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};

use super::{FetchError, FetchStep};

/// How long the answer says that it stays fresh: `max-age` less `Age` (RFC 9111 section 4.2), zero for `no-store`,
/// `no-cache` and a `max-age` that cannot be read. `None` when it does not say. `Expires` is not looked at.
pub(super) fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    for directive in list(headers, header::CACHE_CONTROL) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" if max_age.is_none() => {
                max_age = Some(seconds(value.trim().trim_matches('"')).unwrap_or(0))
            }
            _ => {}
        }
    }
    let age = list(headers, header::AGE).next().and_then(seconds).unwrap_or(0);
    max_age.map(|max_age| Duration::from_secs(max_age.saturating_sub(age)))
}

/// How long the server asks to be left alone (RFC 9110 section 10.2.3). A date counts as absent: our own backoff
/// applies.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    list(headers, header::RETRY_AFTER).next().and_then(seconds).map(Duration::from_secs)
}

/// The ETag, unless it is too long to keep.
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(header::ETAG)?.to_str().ok()?;
    (etag.len() <= 256).then(|| etag.to_owned())
}

/// We ask for no encoding, and decode none.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), FetchError> {
    if list(headers, header::CONTENT_ENCODING).all(|encoding| encoding.eq_ignore_ascii_case("identity")) {
        return Ok(());
    }
    Err(FetchError::new(FetchStep::Http, "has a content encoding that was not asked for"))
}

/// The elements of a comma-separated header over all its lines.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|element| !element.is_empty())
}

/// Digits only; a number that is too large is the largest.
fn seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn lifetime_is_max_age_less_age() {
        for (cache_control, age, expected) in [
            ("max-age=600", "", Some(600)),
            ("public, MAX-AGE=\"600\"", "100", Some(500)),
            ("max-age=600, max-age=1", "", Some(600)),
            ("max-age=10", "4000", Some(0)),
            ("max-age=600, no-store", "", Some(0)),
            ("no-cache", "", Some(0)),
            ("max-age=-5", "", Some(0)),
            ("max-age=", "", Some(0)),
            ("max-age=99999999999999999999999", "1", Some(u64::MAX - 1)),
            ("max-age=600", "soon", Some(600)),
            ("s-maxage=600", "", None),
            ("public", "", None),
        ] {
            let headers = headers(&[("cache-control", cache_control), ("age", age)]);
            assert_eq!(lifetime(&headers), expected.map(Duration::from_secs), "{cache_control}");
        }
        let two_lines = headers(&[("cache-control", "public"), ("cache-control", "max-age=700")]);
        assert_eq!(lifetime(&two_lines), Some(Duration::from_secs(700)));
    }

    #[test]
    fn retry_after_is_read_in_seconds_alone() {
        assert_eq!(retry_after(&headers(&[("retry-after", "120")])), Some(Duration::from_secs(120)));
        for value in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", ""] {
            assert_eq!(retry_after(&headers(&[("retry-after", value)])), None, "{value}");
        }
    }

    #[test]
    fn encodings_that_were_not_asked_for_are_refused() {
        for encoding in ["gzip", "identity, br", "deflate"] {
            assert!(check_encoding(&headers(&[("content-encoding", encoding)])).is_err());
        }
        assert!(check_encoding(&headers(&[("content-encoding", "identity")])).is_ok());
        assert!(check_encoding(&headers(&[])).is_ok());
    }
}
