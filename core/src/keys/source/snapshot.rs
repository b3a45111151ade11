//! Key sets that leave the process, and that come from another.

use std::sync::Arc;

use super::{Fetched, Source, draw};
use crate::keys::held::Held;
use crate::keys::plan::{Standing, Validity};
use crate::keys::snapshot::{ImportedKeys, SourceSnapshot};

impl Source {
    /// The held set, if it came from the issuer and is usable. Pinned keys and those of the configuration stay here.
    pub(crate) fn export(&self, issuers: &[String]) -> Option<SourceSnapshot> {
        let now = self.flights.clock.boot();
        let held = self.here().held.load_full()?;
        if held.standing != Standing::Fetched || !held.is_usable(now) {
            return None;
        }
        Some(SourceSnapshot {
            issuers: issuers.to_vec(),
            // A started second counts: the age never shrinks on the way.
            age_seconds: Some(held.validity.age(now).as_secs().saturating_add(1)),
            ttl_seconds: Some(held.validity.ttl.as_secs()),
            keys: held.keys.keys().map(|key| key.public_jwk()).collect(),
        })
    }

    /// Holds the keys of a snapshot, as old as they are by now. What cannot be used is left out, and said in `stats`.
    pub(super) fn put_imported_keys(&self, imported: ImportedKeys) -> Result<(), &'static str> {
        let settings = &self.settings;
        let age = imported.age_at(self.flights.clock.wall(), settings.leeway)?;
        let began = self.flights.clock.boot().checked_sub(age).ok_or("its keys are too old")?;
        let (default_ttl, max_stale) = (settings.default_ttl, settings.max_stale);
        let validity = Validity::new(began, Some(imported.ttl), default_ttl, max_stale, draw());
        if age >= validity.expiry_age {
            return Err("its keys are too old");
        }
        if imported.keys.is_empty() {
            return Err("it holds no usable key");
        }
        let keys = self.distrust.sift(imported.keys);
        self.here().held.store(Some(Arc::new(Held::put(keys, None, Standing::Fetched, validity))));
        Ok(())
    }
}
