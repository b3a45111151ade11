//! The metadata of an authorization server -> where its keys are.

use scopegate_core::fuzzing;
use serde_json::Value;

use crate::fields::Fields;

/// Input: which issuer, where the document came from, the issuer's own text where it is made up, and the document.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let issuer = match fields.choice(4) {
        0 => "https://as.test".to_owned(),
        1 => "http://127.0.0.1:9000/tenant".to_owned(),
        2 => "https://[::1]/a/".to_owned(),
        _ => fields.text(),
    };
    places_are_its_own(&issuer);
    let url = ["https://as.test/.well-known/openid-configuration", "http://localhost:1/m", "nowhere"]
        [fields.choice(3)];
    let document = fields.rest();
    what_is_served_is_the_document(&issuer, url, document);
    match fuzzing::key_set_url(&issuer, url, document) {
        Ok(place) => {
            let members: Value = serde_json::from_slice(document).expect("an accepted document is JSON");
            assert_eq!(
                (members["issuer"].as_str(), members["jwks_uri"].as_str()),
                (Some(&*issuer), Some(&*place))
            );
            let scheme = place.split("://").next().unwrap_or_default().to_ascii_lowercase();
            let is_plain = |url: &str| url.to_ascii_lowercase().starts_with("http://");
            assert!(
                scheme == "https" || (scheme == "http" && (is_plain(&issuer) || is_plain(url))),
                "{place}"
            );
            let authority = place.split("://").nth(1).expect("an absolute URL").split(['/', '?']).next();
            assert!(
                authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('@')),
                "{place}"
            );
            assert!(place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{place}");
        }
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("metadata: "), "{shown}");
            assert!(!holds_a_text_of(document, &shown), "{shown}");
        }
    }
}

/// It says what was read, and no endpoint of it leads a client or a browser anywhere but to the web.
fn what_is_served_is_the_document(issuer: &str, url: &str, document: &[u8]) {
    let Ok(served) = fuzzing::relayed_metadata(issuer, url, document) else { return };
    let read: Value = serde_json::from_slice(document).expect("an accepted document is JSON");
    let again: Value = serde_json::from_str(&served).expect("what is served is JSON");
    assert_eq!(read, again);
    assert_eq!(again["issuer"].as_str(), Some(issuer));
    let endpoints = again.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_endpoint"));
    for place in endpoints.filter_map(|(_, value)| value.as_str()) {
        let place = place.to_ascii_lowercase();
        assert!(place.starts_with("https://") || place.starts_with("http://"), "{place}");
    }
    assert!(served.bytes().all(|byte| byte != b'\n' && byte != b'\r'), "{served}");
}

/// Whether a text in the document is shown.
fn holds_a_text_of(document: &[u8], shown: &str) -> bool {
    let value: Value = serde_json::from_slice(document).unwrap_or_default();
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(_, value)| value.as_str()).any(|text| text.len() >= 60 && shown.contains(text))
}

/// Metadata is looked for on the issuer's own server, in three places at the most.
fn places_are_its_own(issuer: &str) {
    let places = fuzzing::metadata_urls(issuer);
    assert!(places.len() <= 3);
    let authority_of = |url: &str| {
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let end = url[after_scheme..].find(['/', '?']).map_or(url.len(), |at| after_scheme + at);
        url[..end].to_owned()
    };
    for (at, place) in places.iter().enumerate() {
        assert!(!places[..at].contains(place), "{place} twice");
        assert_eq!(authority_of(place), authority_of(issuer));
        let path = &place[authority_of(place).len()..];
        assert!(path.contains("/.well-known/") && !path.contains(['?', '#']), "{place}");
    }
}
