//! Requests that wait for keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::keys::held::Held;
use crate::keys::plan::Purpose;

/// Keys that a request needs and that have to be fetched. While it lives it counts as one of those that wait.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    pub(super) source: usize,
    /// The set that was held when the request came.
    pub(super) generation: u64,
    pub(super) purpose: Purpose,
    /// When the request came, in boot time.
    pub(super) asked: Duration,
    pub(super) longest_wait: Duration,
    /// `None` for one that does not count.
    pub(super) _place: Option<Arc<Place>>,
}

impl KeyRequest {
    /// Which key source is asked for keys, by a number that no other source of the process has. Servers that were derived
    /// from one another share sources; requests for one source can share one wait.
    pub fn source(&self) -> usize {
        self.source
    }

    /// Whether the held set was fetched since the request came. Its time alone does not tell on a coarse clock.
    pub(super) fn is_proof(&self, held: Option<&Held>) -> bool {
        held.is_some_and(|held| held.generation > self.generation && held.validity.began >= self.asked)
    }

    /// The longest that a refresh for this request blocks.
    pub fn longest_wait(&self) -> Duration {
        self.longest_wait
    }
}

/// How many requests wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    all: AtomicUsize,
    for_unknown_kid: AtomicUsize,
}

/// One of those that wait, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Arc<Waiting>,
    purpose: Purpose,
}

impl Waiting {
    pub(super) fn all(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    pub(super) fn for_unknown_kid(&self) -> usize {
        self.for_unknown_kid.load(Ordering::Acquire)
    }

    pub(super) fn enter(self: &Arc<Self>, purpose: Purpose) -> Arc<Place> {
        self.all.fetch_add(1, Ordering::AcqRel);
        if purpose == Purpose::UnknownKid {
            self.for_unknown_kid.fetch_add(1, Ordering::AcqRel);
        }
        Arc::new(Place { waiting: self.clone(), purpose })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.all.fetch_sub(1, Ordering::AcqRel);
        if self.purpose == Purpose::UnknownKid {
            self.waiting.for_unknown_kid.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
