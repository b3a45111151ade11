//! Secrets of clients and of the administrator.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};

/// A secret, kept as its SHA-256 digest: digests have one length, so comparing them tells nothing about the
/// length of the secret, and nothing can print the text.
#[derive(Clone)]
pub(crate) struct Secret(Digest);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(digest(&SHA256, text.as_bytes()))
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, presented: &str) -> bool {
        let presented = digest(&SHA256, presented.as_bytes());
        verify_slices_are_equal(self.0.as_ref(), presented.as_ref()).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}
