//! Authorization server metadata -> `jwks_uri` (RFC 8414, OpenID Connect Discovery 1.0).

use std::time::Duration;

use serde_json::{Map, Value};

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

    fn read(&self, memory: &mut Memory, exchange: &Exchange<'_>) -> Result<KeySetUrl, FetchError> {
        let (place, form) =
            self.look(memory.form, exchange, |url, document| self.key_set_url(url, document))?;
        memory.found = Some(Found { place: place.clone(), read_at: exchange.now() });
        memory.form = form;
        Ok(place)
    }

    /// Asks one place after the other, `first` before all others, for a document that `read` takes. Also which place that
    /// was.
    pub(crate) fn look<T>(
        &self,
        first: usize,
        exchange: &Exchange<'_>,
        read: impl Fn(&str, &Document) -> Result<T, FetchError>,
    ) -> Result<(T, usize), FetchError> {
        let mut first_error: Option<FetchError> = None;
        let mut retry_after = None;
        let order = std::iter::once(first).chain((0..self.urls.len()).filter(|form| *form != first));
        for form in order {
            let Some(url) = self.urls.get(form) else { continue };
            match exchange.metadata(url).and_then(|document| read(url, &document)) {
                Ok(found) => return Ok((found, form)),
                // The same server would fail the same way.
                Err(error) if !matches!(error.step(), FetchStep::Http | FetchStep::Parse) => {
                    return Err(error.asked_for(retry_after));
                }
                Err(error) => {
                    retry_after = retry_after.max(error.retry_after());
                    if first_error.as_ref().is_none_or(|first| weight(&error) > weight(first)) {
                        first_error = Some(error);
                    }
                }
            }
        }
        let no_place = || FetchError::new(FetchStep::Start, "metadata: the issuer is not a URL to look at");
        Err(first_error.unwrap_or_else(no_place).asked_for(retry_after))
    }

    /// Reads a metadata document that came from `url`.
    ///
    /// Checks `issuer` (RFC 8414 section 3.3) and the scheme of `jwks_uri`; no other member is looked at.
    pub(crate) fn key_set_url(&self, url: &str, document: &Document) -> Result<KeySetUrl, FetchError> {
        let members = self.members(document)?;
        let jwks_uri =
            members.get("jwks_uri").and_then(Value::as_str).ok_or_else(|| failed("has no `jwks_uri`"))?;
        let parsed = Url::parse(jwks_uri)
            .map_err(|_| failed("its `jwks_uri` is not an absolute http or https URL"))?;
        if !parsed.is_https() && !self.is_plain(url) {
            return Err(failed("its `jwks_uri` is plain http and the issuer is not"));
        }
        Ok(KeySetUrl { url: jwks_uri.to_owned(), public_only: !document.private })
    }

    /// The members of a metadata document, whose `issuer` is the one that is configured (RFC 8414 section 3.3).
    pub(crate) fn members(&self, document: &Document) -> Result<Map<String, Value>, FetchError> {
        let body = document.body.as_deref().unwrap_or_default();
        let members = json::parse_object(body).map_err(|_| failed("expected a strict JSON object"))?;
        if members.get("issuer").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(failed(
                "its `issuer` is not the one that is configured (`metadata_issuer` names another)",
            ));
        }
        Ok(members)
    }

    /// Whether a document that came from `url` may name plain http: its issuer or its own place is such a URL.
    pub(crate) fn is_plain(&self, url: &str) -> bool {
        is_plain_http(url) || is_plain_http(&self.issuer)
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
pub(crate) fn well_known_urls(issuer: &str) -> Vec<String> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    if !url.query().is_empty() {
        return Vec::new();
    }
    let (authority, path) = (url.authority_part(), url.path().trim_end_matches('/'));
    let mut urls = vec![
        format!("{authority}/.well-known/oauth-authorization-server{path}"),
        format!("{authority}/.well-known/openid-configuration{path}"),
    ];
    let appended = format!("{authority}{path}/.well-known/openid-configuration");
    // It is one of the others for an issuer without a path, or whose path is a well-known one.
    if !urls.contains(&appended) {
        urls.push(appended);
    }
    urls
}

