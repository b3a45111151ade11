//! A registered resource: the protected server that tokens are issued for.

use crate::keys::SignatureAlgorithm;

#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// The last segment of the issuer's URL.
    pub(crate) id: String,
    /// For people: the name that a consent page shows.
    #[expect(dead_code, reason = "read by the consent page, once the authorization endpoint exists")]
    pub(crate) name: String,
    /// The resource indicator (RFC 8707 section 2), byte for byte as configured: the audience of every token.
    pub(crate) identifier: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) token_lifetime_seconds: u64,
    pub(crate) algorithm: SignatureAlgorithm,
    /// How long clients may keep the metadata and the key set.
    pub(crate) max_age_seconds: u64,
}

impl Resource {
    /// Whether a `resource` parameter names this resource: the same bytes, or the other spelling of an empty
    /// path (`https://host` and `https://host/` are one URL, RFC 3986 section 6.2.3).
    pub(crate) fn is_named(&self, indicator: &str) -> bool {
        without_slash(indicator) == without_slash(&self.identifier)
    }
}

fn without_slash(url: &str) -> &str {
    match url.strip_suffix('/') {
        Some(origin) if origin.matches('/').count() == 2 && !origin.contains('?') => origin,
        _ => url,
    }
}
