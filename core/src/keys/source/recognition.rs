//! Tokens whose signature was verified before.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{KeyRequest, Selection, Source, Want};
use crate::keys::held::Held;
use crate::keys::jwk::PreparedKey;
use crate::keys::key_set::Selected;

/// The key that verified a token.
#[derive(Debug)]
pub(crate) struct VerifyingKey {
    thumbprint: [u8; 32],
    /// The generation of the set in which the key was last seen; 0 is before every set.
    generation: AtomicU64,
}

/// What a source says to a token whose signature was verified before.
#[derive(Debug)]
pub(crate) enum Recognition {
    /// The same key answers, so that the signature is as good as it was.
    SameKey,
    /// Another key answers, or none: the token must go on as if it had never been seen.
    Changed,
    /// The keys must be asked for first, or are not to be had.
    NotNow(Selection),
}

impl VerifyingKey {
    pub(crate) fn new(key: &PreparedKey) -> VerifyingKey {
        VerifyingKey { thumbprint: key.thumbprint, generation: AtomicU64::new(0) }
    }

    /// Whether this set answers with the same key. It is looked up once for each set.
    fn is_in(&self, held: &Held, want: &Want<'_>) -> bool {
        if self.generation.load(Ordering::Relaxed) == held.generation {
            return true;
        }
        let same = match held.keys.select(want.algorithm, want.kid) {
            Selected::One(key) => key.thumbprint == self.thumbprint,
            Selected::None | Selected::Ambiguous => false,
        };
        if same {
            self.generation.store(held.generation, Ordering::Relaxed);
        }
        same
    }
}

impl Source {
    /// [`Source::select`] for a token that this key has verified: a known `kid`, as long as the key is still its.
    pub(crate) fn recognise(
        &self,
        want: &Want<'_>,
        key: &VerifyingKey,
        done: Option<&KeyRequest>,
    ) -> Recognition {
        if self.distrust.names(want.kid) {
            return Recognition::Changed;
        }
        let here = self.flights.per_process.load();
        match &*here.held.load() {
            Some(held) if key.is_in(held, want) => {
                if held.standing.is_fixed() || held.is_fresh(self.flights.clock.boot()) {
                    return Recognition::SameKey;
                }
            }
            _ => return Recognition::Changed,
        }
        match self.select(want, done) {
            Selection::Key(answer) if answer.thumbprint == key.thumbprint => Recognition::SameKey,
            Selection::Key(_) | Selection::Unknown | Selection::Ambiguous => Recognition::Changed,
            not_now => Recognition::NotNow(not_now),
        }
    }
}