/// What is wrong with a metadata document.
pub(crate) fn failed(what: &str) -> FetchError {
    FetchError::new(FetchStep::Parse, format!("metadata: {what}"))
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
        (_, Some(429)) => 1,
        (_, Some(300..=499)) => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::{Clock, ScriptedClock};
    use crate::fetch::{DocumentKind, Fetch, FetchRequest, Lookups};
    use crate::lock::Mutex;

    const ISSUER: &str = "https://as.example/tenant";
    const RFC8414: &str = "https://as.example/.well-known/oauth-authorization-server/tenant";
    const INSERTED: &str = "https://as.example/.well-known/openid-configuration/tenant";
    const APPENDED: &str = "https://as.example/tenant/.well-known/openid-configuration";
    const JWKS: &str = "https://as.example/keys";

    /// A web of documents; what is not there is 404.
    #[derive(Default)]
    struct Web {
        documents: Mutex<BTreeMap<String, Result<Document, FetchError>>>,
        asked: Mutex<Vec<String>>,
    }

    impl Fetch for Web {
        fn get(&self, request: &FetchRequest<'_>) -> Result<Document, FetchError> {
            assert_eq!(request.kind, DocumentKind::Metadata);
            assert_eq!(request.timeout, Duration::from_secs(2));
            self.asked.lock().push(request.url.to_owned());
            self.documents
                .lock()
                .get(request.url)
                .cloned()
                .unwrap_or_else(|| Err(FetchError::with_status(404)))
        }

        fn timeout(&self) -> Duration {
            Duration::from_secs(5)
        }
    }

    struct Scene {
        web: Web,
        clock: ScriptedClock,
        memory: Memory,
        discovery: Discovery,
    }

    impl Scene {
        fn new() -> Scene {
            Scene::of(Discovery::new(None, ISSUER.to_owned()))
        }

        fn of(discovery: Discovery) -> Scene {
            Scene {
                web: Web::default(),
                clock: ScriptedClock::at(None),
                memory: Memory::default(),
                discovery,
            }
        }

        fn serve(&self, url: &str, body: &str) {
            let document = Document { body: Some(body.as_bytes().to_vec()), ..Document::default() };
            self.web.documents.lock().insert(url.to_owned(), Ok(document));
        }

        fn fail(&self, url: &str, error: FetchError) {
            self.web.documents.lock().insert(url.to_owned(), Err(error));
        }

        /// Where one fetch gets its keys.
        fn locate(&mut self) -> Result<KeySetUrl, FetchError> {
            self.fetch(|place| Ok(place.clone()))
        }

        fn fetch<T>(&mut self, get: impl Fn(&KeySetUrl) -> Result<T, FetchError>) -> Result<T, FetchError> {
            let (lookups, deadline) = (Lookups::default(), self.clock.boot() + Duration::from_secs(5));
            let exchange = Exchange { fetch: &self.web, clock: &self.clock, lookups: &lookups, deadline };
            self.discovery.fetch(&mut self.memory, &exchange, get)
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut *self.web.asked.lock())
        }
    }

    fn metadata(issuer: &str, jwks_uri: &str) -> String {
        format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#)
    }

    #[test]
    fn the_well_known_places_are_the_three_of_the_standards() {
        assert_eq!(well_known_urls(ISSUER), [RFC8414, INSERTED, APPENDED]);
        assert_eq!(well_known_urls("https://as.example/tenant/"), [RFC8414, INSERTED, APPENDED]);
        let at_the_root = [
            "https://as.example:8443/.well-known/oauth-authorization-server",
            "https://as.example:8443/.well-known/openid-configuration",
        ];
        assert_eq!(well_known_urls("https://as.example:8443"), at_the_root);
        assert_eq!(well_known_urls("https://as.example:8443/"), at_the_root);
        assert_eq!(well_known_urls("https://as.example/.well-known/openid-configuration").len(), 2);
        for no_url in ["as.example", "https://as.example/?tenant=1", "urn:issuer"] {
            assert_eq!(well_known_urls(no_url), [""; 0], "{no_url}");
        }
    }

    #[test]
    fn the_place_that_worked_is_asked_first() {
        let mut scene = Scene::new();
        scene.serve(APPENDED, &metadata(ISSUER, JWKS));
        assert_eq!(scene.locate().unwrap().url, JWKS);
        assert_eq!(scene.asked(), [RFC8414, INSERTED, APPENDED]);
        scene.clock.advance(METADATA_TTL);
        assert_eq!(scene.locate().unwrap().url, JWKS);
        assert_eq!(scene.asked(), [APPENDED]);
    }

    /// T24, T26, T48 (tests/attacks.md)
    #[test]
    fn a_place_with_another_document_is_passed_over() {
        for wrong in [
            metadata("https://as.example", JWKS),
            metadata("https://as.example/tenant/", JWKS),
            metadata("https://AS.example/tenant", JWKS),
            "<html>".to_owned(),
            "[]".to_owned(),
            String::new(),
            format!(r#"{{"issuer":"{ISSUER}"}}"#),
            format!(r#"{{"issuer":["{ISSUER}"],"jwks_uri":"{JWKS}"}}"#),
            format!(r#"{{"issuer":"{ISSUER}","jwks_uri":7}}"#),
            format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{JWKS}","jwks_uri":"https://evil.example"}}"#),
            format!(
                r#"{{"issuer":"{ISSUER}","jwks_uri":"{JWKS}","x":{}{}}}"#,
                "[".repeat(32),
                "]".repeat(32)
            ),
            metadata(ISSUER, "/keys"),
            metadata(ISSUER, "file:///keys"),
            metadata(ISSUER, "http://as.example/keys"),
            metadata(ISSUER, "https://user@as.example/keys"),
        ] {
            let mut scene = Scene::new();
            scene.serve(RFC8414, &wrong);
            scene.serve(INSERTED, &metadata(ISSUER, JWKS));
            assert_eq!(scene.locate().unwrap().url, JWKS, "{wrong}");
            assert_eq!(scene.asked(), [RFC8414, INSERTED]);
        }
    }

    #[test]
    fn a_place_that_fails_is_passed_over_and_a_server_that_cannot_be_reached_is_not_asked_again() {
        for error in [
            FetchError::with_status(302),
            FetchError::with_status(503),
            FetchError::new(FetchStep::Http, "timed out"),
        ] {
            let mut scene = Scene::new();
            scene.fail(RFC8414, error);
            scene.serve(INSERTED, &metadata(ISSUER, JWKS));
            assert_eq!(scene.locate().unwrap().url, JWKS);
        }
        for step in [FetchStep::Dns, FetchStep::Connect, FetchStep::Tls] {
            let mut scene = Scene::new();
            scene.fail(RFC8414, FetchError::new(step, "no"));
            assert_eq!(scene.locate().unwrap_err().step(), step);
            assert_eq!(scene.asked(), [RFC8414]);
        }
    }

    #[test]
    fn the_most_telling_error_is_reported() {
        let mut scene = Scene::new();
        assert_eq!(scene.locate().unwrap_err().status(), Some(404));
        for in_trouble in [429, 503] {
            scene.fail(APPENDED, FetchError::with_status(in_trouble));
            assert_eq!(scene.locate().unwrap_err().status(), Some(in_trouble));
        }
        scene.serve(INSERTED, &metadata("https://evil.example", JWKS));
        let error = scene.locate().unwrap_err();
        assert!(error.to_string().contains("`issuer`") && !error.to_string().contains("evil"), "{error}");
    }

    #[test]
    fn a_server_that_asks_to_be_left_alone_is_heard_whatever_is_reported() {
        let busy = |seconds| FetchError::with_retry_after(Some(Duration::from_secs(seconds)));
        let mut scene = Scene::new();
        scene.serve(RFC8414, "<html>");
        scene.fail(INSERTED, busy(120));
        scene.fail(APPENDED, busy(60));
        let error = scene.locate().unwrap_err();
        assert_eq!((error.step(), error.retry_after()), (FetchStep::Parse, Some(Duration::from_secs(120))));
    }

    #[test]
    fn plain_http_keys_are_for_an_issuer_on_plain_http() {
        let issuer = "http://localhost:9000";
        let mut scene = Scene::of(Discovery::new(None, issuer.to_owned()));
        let place = format!("{issuer}/.well-known/oauth-authorization-server");
        scene.serve(&place, &metadata(issuer, "http://localhost:9000/keys"));
        assert_eq!(scene.locate().unwrap().url, "http://localhost:9000/keys");
        let mut scene =
            Scene::of(Discovery::new(Some("http://localhost:9000/meta".to_owned()), ISSUER.to_owned()));
        scene.serve("http://localhost:9000/meta", &metadata(ISSUER, "http://localhost:9000/keys"));
        assert_eq!(scene.locate().unwrap().url, "http://localhost:9000/keys");
        assert_eq!(scene.asked(), ["http://localhost:9000/meta"]);
    }

    #[test]
    fn keys_of_a_public_issuer_must_be_at_a_public_address() {
        let mut scene = Scene::new();
        scene.serve(RFC8414, &metadata(ISSUER, JWKS));
        assert!(scene.locate().unwrap().public_only);
        let mut scene = Scene::new();
        let body = Some(metadata(ISSUER, JWKS).into_bytes());
        let document = Document { body, private: true, ..Document::default() };
        scene.web.documents.lock().insert(RFC8414.to_owned(), Ok(document));
        assert!(!scene.locate().unwrap().public_only);
    }

    #[test]
    fn a_key_set_that_is_gone_has_the_metadata_read_again_once_in_ten_minutes() {
        let mut scene = Scene::new();
        scene.serve(RFC8414, &metadata(ISSUER, "https://as.example/old"));
        scene.locate().unwrap();
        scene.serve(RFC8414, &metadata(ISSUER, JWKS));
        for status in [404, 410] {
            let gone = |place: &KeySetUrl| match place.url.as_str() {
                JWKS => Ok(place.url.clone()),
                _ => Err(FetchError::with_status(status)),
            };
            assert_eq!(scene.fetch(gone).unwrap(), JWKS);
            scene.serve(RFC8414, &metadata(ISSUER, "https://as.example/old"));
            scene.clock.advance(METADATA_TTL);
            scene.locate().unwrap();
            scene.serve(RFC8414, &metadata(ISSUER, JWKS));
        }
        scene.asked();
        let always_gone = |_: &KeySetUrl| Err::<(), _>(FetchError::with_status(404));
        assert_eq!(scene.fetch(always_gone).unwrap_err().status(), Some(404));
        assert_eq!(scene.asked(), [RFC8414]);
        assert_eq!(scene.fetch(always_gone).unwrap_err().status(), Some(404));
        assert_eq!(scene.asked(), [""; 0]);
        scene.clock.advance(GONE_INTERVAL);
        scene.memory.failed_gets = 0;
        scene.fetch(always_gone).unwrap_err();
        assert_eq!(scene.asked(), [RFC8414]);
    }

    #[test]
    fn three_failed_gets_have_the_metadata_read_again() {
        let mut scene = Scene::new();
        scene.serve(RFC8414, &metadata(ISSUER, JWKS));
        let failing = |_: &KeySetUrl| Err::<(), _>(FetchError::with_status(503));
        let reads: Vec<usize> = (0..7)
            .map(|_| {
                scene.fetch(failing).unwrap_err();
                scene.asked().len()
            })
            .collect();
        assert_eq!(reads, [1, 0, 0, 1, 0, 0, 1]);
    }
}
