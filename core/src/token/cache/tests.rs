use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json as object};

use super::*;
use crate::config::{TokenFormat, TokenRules};
use crate::json;
use crate::keys::algorithm::Algorithm;
use crate::keys::jwk::KeyRules;
use crate::keys::key_set::KeySet;
use crate::keys::test_keys::jwks;
use crate::token::access_token::Fields;
use crate::token::claims::Claims;
use crate::token::jws::MediaType;

/// As many distinct tokens as a test puts through a cache.
const MANY: usize = 20_000;

fn cache(capacity: usize, max_bytes: usize) -> TokenCache {
    TokenCache::new(CacheLimits { capacity, max_bytes }).unwrap()
}

/// Makes verified tokens.
struct Maker {
    keys: KeySet,
    rules: TokenRules,
}

impl Maker {
    fn new() -> Maker {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        Maker {
            keys: KeySet::parse(jwks(&["a"]).as_bytes(), &rules).unwrap(),
            rules: TokenRules {
                algorithms: rules.algorithms,
                format: TokenFormat::Generic,
                additional_audiences: Vec::new(),
                client_audience: None,
                scope_claims: vec![vec!["scope".to_owned()]],
                scope_prefix: None,
                client_id_claims: Vec::new(),
                required_claims: [("tenant".to_owned(), Vec::new())].into(),
            },
        }
    }

    /// A token with this identifier.
    fn verified(&self, id: usize) -> Verified {
        self.with_claims(
            &object!({"jti": id.to_string(), "sub": "user", "scope": "a b", "tenant": "x", "exp": 1}),
        )
    }

    fn with_claims(&self, claims: &Value) -> Verified {
        let payload = claims.to_string();
        let claims = Claims::read(&json::read_object(&payload).unwrap(), &self.rules).unwrap();
        let fields = Fields {
            issuer: "https://as.example".to_owned(),
            effective_scopes: None,
            resource: "https://mcp.example/mcp".to_owned(),
            principal: claims.principal("https://as.example"),
            claims,
            payload,
        };
        Verified {
            header: Header {
                algorithm: Some(Algorithm::EdDSA),
                media_type: MediaType::Absent,
                kid: Some("a".to_owned()),
            },
            token: AccessToken::new(fields),
            key: VerifyingKey::new(self.keys.keys().next().unwrap()),
            reading: 0,
        }
    }
}

/// A token with a signature of its own, as far as the cache looks at it.
fn token(text: impl AsRef<[u8]>) -> Vec<u8> {
    let signature = URL_SAFE_NO_PAD.encode(Digest::of(text.as_ref()).0);
    [text.as_ref(), b".", signature.as_bytes()].concat()
}

/// The identifier of the token that is found under this text.
fn found(cache: &TokenCache, text: &str) -> Option<String> {
    let found = cache.find(&token(text), &[0])?;
    found.verified().unwrap().token.token_id().map(str::to_owned)
}

/// The entries that really hang in the buckets.
fn counted(cache: &TokenCache) -> (usize, usize) {
    let keeper = Keeper::of(&cache.buckets);
    (keeper.entries(), keeper.bytes())
}

/// T38.
#[test]
fn tokens_with_a_common_beginning_and_end_are_never_taken_for_each_other() {
    let (maker, cache) = (Maker::new(), cache(MANY, usize::MAX));
    let text = |id: usize| format!("{}{id:08}{}", "p".repeat(400), "s".repeat(400));
    for id in (0..1000).step_by(2) {
        cache.insert(text(id).as_bytes(), maker.verified(id));
    }
    assert_eq!(cache.stats().entries, 500);
    for id in 0..1000 {
        let held = cache.find(text(id).as_bytes(), &[0]);
        let id_of = |found: Found| found.verified().unwrap().token.token_id().map(str::to_owned);
        assert_eq!(held.and_then(id_of), (id % 2 == 0).then(|| id.to_string()));
    }
}

