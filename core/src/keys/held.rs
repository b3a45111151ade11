//! The key set that a source holds, and what it knows about it.

use std::sync::Arc;
use std::time::Duration;

use super::algorithm::Algorithm;
use super::key_set::{KeySet, Selected};
use super::plan::{CONFIRMATION, Lookup, Validity};

/// How many removed kids are remembered, the latest first to stay.
const MAX_REMOVED: usize = 200;

/// A set and its standing. Never changed, only replaced, so readers see one whole state.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) keys: Arc<KeySet>,
    /// Counts the good fetches.
    pub(crate) generation: u64,
    pub(crate) validity: Validity,
    /// Wall time at the start of the last good fetch.
    pub(crate) began_wall: Option<i64>,
    /// The issuer has no usable key any more.
    pub(crate) closed: bool,
    /// The ETag of the set and the URL that sent it.
    etag: Option<(String, String)>,
    removed: Vec<Removed>,
}

/// A good answer, apart from its keys.
pub(crate) struct Renewal {
    pub(crate) validity: Validity,
    pub(crate) began_wall: Option<i64>,
    pub(crate) url: String,
    pub(crate) etag: Option<String>,
}

/// A kid that an earlier set showed.
#[derive(Clone, Debug)]
struct Removed {
    kid: String,
    /// When the first fetch began that lacked it.
    since: Duration,
    /// A second fetch lacked it too.
    confirmed: bool,
}

impl Held {
    /// A new set in the place of the old one.
    pub(crate) fn install(keys: KeySet, old: Option<&Held>, renewal: Renewal) -> Held {
        let began = renewal.validity.began;
        let shows = |kid: &str| keys.kids().any(|shown| shown == kid);
        let mut removed = old.map(|old| old.confirmed(began)).unwrap_or_default();
        removed.retain(|gone| !shows(&gone.kid));
        for kid in old.iter().flat_map(|old| old.keys.kids()) {
            if !shows(kid) && !removed.iter().any(|gone| gone.kid == kid) {
                removed.push(Removed { kid: kid.to_owned(), since: began, confirmed: false });
            }
        }
        removed.drain(..removed.len().saturating_sub(MAX_REMOVED));
        Held {
            keys: Arc::new(keys),
            generation: old.map_or(0, |old| old.generation) + 1,
            validity: renewal.validity,
            began_wall: renewal.began_wall,
            closed: false,
            etag: renewal.etag.map(|etag| (renewal.url, etag)),
            removed,
        }
    }

    /// The same set, which the issuer says has not changed.
    pub(crate) fn renew(&self, renewal: Renewal) -> Held {
        Held {
            keys: self.keys.clone(),
            generation: self.generation + 1,
            validity: renewal.validity,
            began_wall: renewal.began_wall,
            closed: false,
            etag: self.etag.clone(),
            removed: self.confirmed(renewal.validity.began),
        }
    }

    /// The same set, no longer to be used.
    pub(crate) fn close(&self) -> Held {
        Held {
            keys: self.keys.clone(),
            generation: self.generation,
            validity: self.validity,
            began_wall: self.began_wall,
            closed: true,
            etag: None,
            removed: self.removed.clone(),
        }
    }

    /// What the set says to a token.
    pub(crate) fn lookup(&self, algorithm: Algorithm, kid: Option<&str>) -> Lookup {
        let Some(kid) = kid else { return Lookup::WithoutKid };
        if let Selected::One(_) | Selected::Ambiguous = self.keys.select(algorithm, Some(kid)) {
            return Lookup::Held;
        }
        match self.removed.iter().find(|gone| gone.kid == kid) {
            Some(gone) => Lookup::Removed { since: gone.since, confirmed: gone.confirmed },
            None => Lookup::Unknown,
        }
    }

    /// Whether the set may be used and no fetch is due.
    pub(crate) fn is_fresh(&self, now: Duration) -> bool {
        !self.closed && self.validity.is_fresh(now)
    }

    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        !self.closed && self.validity.age(now) < self.validity.expiry_age
    }

    /// The ETag to send to this URL.
    pub(crate) fn etag_of(&self, url: &str) -> Option<&str> {
        self.etag.as_ref().filter(|(sender, _)| sender == url).map(|(_, etag)| etag.as_str())
    }

    /// The removed kids after another answer, of a fetch that began then, lacks them too.
    fn confirmed(&self, began: Duration) -> Vec<Removed> {
        let confirm = |gone: &Removed| Removed {
            confirmed: gone.confirmed || began >= gone.since + CONFIRMATION,
            ..gone.clone()
        };
        self.removed.iter().map(confirm).collect()
    }
}
