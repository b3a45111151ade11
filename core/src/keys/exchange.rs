//! The GETs of one fetch: they share its deadline.

use std::time::Duration;

use super::plan::SHORT_WAIT;
use crate::clock::Clock;
use crate::fetch::{Document, DocumentKind, Fetch, FetchError, FetchRequest, Lookups};

/// One fetch while it runs.
pub(crate) struct Exchange<'a> {
    pub(crate) fetch: &'a dyn Fetch,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) lookups: &'a Lookups,
    pub(crate) deadline: Duration,
}

/// Where a key set is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KeySetUrl {
    pub(crate) url: String,
    /// See [`FetchRequest::public_only`].
    pub(crate) public_only: bool,
}

impl Exchange<'_> {
    pub(crate) fn now(&self) -> Duration {
        self.clock.boot()
    }

    /// Gets a metadata document; one that hangs leaves time for the others.
    pub(crate) fn metadata(&self, url: &str) -> Result<Document, FetchError> {
        self.fetch.get(&FetchRequest {
            url,
            kind: DocumentKind::Metadata,
            etag: None,
            timeout: self.time_left().min(SHORT_WAIT),
            public_only: false,
            lookups: self.lookups,
        })
    }

    pub(crate) fn key_set(&self, place: &KeySetUrl, etag: Option<&str>) -> Result<Document, FetchError> {
        self.fetch.get(&FetchRequest {
            url: &place.url,
            kind: DocumentKind::KeySet,
            etag,
            timeout: self.time_left(),
            public_only: place.public_only,
            lookups: self.lookups,
        })
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.now())
    }
}