/// Another payload under the same signature, the same payload under another, and whatever else is not the token.
#[test]
fn every_character_of_a_token_counts() {
    let (maker, cache) = (Maker::new(), cache(10, usize::MAX));
    let text = [b"header.payload.", &[b's'; 342][..]].concat();
    cache.insert(&text, maker.verified(1));
    for place in 0..text.len() {
        let mut other = text.clone();
        other[place] ^= 1;
        assert!(cache.find(&other, &[0]).is_none(), "{place} changed");
        other.remove(place);
        assert!(cache.find(&other, &[0]).is_none(), "{place} left out");
        other.splice(place..place, [text[place]; 2]);
        assert!(cache.find(&other, &[0]).is_none(), "{place} twice");
    }
    assert!(cache.find(&text, &[0]).is_some());
}

#[test]
fn a_digest_counts_to_its_last_bit() {
    let likeness = Likeness::of(b"header.payload.signature");
    assert!(likeness.is_of(b"header.payload.signature"));
    for bit in 0..256 {
        let mut signature = likeness.signature;
        signature.0[bit / 8] ^= 1 << (bit % 8);
        let other = Likeness { signed: likeness.signed.clone(), signature };
        assert!(!other.is_of(b"header.payload.signature"), "bit {bit}");
    }
}

#[test]
fn nothing_of_a_signature_is_kept_but_its_end() {
    let likeness = Likeness::of(b"header.payload.signature");
    assert_eq!(&*likeness.signed, b"header.payload.");
    assert_eq!(likeness.signature, Digest::of(b"signature"));
}

/// Ends that differ in one character lie in many buckets.
#[test]
fn every_character_of_an_ending_counts() {
    let last = *b"0123456789abcdef";
    let whole = Ending::of(&last);
    for place in 0..16 {
        let mut other = last;
        other[place] = b'_';
        let other = Ending::of(&other);
        assert!(other != whole && other.numbers()[0] != whole.numbers()[0], "{place}");
    }
}

/// T40.
#[test]
fn many_tokens_come_by_once_and_those_in_use_stay() {
    let (maker, cache) = (Maker::new(), cache(1000, usize::MAX));
    let hot: Vec<String> = (0..100).map(|id| format!("hot {id}")).collect();
    let mut missed = 0;
    for id in 0..MANY {
        cache.insert(&token(id.to_le_bytes()), maker.verified(id));
        let hot = &hot[id % hot.len()];
        if found(&cache, hot).is_none() {
            missed += 1;
            cache.insert(&token(hot), maker.verified(id));
        }
    }
    assert_eq!(cache.stats().entries, 1000);
    assert_eq!(counted(&cache), (1000, cache.stats().bytes));
    // Each once, and a few that the hand met before they had come again.
    assert!((100..=150).contains(&missed), "{missed} of the tokens in use had gone");
}

#[test]
fn the_bytes_are_bounded_too() {
    let (maker, cache) = (Maker::new(), cache(1000, 64 << 10));
    let mut largest = 0;
    for id in 0..1000 {
        let length = id * 37 % 4000;
        let verified = maker.with_claims(&object!({"jti": "x".repeat(length), "exp": 1}));
        cache.insert(&token(id.to_le_bytes()), verified);
        largest = largest.max(cache.stats().bytes);
    }
    let table = size_of_val(&*cache.buckets);
    assert!(largest + table <= 64 << 10, "{largest}");
    assert!(largest > 50 << 10, "{largest}");
    assert_eq!(counted(&cache), (cache.stats().entries, cache.stats().bytes));
}

#[test]
fn what_is_larger_than_the_limit_is_not_held_and_drives_nothing_out() {
    let (maker, cache) = (Maker::new(), cache(1000, 16 << 10));
    cache.insert(&token(b"small"), maker.verified(1));
    let huge = maker.with_claims(&object!({"jti": "x".repeat(20_000), "exp": 1}));
    cache.insert(&token(b"huge"), huge);
    assert_eq!(cache.stats().entries, 1);
    assert!(found(&cache, "small").is_some());
}

#[test]
fn a_token_that_comes_again_takes_its_own_place() {
    let (maker, cache) = (Maker::new(), cache(10, usize::MAX));
    cache.insert(&token(b"token"), maker.verified(1));
    let bytes = cache.stats().bytes;
    cache.insert(&token(b"token"), maker.verified(2));
    assert_eq!((cache.stats().entries, cache.stats().bytes), (1, bytes));
    assert_eq!(found(&cache, "token").as_deref(), Some("2"));
}

