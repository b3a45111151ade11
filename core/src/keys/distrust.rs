//! Keys that the operator no longer trusts, whatever their issuer publishes.

use std::collections::BTreeSet;

use arc_swap::ArcSwap;

use super::jwk::PreparedKey;
use super::key_set::KeySet;

/// How many thumbprints are remembered: an issuer that shows a new key under a distrusted `kid` in every answer must
/// not fill the memory. The `kid` itself stays distrusted.
const MAX_THUMBPRINTS: usize = 1000;

/// The distrusted keys of one authorization server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distrust {
    kids: BTreeSet<String>,
    /// Of every key that was seen under one of the kids: it is not trusted under another name either.
    thumbprints: BTreeSet<[u8; 32]>,
}

impl Distrust {
    /// Whether a token that names this `kid` is refused without a look at the keys.
    pub(crate) fn names(&self, kid: Option<&str>) -> bool {
        kid.is_some_and(|kid| self.kids.contains(kid))
    }

    /// Whether a set must not hold this key.
    pub(crate) fn covers(&self, key: &PreparedKey) -> bool {
        self.names(key.kid.as_deref()) || self.thumbprints.contains(&key.thumbprint)
    }

    /// These kids too.
    pub(crate) fn and(mut self, kids: impl IntoIterator<Item = String>) -> Distrust {
        self.kids.extend(kids);
        self
    }

    /// Everything that the other one distrusts too.
    pub(crate) fn join(&mut self, other: &Distrust) {
        self.kids.extend(other.kids.iter().cloned());
        self.remember(other.thumbprints.iter().copied());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kids.is_empty()
    }

    fn remember(&mut self, thumbprints: impl IntoIterator<Item = [u8; 32]>) {
        for thumbprint in thumbprints {
            if self.thumbprints.len() < MAX_THUMBPRINTS {
                self.thumbprints.insert(thumbprint);
            }
        }
    }
}

/// The list as it stands. It only grows, is read without a lock, and outlives a fork.
#[derive(Debug, Default)]
pub(crate) struct DistrustList(ArcSwap<Distrust>);

impl DistrustList {
    pub(crate) fn of(list: Distrust) -> DistrustList {
        DistrustList(ArcSwap::from_pointee(list))
    }

    pub(crate) fn now(&self) -> Distrust {
        Distrust::clone(&self.0.load())
    }

    /// See [`Distrust::names`].
    pub(crate) fn names(&self, kid: Option<&str>) -> bool {
        self.0.load().names(kid)
    }

    /// How many kids are distrusted.
    pub(crate) fn len(&self) -> usize {
        self.0.load().kids.len()
    }

    /// Puts a `kid` on the list, with the thumbprints that were seen under it.
    pub(crate) fn add(&self, kid: &str, thumbprints: &[[u8; 32]]) {
        self.0.rcu(|list| {
            let mut longer = Distrust::clone(list);
            longer.kids.insert(kid.to_owned());
            longer.remember(thumbprints.iter().copied());
            longer
        });
    }

    /// A set without its distrusted keys. Keys that it shows under a distrusted `kid` are distrusted from now on under
    /// every name.
    pub(crate) fn sift(&self, keys: KeySet) -> KeySet {
        let longer = self.after(&keys);
        if longer.thumbprints.len() > self.0.load().thumbprints.len() {
            self.0.rcu(|list| {
                let mut merged = Distrust::clone(list);
                merged.remember(longer.thumbprints.iter().copied());
                merged
            });
        }
        keys.without(&longer)
    }

    /// The list as it would stand after this set.
    pub(crate) fn after(&self, keys: &KeySet) -> Distrust {
        let mut list = Distrust::clone(&self.0.load());
        let named = |key: &&PreparedKey| list.names(key.kid.as_deref());
        let seen: Vec<_> = keys.keys().filter(named).map(|key| key.thumbprint).collect();
        list.remember(seen);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::algorithm::Algorithm;
    use crate::keys::jwk::KeyRules;
    use crate::keys::test_keys::{jwks, jwks_with_material};

    fn keys(document: &str) -> KeySet {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        KeySet::parse(document.as_bytes(), &rules).unwrap()
    }

    fn kids(set: &KeySet) -> Vec<&str> {
        set.kids().collect()
    }

    #[test]
    fn a_distrusted_kid_is_taken_out_of_a_set_and_counted() {
        let list = DistrustList::of(Distrust::default().and(["a".to_owned()]));
        let sifted = list.sift(keys(&jwks(&["a", "b"])));
        assert_eq!((kids(&sifted), sifted.distrusted()), (vec!["b"], 1));
        assert!(sifted.lost_to_distrust("a") && !sifted.lost_to_distrust("b"));
    }

    #[test]
    fn a_key_seen_under_a_distrusted_kid_is_not_trusted_under_another_name() {
        let list = DistrustList::of(Distrust::default().and(["a".to_owned()]));
        list.sift(keys(&jwks(&["a"])));
        let renamed = list.sift(keys(&jwks_with_material(&[("z", "a"), ("b", "b")])));
        assert_eq!(kids(&renamed), ["b"]);
        assert!(!list.names(Some("z")) && renamed.lost_to_distrust("z"));
    }

    #[test]
    fn the_remembered_thumbprints_are_bounded_and_the_kid_stays_distrusted() {
        let list = DistrustList::default();
        let many: Vec<[u8; 32]> = (0..2000_u32)
            .map(|n| {
                let mut thumbprint = [0; 32];
                thumbprint[..4].copy_from_slice(&n.to_be_bytes());
                thumbprint
            })
            .collect();
        list.add("a", &many);
        assert_eq!(list.0.load().thumbprints.len(), MAX_THUMBPRINTS);
        assert!(list.sift(keys(&jwks(&["a"]))).is_empty());
    }
}
