//! A key set: the keys of one authorization server, ready to verify.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::algorithm::Algorithm;
use super::distrust::Distrust;
use super::jwk::{self, KeyRules, PreparedKey, Skip};
use crate::json;

/// The most keys that a set may hold.
const MAX_KEYS: usize = 100;

/// The usable keys of a JWK Set, and why the others were skipped (RFC 7517 section 5).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KeySet {
    keys: Vec<Arc<PreparedKey>>,
    skipped: BTreeMap<Skip, usize>,
    private_members: usize,
    /// Keys that were taken out because they are distrusted, and the kids that they had.
    distrusted: usize,
    distrusted_kids: BTreeSet<String>,
}

/// Which key of a set fits a token.
#[derive(Debug)]
pub(crate) enum Selected<'a> {
    One(&'a Arc<PreparedKey>),
    None,
    Ambiguous,
}

/// Why a document is no key set at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeySetError {
    /// Not strict JSON.
    NotJson,
    /// JSON, but not an object with a list `keys`.
    NotAKeySet,
    /// More than 100 keys.
    TooManyKeys,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeySetError::NotJson => "expected strict JSON (UTF-8, no repeated member, depth 32)",
            KeySetError::NotAKeySet => "expected a JWK Set: an object with a list of keys",
            KeySetError::TooManyKeys => "expected at most 100 keys",
        })
    }
}

impl KeySet {
    /// Reads a JWK Set. A bad key is skipped and counted, never fatal; the result may hold no usable key.
    pub(crate) fn parse(document: &[u8], rules: &KeyRules) -> Result<KeySet, KeySetError> {
        let document = json::parse(document, json::MAX_DEPTH).map_err(|_| KeySetError::NotJson)?;
        KeySet::from_value(&document, rules)
    }

    /// [`KeySet::parse`] for a document that was strictly parsed already.
    pub(crate) fn from_value(document: &Value, rules: &KeyRules) -> Result<KeySet, KeySetError> {
        let jwks = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotAKeySet)?;
        KeySet::from_jwks(jwks, rules)
    }

    /// [`KeySet::from_value`] for the list of keys alone.
    pub(crate) fn from_jwks(jwks: &[Value], rules: &KeyRules) -> Result<KeySet, KeySetError> {
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut set = KeySet::default();
        for jwk in jwks {
            set.private_members += usize::from(jwk::has_private_members(jwk));
            match PreparedKey::from_jwk(jwk, rules) {
                Ok(key) => set.add(key),
                Err(skip) => *set.skipped.entry(skip).or_default() += 1,
            }
        }
        Ok(set)
    }

    fn add(&mut self, key: PreparedKey) {
        let same = |held: &Arc<PreparedKey>| {
            held.kid == key.kid && held.algorithm == key.algorithm && held.thumbprint == key.thumbprint
        };
        if !self.keys.iter().any(same) {
            self.keys.push(Arc::new(key));
        }
    }

    /// The key for this algorithm and `kid`. Without a `kid` exactly one key may fit; two different keys of one `kid`
    /// and algorithm are ambiguous.
    pub(crate) fn select(&self, algorithm: Algorithm, kid: Option<&str>) -> Selected<'_> {
        let fits = |key: &&Arc<PreparedKey>| {
            key.algorithm == algorithm && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        };
        let mut fitting = self.keys.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (None, _) => Selected::None,
            (Some(key), None) => Selected::One(key),
            (Some(_), Some(_)) => Selected::Ambiguous,
        }
    }

    /// The set without its distrusted keys.
    pub(crate) fn without(mut self, distrust: &Distrust) -> KeySet {
        let (distrusted, kept): (Vec<_>, Vec<_>) =
            self.keys.into_iter().partition(|key| distrust.covers(key));
        self.distrusted += distrusted.len();
        self.distrusted_kids.extend(distrusted.iter().filter_map(|key| key.kid.clone()));
        self.keys = kept;
        self
    }

    /// Whether a key of this `kid` was taken out because it is distrusted.
    pub(crate) fn lost_to_distrust(&self, kid: &str) -> bool {
        self.distrusted_kids.contains(kid)
    }

    /// How many keys were taken out because they are distrusted.
    pub(crate) fn distrusted(&self) -> usize {
        self.distrusted
    }

    /// The usable keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PreparedKey> {
        self.keys.iter().map(|key| &**key)
    }

    /// The `kid`s of the usable keys.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys().filter_map(|key| key.kid.as_deref())
    }

    /// How many keys are usable.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys were skipped, by reason.
    pub(crate) fn skipped(&self) -> &BTreeMap<Skip, usize> {
        &self.skipped
    }

    /// How many keys of the document had private members: whoever publishes them must replace them.
    pub(crate) fn private_members(&self) -> usize {
        self.private_members
    }
}

