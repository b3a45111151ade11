//! The key set that a source holds, and what it knows about it.

use std::sync::Arc;
use std::time::Duration;

use super::algorithm::Algorithm;
use super::distrust::DistrustList;
use super::jwk::PreparedKey;
use super::key_set::{KeySet, Selected};
use super::plan::{CONFIRMATION, Lookup, Standing, Validity};

/// How many removed kids are remembered, the latest first to stay.
const MAX_REMOVED: usize = 200;

/// How many keys of earlier sets are remembered, likewise.
const MAX_FORMER: usize = 200;

/// A set and its standing. Never changed, only replaced, so readers see one whole state.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) keys: Arc<KeySet>,
    /// Counts the changes: good fetches and what the operator did.
    pub(crate) generation: u64,
    pub(crate) validity: Validity,
    /// Wall time at the start of the last good fetch.
    pub(crate) began_wall: Option<i64>,
    pub(crate) standing: Standing,
    /// The ETag of the set and the URL that sent it.
    etag: Option<(String, String)>,
    removed: Vec<Removed>,
    /// Kids and thumbprints of keys that earlier sets held.
    former: Vec<(String, [u8; 32])>,
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
            began_wall: renewal.began_wall,
            etag: renewal.etag.map(|etag| (renewal.url, etag)),
            removed,
            ..Held::put(keys, old, Standing::Fetched, renewal.validity)
        }
    }

    /// A set that did not come from a fetch, in the place of the old one: what the old one knew of kids is forgotten.
    pub(crate) fn put(keys: KeySet, old: Option<&Held>, standing: Standing, validity: Validity) -> Held {
        Held {
            former: former(&keys, old),
            keys: Arc::new(keys),
            generation: old.map_or(0, |old| old.generation) + 1,
            validity,
            began_wall: None,
            standing,
            etag: None,
            removed: Vec::new(),
        }
    }

    /// The same set, which the issuer says has not changed.
    pub(crate) fn renew(&self, renewal: Renewal) -> Held {
        Held {
            generation: self.generation + 1,
            validity: renewal.validity,
            began_wall: renewal.began_wall,
            removed: self.confirmed(renewal.validity.began),
            ..self.clone()
        }
    }

    /// The same set, no longer to be used.
    pub(crate) fn close(&self) -> Held {
        Held { standing: Standing::Closed, etag: None, ..self.clone() }
    }

    /// The same set without the keys that are distrusted by now.
    pub(crate) fn sifted(&self, distrust: &DistrustList) -> Held {
        let keys = distrust.sift(KeySet::clone(&self.keys));
        Held { keys: Arc::new(keys), generation: self.generation + 1, ..self.clone() }
    }

    /// A pinned set after its release: used until a fetch, which is due, brings another.
    pub(crate) fn released(&self, now: Duration) -> Held {
        let validity = Validity { began: now.saturating_sub(self.validity.refresh_age), ..self.validity };
        Held { standing: Standing::Fetched, generation: self.generation + 1, validity, ..self.clone() }
    }

    /// The thumbprints of the keys that this set and earlier ones showed under a `kid`.
    pub(crate) fn thumbprints_of(&self, kid: &str) -> Vec<[u8; 32]> {
        let named = |key: &&PreparedKey| key.kid.as_deref() == Some(kid);
        let shown = self.keys.keys().filter(named).map(|key| key.thumbprint);
        let former =
            self.former.iter().filter(|(former, _)| former == kid).map(|(_, thumbprint)| *thumbprint);
        shown.chain(former).collect()
    }

    /// What the set says to a token.
    pub(crate) fn lookup(&self, algorithm: Algorithm, kid: Option<&str>) -> Lookup {
        let Some(kid) = kid else { return Lookup::WithoutKid };
        if let Selected::One(_) | Selected::Ambiguous = self.keys.select(algorithm, Some(kid)) {
            return Lookup::Held;
        }
        if self.keys.lost_to_distrust(kid) {
            return Lookup::Removed { since: self.validity.began, confirmed: true };
        }
        match self.removed.iter().find(|gone| gone.kid == kid) {
            Some(gone) => Lookup::Removed { since: gone.since, confirmed: gone.confirmed },
            None => Lookup::Unknown,
        }
    }

    /// Whether the set may be used and no fetch is due.
    pub(crate) fn is_fresh(&self, now: Duration) -> bool {
        self.standing.is_fixed() || (self.standing == Standing::Fetched && self.validity.is_fresh(now))
    }

    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        match self.standing {
            Standing::Static | Standing::Pinned => true,
            Standing::Closed => false,
            Standing::Fetched => self.validity.age(now) < self.validity.expiry_age,
        }
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

/// The keys that no longer stand in the set, with the kids that they had.
fn former(keys: &KeySet, old: Option<&Held>) -> Vec<(String, [u8; 32])> {
    let Some(old) = old else { return Vec::new() };
    let shows = |kid: &str, thumbprint| {
        keys.keys().any(|key| key.kid.as_deref() == Some(kid) && key.thumbprint == thumbprint)
    };
    let left = old.keys.keys().filter_map(|key| Some((key.kid.clone()?, key.thumbprint)));
    let mut former = old.former.clone();
    former.extend(left);
    former.retain(|(kid, thumbprint)| !shows(kid, *thumbprint));
    former.drain(..former.len().saturating_sub(MAX_FORMER));
    former
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