#[test]
fn an_entry_that_is_no_longer_good_goes_and_its_successor_stays() {
    let (maker, cache) = (Maker::new(), cache(10, usize::MAX));
    let text = token(b"token");
    cache.insert(&text, maker.verified(1));
    let old = cache.find(&text, &[0]).unwrap();
    cache.insert(&text, maker.verified(2));
    cache.remove(&old);
    assert_eq!(found(&cache, "token").as_deref(), Some("2"));
    cache.remove(&cache.find(&text, &[0]).unwrap());
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
}

#[test]
fn room_for_one_is_room_for_the_last_that_came_twice() {
    let (maker, cache) = (Maker::new(), cache(1, usize::MAX));
    for id in 0..100 {
        let text = id.to_string();
        let come = || cache.insert(&token(&text), maker.verified(id));
        come();
        assert_eq!(found(&cache, &text).is_some(), id == 0, "{id} came once");
        come();
        assert_eq!(found(&cache, &text), Some(text));
        assert_eq!(cache.stats().entries, 1);
    }
}

#[test]
fn who_comes_once_drives_nothing_out() {
    let (maker, cache) = (Maker::new(), cache(100, usize::MAX));
    let held: Vec<String> = (0..100).map(|id| format!("held {id}")).collect();
    for (id, text) in held.iter().enumerate() {
        cache.insert(&token(text), maker.verified(id));
    }
    for id in 0..MANY {
        cache.insert(&token(id.to_le_bytes()), maker.verified(id));
    }
    let gone = held.iter().filter(|text| found(&cache, text).is_none()).count();
    assert_eq!((gone, cache.stats().entries), (0, 100));
}

#[test]
fn no_room_is_no_cache() {
    for (capacity, max_bytes) in [(0, usize::MAX), (10, 0), (10, 100)] {
        assert!(TokenCache::new(CacheLimits { capacity, max_bytes }).is_none());
    }
}

#[test]
fn while_another_thread_changes_the_buckets_tokens_are_found_and_not_held() {
    let (maker, cache) = (Maker::new(), cache(10, usize::MAX));
    cache.insert(&token(b"held"), maker.verified(1));
    let keeper = cache.keeper();
    let hand = keeper.hand.lock();
    cache.insert(&token(b"late"), maker.verified(2));
    assert_eq!((found(&cache, "held").as_deref(), found(&cache, "late")), (Some("1"), None));
    drop(hand);
    cache.insert(&token(b"late"), maker.verified(2));
    assert_eq!(found(&cache, "late").as_deref(), Some("2"));
}

/// A lock of the parent that is held by a thread which the child does not have.
#[test]
fn a_forked_child_finds_what_it_was_left_and_goes_on() {
    let (maker, cache) = (Maker::new(), cache(2, usize::MAX));
    cache.insert(&token(b"left"), maker.verified(1));
    let parent = Keeper { process: 0, ..Keeper::of(&[]) };
    std::mem::forget(parent.hand.lock());
    cache.keeper.store(Arc::new(parent));
    assert_eq!(found(&cache, "left").as_deref(), Some("1"));
    assert_eq!(cache.stats().entries, 1);
    for id in 0..10_u8 {
        cache.insert(&token(id.to_le_bytes()), maker.verified(1));
    }
    assert_eq!(counted(&cache), (2, cache.stats().bytes));
}

#[test]
fn threads_that_change_and_read_lose_no_count() {
    let (maker, cache) = (Maker::new(), cache(50, usize::MAX));
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (maker, cache) = (&maker, &cache);
            scope.spawn(move || {
                for turn in 0..500_usize {
                    let id = (thread * 31 + turn * 7) % 100;
                    let text = id.to_string();
                    match found(cache, &text) {
                        Some(other) => assert_eq!(other, text),
                        None => cache.insert(&token(&text), maker.verified(id)),
                    }
                    if let Some(old) = cache.find(&token(&text), &[0]).filter(|_| turn % 5 == 0) {
                        cache.remove(&old);
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    assert_eq!(counted(&cache), (stats.entries, stats.bytes));
    assert!(stats.entries <= 50);
    assert_eq!(stats.hits + stats.misses, 8 * 500 * 2);
}
