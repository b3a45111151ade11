//! What an operator does to a source: distrust a key, replace the keys, let the source fetch again.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{Fetched, KeyLocation, Source, draw};
use crate::keys::held::Held;
use crate::keys::jwk::MAX_KID_BYTES;
use crate::keys::key_set::{self, KeySet};
use crate::keys::plan::{Standing, Validity};

/// Why keys were neither distrusted nor replaced nor resumed. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyControlError {
    /// No authorization server of the configuration has this issuer.
    UnknownIssuer,
    /// The `kid` is empty or longer than 256 bytes: no key is ever found under it.
    InvalidKid,
    /// The document is no key set, or holds no usable key that is trusted. Says what is expected.
    InvalidKeySet(String),
}

impl fmt::Display for KeyControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyControlError::UnknownIssuer => f.write_str("expected an issuer of the configuration"),
            KeyControlError::InvalidKid => f.write_str("expected a kid of 1 to 256 bytes"),
            KeyControlError::InvalidKeySet(expected) => f.write_str(expected),
        }
    }
}

impl Error for KeyControlError {}

impl Source {
    /// From the return on, no key that is or was published under this `kid` answers, whatever is fetched, imported or
    /// pinned. The list and the held set change under the lock that an installing fetch takes.
    pub(crate) fn distrust(&self, kid: &str) -> Result<(), KeyControlError> {
        if !(1..=MAX_KID_BYTES).contains(&kid.len()) {
            return Err(KeyControlError::InvalidKid);
        }
        let here = self.here();
        let _records = here.records.lock();
        let held = here.held.load_full();
        let seen = held.as_ref().map(|held| held.thumbprints_of(kid)).unwrap_or_default();
        self.distrust.add(kid, &seen);
        here.held.store(held.map(|held| Arc::new(held.sifted(&self.distrust))));
        Ok(())
    }

    /// From the return on, only these keys answer. The fetch that runs is discarded and none starts before
    /// [`Source::resume`].
    pub(crate) fn pin(&self, jwks: &str) -> Result<(), KeyControlError> {
        let invalid = |expected: String| KeyControlError::InvalidKeySet(expected);
        let keys = KeySet::parse(jwks.as_bytes(), &self.settings.rules)
            .map_err(|error| invalid(error.to_string()))?;
        let here = self.here();
        let mut records = here.records.lock();
        let trusted = keys.clone().without(&self.distrust.after(&keys));
        if trusted.is_empty() {
            return Err(invalid(key_set::no_usable_key(&trusted)));
        }
        let keys = self.distrust.sift(keys);
        let held = here.held.load_full();
        let pinned = Held::put(keys, held.as_deref(), Standing::Pinned, self.validity_from_now());
        here.held.store(Some(Arc::new(pinned)));
        records.attempts.discard_flight();
        drop(records);
        here.landed.notify_all();
        Ok(())
    }

    /// Lets a pinned source fetch again. The pinned keys are used until a fetch, which is due at once, brings the
    /// issuer's; keys of the configuration are back at once.
    pub(crate) fn resume(&self) {
        let here = self.here();
        let records = here.records.lock();
        let Some(held) = here.held.load_full().filter(|held| held.standing == Standing::Pinned) else {
            return;
        };
        let resumed = match &self.settings.location {
            KeyLocation::Static(keys) => self.configured(keys, Some(&held)),
            _ => held.released(self.flights.clock.boot()),
        };
        here.held.store(Some(Arc::new(resumed)));
        drop(records);
        self.watch();
    }

    /// Holds the keys of the configuration, if it has any.
    pub(super) fn put_configured_keys(&self) {
        if let KeyLocation::Static(keys) = &self.settings.location {
            self.here().held.store(Some(Arc::new(self.configured(keys, None))));
        }
    }

    fn configured(&self, keys: &KeySet, old: Option<&Held>) -> Held {
        Held::put(self.distrust.sift(keys.clone()), old, Standing::Static, self.validity_from_now())
    }

    fn validity_from_now(&self) -> Validity {
        let settings = &self.settings;
        Validity::new(self.flights.clock.boot(), None, settings.default_ttl, settings.max_stale, draw())
    }
}
