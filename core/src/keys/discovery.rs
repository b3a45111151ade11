//! Authorization server metadata -> `jwks_uri` (RFC 8414, OpenID Connect Discovery 1.0).

use std::time::Duration;

use super::exchange::{Exchange, KeySetUrl};
use crate::fetch::{Document, FetchError, FetchStep};
use crate::json;
use crate::url::Url;

/// How long a metadata document is believed.
const METADATA_TTL: Duration = Duration::from_secs(24 * 3600);

/// A key set that is gone (404, 410) has the metadata read again at most this often.
const GONE_INTERVAL: Duration = Duration::from_secs(600);

/// After this many failed GETs of the key set in a row the metadata is read again.
const MAX_FAILED_GETS: u32 = 3;

/// Where an issuer's metadata may be, and what it must call itself.
#[derive(Debug)]
pub(crate) struct Discovery {
    urls: Vec<String>,
    issuer: String,
}

/// What earlier fetches found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    found: Option<Found>,
    /// The place that worked last, as an index into the URLs.
    form: usize,
    failed_gets: u32,
    reread_at: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Found {
    place: KeySetUrl,
    read_at: Duration,
}

impl Discovery {
    pub(crate) fn new(discovery_url: Option<String>, issuer: String) -> Discovery {
        let urls = match discovery_url {
            Some(url) => vec![url],
            None => well_known_urls(&issuer),
        };
        Discovery { urls, issuer }
    }

    /// Finds the key set and gets it with `get`. The metadata is read where it must be: at first, when it is old, when
    /// the key set is gone or fails repeatedly.
    pub(crate) fn fetch<T>(
        &self,
        memory: &mut Memory,
        exchange: &Exchange<'_>,
        get: impl Fn(&KeySetUrl) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let now = exchange.now();
        let remembered = memory.place(now);
        let place = match &remembered {
            Some(place) => place.clone(),
            None => self.read(memory, exchange)?,
        };
        let mut result = get(&place);
        if remembered.is_some() && result.as_ref().is_err_and(is_gone) && memory.may_read_again(now) {
            memory.reread_at = Some(now);
            let moved = self.read(memory, exchange)?;
            if moved != place {
                result = get(&moved);
            }
        }
        memory.note(result.is_ok());
        result
    }

    /// Asks one place after the other, the one that worked last first.
    fn read(&self, memory: &mut Memory, exchange: &Exchange<'_>) -> Result<KeySetUrl, FetchError> {
        let mut first_error: Option<FetchError> = None;
        let order =
            std::iter::once(memory.form).chain((0..self.urls.len()).filter(|form| *form != memory.form));
        for form in order {
            let Some(url) = self.urls.get(form) else { continue };
            match exchange.metadata(url).and_then(|document| self.key_set_url(url, &document)) {
                Ok(place) => {
                    memory.found = Some(Found { place: place.clone(), read_at: exchange.now() });
                    memory.form = form;
                    return Ok(place);
                }
                // The same server would fail the same way.
                Err(error) if !matches!(error.step(), FetchStep::Http | FetchStep::Parse) => {
                    return Err(error);
                }
                Err(error) => {
                    if first_error.as_ref().is_none_or(|first| weight(&error) > weight(first)) {
                        first_error = Some(error);
                    }
                }
            }
        }
        Err(first_error.unwrap_or_else(|| {
            FetchError::new(FetchStep::Start, "metadata: the issuer is not a URL to look at")
        }))
    }

    /// Reads a metadata document that came from `url`.
    ///
    /// Checks `issuer` (RFC 8414 section 3.3) and the scheme of `jwks_uri`; no other member is looked at.
    fn key_set_url(&self, url: &str, document: &Document) -> Result<KeySetUrl, FetchError> {
        let failed = |what: &str| FetchError::new(FetchStep::Parse, format!("metadata: {what}"));
        let body = document.body.as_deref().unwrap_or_default();
        let members = json::parse_object(body).map_err(|_| failed("expected a strict JSON object"))?;
        let text = |name| members.get(name).and_then(serde_json::Value::as_str);
        if text("issuer") != Some(self.issuer.as_str()) {
            return Err(failed(
                "its `issuer` is not the one that is configured (`metadata_issuer` names another)",
            ));
        }
        let jwks_uri = text("jwks_uri").ok_or_else(|| failed("has no `jwks_uri`"))?;
        let parsed = Url::parse(jwks_uri)
            .map_err(|_| failed("its `jwks_uri` is not an absolute http or https URL"))?;
        if !parsed.is_https() && ![url, &self.issuer].iter().any(|url| is_plain_http(url)) {
            return Err(failed("its `jwks_uri` is plain http and the issuer is not"));
        }
        Ok(KeySetUrl { url: jwks_uri.to_owned(), public_only: !document.private })
    }
}

impl Memory {
    fn place(&self, now: Duration) -> Option<KeySetUrl> {
        let found = self.found.as_ref()?;
        let believed = now.saturating_sub(found.read_at) < METADATA_TTL && self.failed_gets < MAX_FAILED_GETS;
        believed.then(|| found.place.clone())
    }

    fn may_read_again(&self, now: Duration) -> bool {
        self.reread_at.is_none_or(|last| now.saturating_sub(last) >= GONE_INTERVAL)
    }

    fn note(&mut self, succeeded: bool) {
        // Past the limit the metadata is read before each GET, so the count starts anew there.
        self.failed_gets = if succeeded { 0 } else { self.failed_gets % MAX_FAILED_GETS + 1 };
    }
}

/// The places of an issuer's metadata: RFC 8414 path-inserted, OpenID path-inserted, OpenID path-appended.
fn well_known_urls(issuer: &str) -> Vec<String> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    if !url.query().is_empty() {
        return Vec::new();
    }
    let (authority, path) = (url.authority_part(), url.path().trim_end_matches('/'));
    let mut urls = vec![
        format!("{authority}/.well-known/oauth-authorization-server{path}"),
        format!("{authority}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{authority}{path}/.well-known/openid-configuration"));
    }
    urls
}

fn is_gone(error: &FetchError) -> bool {
    matches!(error.status(), Some(404 | 410))
}

fn is_plain_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| !url.is_https())
}

/// Of several errors the most telling one is reported: a document that was read and is wrong, then a server in
/// trouble, then one that has no such document.
fn weight(error: &FetchError) -> u8 {
    match (error.step(), error.status()) {
        (FetchStep::Parse, _) => 2,
        (_, Some(300..=499)) => 0,
        _ => 1,
    }
}