/// What to tell the operator about a set without usable keys.
pub(crate) fn no_usable_key(set: &KeySet) -> String {
    let mut left_aside: Vec<_> =
        set.skipped.iter().map(|(skip, count)| format!("{count} {}", skip.name())).collect();
    if set.distrusted > 0 {
        left_aside.push(format!("{} distrusted", set.distrusted));
    }
    match left_aside.as_slice() {
        [] => "expected at least one usable key; it holds none".to_owned(),
        reasons => format!("expected at least one usable key; skipped: {}", reasons.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const B: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    fn key(kid: Option<&str>, x: &str) -> Value {
        let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        if let Some(kid) = kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    fn set(keys: &[Value]) -> KeySet {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), &rules).unwrap()
    }

    #[test]
    fn two_keys_of_one_kid_are_ambiguous_and_the_same_key_twice_is_one() {
        let twice = set(&[key(Some("a"), A), key(Some("a"), A)]);
        assert!(matches!(twice.select(Algorithm::EdDSA, Some("a")), Selected::One(_)));
        let two = set(&[key(Some("a"), A), key(Some("a"), B), key(Some("b"), B)]);
        assert!(matches!(two.select(Algorithm::EdDSA, Some("a")), Selected::Ambiguous));
        assert!(matches!(two.select(Algorithm::EdDSA, Some("b")), Selected::One(_)));
    }

    #[test]
    fn without_kid_exactly_one_key_may_fit() {
        assert!(matches!(set(&[key(Some("a"), A)]).select(Algorithm::EdDSA, None), Selected::One(_)));
        assert!(matches!(
            set(&[key(None, A), key(None, B)]).select(Algorithm::EdDSA, None),
            Selected::Ambiguous
        ));
        assert!(matches!(set(&[key(None, A)]).select(Algorithm::ES256, None), Selected::None));
        assert!(matches!(set(&[key(None, A)]).select(Algorithm::EdDSA, Some("a")), Selected::None));
    }

    #[test]
    fn bad_keys_are_counted_and_the_good_one_works() {
        let mixed =
            set(&[json!(7), json!({"kty": "oct", "k": "AA"}), key(Some("a"), A), key(Some("b"), "AA")]);
        assert_eq!((mixed.len(), mixed.private_members()), (1, 1));
        assert_eq!(mixed.skipped().values().sum::<usize>(), 3);
        assert_eq!(mixed.kids().collect::<Vec<_>>(), ["a"]);
    }

    /// T24 (tests/attacks.md)
    #[test]
    fn what_is_no_key_set_is_refused_whole() {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        for (text, error) in [
            ("", KeySetError::NotJson),
            (r#"{"keys":[],"keys":[]}"#, KeySetError::NotJson),
            ("[]", KeySetError::NotAKeySet),
            (r#"{"keys":{}}"#, KeySetError::NotAKeySet),
        ] {
            assert_eq!(KeySet::parse(text.as_bytes(), &rules).unwrap_err(), error, "{text}");
        }
        let many = json!({"keys": vec![json!(1); 101]}).to_string();
        assert_eq!(KeySet::parse(many.as_bytes(), &rules).unwrap_err(), KeySetError::TooManyKeys);
        assert!(set(&[]).is_empty());
    }
}
