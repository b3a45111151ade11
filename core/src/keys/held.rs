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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::jwk::KeyRules;
    use crate::keys::test_keys::jwks;

    fn keys(kids: &[&str]) -> KeySet {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        KeySet::parse(jwks(kids).as_bytes(), &rules).unwrap()
    }

    /// A good answer to a fetch that began then.
    fn at(began: u64) -> Renewal {
        let (began, ttl) = (Duration::from_secs(began), Duration::from_secs(600));
        let validity = Validity::new(began, None, ttl, ttl, 0.5);
        Renewal {
            validity,
            began_wall: None,
            url: "https://as.example/jwks".to_owned(),
            etag: Some("\"1\"".to_owned()),
        }
    }

    fn lookup(held: &Held, kid: &str) -> Lookup {
        held.lookup(Algorithm::EdDSA, Some(kid))
    }

    fn removed(since: u64, confirmed: bool) -> Lookup {
        Lookup::Removed { since: Duration::from_secs(since), confirmed }
    }

    #[test]
    fn a_set_knows_its_kids_and_nothing_else() {
        let held = Held::install(keys(&["a", "b"]), None, at(0));
        assert_eq!(lookup(&held, "a"), Lookup::Held);
        assert_eq!(lookup(&held, "c"), Lookup::Unknown);
        assert_eq!(held.lookup(Algorithm::RS256, Some("a")), Lookup::Unknown);
        assert_eq!(held.lookup(Algorithm::RS256, None), Lookup::WithoutKid);
    }

    #[test]
    fn a_removed_kid_is_confirmed_by_a_second_answer_thirty_seconds_later() {
        let first = Held::install(keys(&["a", "b"]), None, at(0));
        let second = Held::install(keys(&["b"]), Some(&first), at(100));
        assert_eq!(lookup(&second, "a"), removed(100, false));
        let too_early = Held::install(keys(&["b"]), Some(&second), at(129));
        assert_eq!(lookup(&too_early, "a"), removed(100, false));
        let third = Held::install(keys(&["b"]), Some(&too_early), at(130));
        assert_eq!(lookup(&third, "a"), removed(100, true));
        let unchanged = second.renew(at(130));
        assert_eq!(lookup(&unchanged, "a"), removed(100, true));
    }

    #[test]
    fn a_kid_that_comes_back_is_no_longer_removed() {
        let first = Held::install(keys(&["a"]), None, at(0));
        let second = Held::install(keys(&["b"]), Some(&first), at(100));
        let third = Held::install(keys(&["a"]), Some(&second), at(200));
        assert_eq!((lookup(&third, "a"), lookup(&third, "b")), (Lookup::Held, removed(200, false)));
    }

    #[test]
    fn the_removed_kids_are_bounded() {
        let mut held = Held::install(keys(&["first"]), None, at(0));
        for round in 0..MAX_REMOVED as u64 + 10 {
            held = Held::install(keys(&[&format!("kid-{round}")]), Some(&held), at(round));
        }
        assert_eq!(held.removed.len(), MAX_REMOVED);
        assert_eq!(lookup(&held, "first"), Lookup::Unknown);
    }

    #[test]
    fn an_etag_belongs_to_its_url() {
        let held = Held::install(keys(&["a"]), None, at(0));
        assert_eq!(held.etag_of("https://as.example/jwks"), Some("\"1\""));
        assert_eq!(held.etag_of("https://as.example/other"), None);
        assert_eq!(held.close().etag_of("https://as.example/jwks"), None);
    }
}
