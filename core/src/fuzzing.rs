//! For fuzz targets: what they cannot reach by the public interface. Each function calls the product's own.

use crate::fetch::{Document, FetchError};
use crate::keys::discovery::{self, Discovery};
use crate::keys::relay;
use crate::keys::source::simulation;

/// Where an issuer's metadata is looked for, in order.
pub fn metadata_urls(issuer: &str) -> Vec<String> {
    discovery::well_known_urls(issuer)
}

/// The `jwks_uri` of a metadata document that came from `url` and is to be `issuer`'s.
pub fn key_set_url(issuer: &str, url: &str, document: &[u8]) -> Result<String, FetchError> {
    let document = Document { body: Some(document.to_vec()), ..Document::default() };
    Discovery::new(None, issuer.to_owned()).key_set_url(url, &document).map(|place| place.url)
}

/// What is served of a metadata document that came from `url` and is to be `issuer`'s.
pub fn relayed_metadata(issuer: &str, url: &str, document: &[u8]) -> Result<String, FetchError> {
    let document = Document { body: Some(document.to_vec()), ..Document::default() };
    relay::written(&Discovery::new(None, issuer.to_owned()), &[], url, &document)
}

/// Leads a key source through the history that these bytes choose: time, tokens, an issuer that fails and recovers,
/// forks, restarts, operators.
///
/// # Panics
///
/// When a promise of the rules about keys is broken; the message tells the history.
pub fn key_source_history(choices: &[u8]) {
    simulation::run_choices(choices);
}
