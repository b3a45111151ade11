//! Verified tokens that come again: nothing that can change in the meantime is passed over.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use scopegate_core::testing::{Issuer, ScriptedClock, server_with_clock};
use scopegate_core::{AccessToken, Check, Reason, Rejection, Request, ResourceServer};
use scopegate_stub::{Answer, Stub};
use scopegate_tests::said;
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const ISSUER: &str = "https://as.test";
/// When the tokens are issued and judged, unless a test says otherwise.
const NOW: i64 = 1_800_000_000;

/// A signing key, made from its name: one name is one key.
struct Key {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kid: &'static str, material: &str) -> Key {
        let seed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, material.as_bytes());
        Key { kid, pair: Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("32 bytes") }
    }

    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": self.kid, "x": x})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A good token with these claims besides.
    fn token(&self, more: &Value) -> String {
        self.sign(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid}), &claims(more))
    }
}

fn claims(more: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "app", "iat": NOW, "exp": NOW + 300,
        "nbf": NOW, "jti": "1", "scope": "read",
    });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => members.shift_remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn key_set(keys: &[&Key]) -> Value {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()})
}

fn config(server: &Value, more: &Value) -> String {
    let mut authorization_server = json!({"issuer": ISSUER, "token_format": "rfc9068"});
    let mut config = json!({"resource": RESOURCE});
    for (object, members) in [(&mut authorization_server, server), (&mut config, more)] {
        for (name, value) in members.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
    }
    config["authorization_servers"] = json!([authorization_server]);
    config.to_string()
}

/// A server with this key in its configuration.
fn server(keys: &[&Key]) -> ResourceServer {
    ResourceServer::from_json(&config(&json!({"jwks": key_set(keys)}), &json!({}))).expect("a configuration")
}

fn authorize(server: &ResourceServer, token: &str, now: i64) -> Result<AccessToken, Box<Rejection>> {
    let line = format!("Bearer {token}");
    server.authorize(&Request::new("POST", "/mcp").authorization(&[line.as_bytes()]).body(b"").now(now))
}

fn refusal(server: &ResourceServer, token: &str, now: i64) -> Option<Reason> {
    authorize(server, token, now).err().map(|refusal| refusal.reason())
}

/// A server that holds this token by now.
fn holding(keys: &[&Key], token: &str) -> ResourceServer {
    let server = server(keys);
    assert_eq!(refusal(&server, token, NOW), None);
    assert_eq!((hits(&server), entries(&server)), (0, 1));
    assert_eq!(refusal(&server, token, NOW), None);
    assert_eq!((hits(&server), entries(&server)), (1, 1));
    server
}

fn hits(server: &ResourceServer) -> u64 {
    server.stats().token_cache.hits
}

fn entries(server: &ResourceServer) -> usize {
    server.stats().token_cache.entries
}

fn replace_keys(server: &ResourceServer, keys: &[&Key]) {
    server.replace_keys(ISSUER, &key_set(keys).to_string()).expect("usable keys");
}

/// T38.
#[test]
fn a_token_is_verified_aside_once_and_not_again_when_it_is_held() {
    static ASIDE: AtomicUsize = AtomicUsize::new(0);
    let key = Key::new("a", "aside");
    let server = server(&[&key]);
    let decide = |token: &str| {
        let line = format!("Bearer {token}");
        let lines = [line.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(NOW);
        let aside = request.verify_aside(|verify| {
            ASIDE.fetch_add(1, Ordering::Relaxed);
            verify();
        });
        (server.authorize(&aside).err().map(|refusal| refusal.reason()), ASIDE.load(Ordering::Relaxed))
    };
    let good = key.token(&json!({}));
    assert_eq!(decide(&good), (None, 1));
    assert_eq!(decide(&good), (None, 1));
    let forged = format!("{}.AAAA", good.rsplit_once('.').expect("a JWS").0);
    assert_eq!(decide(&forged), (Some(Reason::BadSignature), 2));
    assert_eq!(decide("x"), (Some(Reason::MalformedToken), 3));
}

#[test]
fn a_token_that_a_host_does_not_have_verified_is_refused() {
    let key = Key::new("a", "never");
    let server = server(&[&key]);
    let line = format!("Bearer {}", key.token(&json!({})));
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(NOW).verify_aside(|_| ());
    let refusal = server.authorize(&request).expect_err("nothing was verified");
    assert_eq!((refusal.reason(), entries(&server)), (Reason::BadSignature, 0));
}

#[test]
fn one_verification_has_one_number_and_another_has_another() {
    let key = Key::new("a", "numbers");
    let (one, other) = (key.token(&json!({})), key.token(&json!({"jti": "2"})));
    let first = holding(&[&key], &one);
    let number = |server: &ResourceServer, token: &str| {
        authorize(server, token, NOW).expect("a good token").verification()
    };
    assert_eq!(number(&first, &one), number(&first, &one));
    let numbers = [number(&first, &one), number(&first, &other), number(&holding(&[&key], &one), &one)];
    assert_eq!(BTreeSet::from(numbers).len(), 3, "{numbers:?}");
}

#[test]
fn another_payload_under_a_signature_that_was_verified_is_refused() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let server = holding(&[&key], &token);
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let payload = URL_SAFE_NO_PAD.encode(claims(&json!({"sub": "mallory"})).to_string());
    let forged = format!("{header}.{payload}.{signature}");
    for _ in 0..2 {
        assert_eq!(refusal(&server, &forged, NOW), Some(Reason::BadSignature));
    }
    assert_eq!(entries(&server), 1);
}

/// T38.
#[test]
fn another_signature_under_a_payload_that_was_verified_is_refused() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let server = holding(&[&key], &token);
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    bytes[0] ^= 1;
    let forgeries = [
        (format!("{input}.{}", URL_SAFE_NO_PAD.encode(&bytes)), Reason::BadSignature),
        (Key::new("a", "other").token(&json!({})), Reason::BadSignature),
        (format!("{input}."), Reason::BadSignature),
        (format!("{token}="), Reason::MalformedToken),
        (format!("{token} "), Reason::MalformedToken),
    ];
    for (forged, reason) in &forgeries[..4] {
        assert_eq!(refusal(&server, forged, NOW), Some(*reason), "{forged}");
    }
    // Blanks around a credential are not part of it.
    assert_eq!(refusal(&server, &forgeries[4].0, NOW), None);
}

#[test]
fn a_key_that_was_withdrawn_verifies_nothing_any_more() {
    let (a, b) = (Key::new("a", "a"), Key::new("b", "b"));
    let token = a.token(&json!({}));
    let server = holding(&[&a, &b], &token);
    replace_keys(&server, &[&b]);
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::UnknownKey));
    assert_eq!((hits(&server), entries(&server)), (2, 0));
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::UnknownKey));
    assert_eq!(hits(&server), 2);
}

/// T39: the key is rotated out, and the next call is refused.
#[test]
fn a_key_that_another_took_the_place_of_verifies_nothing_any_more() {
    let (old, new) = (Key::new("a", "old"), Key::new("a", "new"));
    let token = old.token(&json!({}));
    let server = holding(&[&old], &token);
    replace_keys(&server, &[&new]);
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::BadSignature));
    assert_eq!(entries(&server), 0);
    assert_eq!(refusal(&server, &new.token(&json!({})), NOW), None);
}

#[test]
fn a_pair_that_became_ambiguous_verifies_nothing_any_more() {
    let (first, second) = (Key::new("a", "first"), Key::new("a", "second"));
    let token = first.token(&json!({}));
    let server = holding(&[&first], &token);
    replace_keys(&server, &[&first, &second]);
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::AmbiguousKey));
    assert_eq!(entries(&server), 0);
}

#[test]
fn a_token_without_kid_is_refused_once_two_keys_fit_it() {
    let (a, b) = (Key::new("a", "a"), Key::new("b", "b"));
    let token = a.sign(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &claims(&json!({})));
    let server = holding(&[&a], &token);
    replace_keys(&server, &[&a, &b]);
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::AmbiguousKey));
    replace_keys(&server, &[&b]);
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::BadSignature));
}

#[test]
fn a_distrusted_key_verifies_nothing_any_more() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let server = holding(&[&key], &token);
    server.distrust_key(ISSUER, "a").expect("a kid");
    for _ in 0..2 {
        assert_eq!(refusal(&server, &token, NOW), Some(Reason::UnknownKey));
    }
    assert_eq!(entries(&server), 0);
}

#[test]
fn a_key_that_is_distrusted_under_another_name_verifies_nothing_any_more() {
    let (a, b, other) = (Key::new("a", "same"), Key::new("b", "same"), Key::new("c", "c"));
    let token = a.token(&json!({}));
    let server = holding(&[&a, &b, &other], &token);
    server.distrust_key(ISSUER, "b").expect("a kid");
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::UnknownKey));
}

#[test]
fn the_same_key_in_another_set_needs_no_second_verification() {
    let (a, b) = (Key::new("a", "a"), Key::new("b", "b"));
    let token = a.token(&json!({}));
    let server = holding(&[&a], &token);
    replace_keys(&server, &[&b, &a]);
    assert_eq!(refusal(&server, &token, NOW), None);
    server.resume(ISSUER).expect("a configured issuer");
    assert_eq!(refusal(&server, &token, NOW), None);
    assert_eq!((hits(&server), entries(&server)), (3, 1));
}

#[test]
fn keys_that_were_replaced_are_back_after_resume() {
    let (a, b) = (Key::new("a", "a"), Key::new("a", "b"));
    let (first, second) = (a.token(&json!({})), b.token(&json!({})));
    let server = holding(&[&a], &first);
    replace_keys(&server, &[&b]);
    assert_eq!(refusal(&server, &second, NOW), None);
    assert_eq!(refusal(&server, &second, NOW), None);
    server.resume(ISSUER).expect("a configured issuer");
    assert_eq!(refusal(&server, &second, NOW), Some(Reason::BadSignature));
    assert_eq!(refusal(&server, &first, NOW), None);
}

/// T39.
#[test]
fn the_times_of_a_token_are_judged_each_time() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({"nbf": NOW - 60, "iat": NOW - 60}));
    let server = holding(&[&key], &token);
    for (now, reason) in [
        (NOW + 329, None),
        (NOW + 330, Some(Reason::Expired)),
        (NOW - 90, None),
        (NOW - 91, Some(Reason::NotYetValid)),
        (-1, Some(Reason::ClockUnusable)),
        (i64::MIN, Some(Reason::ClockUnusable)),
        (i64::MAX, Some(Reason::Expired)),
        (NOW, None),
    ] {
        assert_eq!(refusal(&server, &token, now), reason, "at {now}");
    }
    assert_eq!(hits(&server), 9);
}

#[test]
fn the_age_of_a_token_is_judged_each_time() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let limits = json!({"max_token_age_seconds": 60});
    let text = config(&json!({"jwks": key_set(&[&key])}), &limits);
    let server = ResourceServer::from_json(&text).expect("a configuration");
    assert_eq!(refusal(&server, &token, NOW), None);
    assert_eq!(refusal(&server, &token, NOW + 90), None);
    assert_eq!(refusal(&server, &token, NOW + 91), Some(Reason::TooOld));
    assert_eq!(hits(&server), 2);
}

#[test]
fn the_scopes_of_a_request_are_judged_each_time() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let server = holding(&[&key], &token);
    let line = format!("Bearer {token}");
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(NOW);
    let refused = server.authorize(&request.scopes(&["write"])).expect_err("a scope is missing");
    assert_eq!(refused.reason(), Reason::InsufficientScope);
    assert!(server.authorize(&request.scopes(&["read"])).is_ok());
    assert_eq!(hits(&server), 3);
}

#[test]
fn a_good_token_is_held_whatever_its_scopes_do_for_the_first_request() {
    let key = Key::new("a", "a");
    let server = server(&[&key]);
    let line = format!("Bearer {}", key.token(&json!({})));
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).now(NOW);
    // The body is asked for, then read: one verification.
    assert!(matches!(server.check(&request.scopes(&["write"])), Check::NeedBody { .. }));
    assert!(server.authorize(&request.scopes(&["write"]).body(b"{}")).is_err());
    assert_eq!((hits(&server), entries(&server)), (1, 1));
}

#[test]
fn an_expired_set_answers_no_token_that_was_seen() {
    let key = Key::new("a", "a");
    let stub = Stub::start().expect("a free port");
    stub.answer("/jwks", Answer::ok(key_set(&[&key]).to_string()));
    let clock = ScriptedClock::at(NOW as u64);
    let keys = json!({"max_stale_seconds": 3600, "background_refresh": false});
    let text = config(&json!({"jwks_uri": stub.url("/jwks")}), &json!({"keys": keys}));
    let server = server_with_clock(&text, &clock).expect("a configuration");
    let token = key.token(&json!({"exp": NOW + 1_000_000}));
    assert_eq!(refusal(&server, &token, NOW), None);
    stub.answer("/jwks", Answer::status(503));
    clock.pass(std::time::Duration::from_secs(3599));
    assert_eq!(refusal(&server, &token, NOW), None);
    assert_eq!(hits(&server), 2, "asked for keys in between, and was seen again");
    clock.pass(std::time::Duration::from_secs(1));
    assert_eq!(refusal(&server, &token, NOW), Some(Reason::KeysUnavailable));
    stub.answer("/jwks", Answer::ok(key_set(&[&key]).to_string()));
    clock.pass(std::time::Duration::from_secs(61));
    assert_eq!(refusal(&server, &token, NOW), None);
    assert_eq!(entries(&server), 1);
}

#[test]
fn two_servers_share_nothing() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let first = holding(&[&key], &token);
    let jwks = key_set(&[&key]);
    let es256: Value = serde_json::from_str(&Issuer::new(RESOURCE).server()).expect("JSON");
    let es256 = &es256["jwks"];
    for (entry, more, reason) in [
        (json!({"algorithms": ["ES256"], "jwks": es256}), json!({}), Reason::AlgorithmNotAllowed),
        (json!({"required_claims": {"tid": "x"}}), json!({}), Reason::MissingClaim),
        (json!({"required_claims": {"sub": "bob"}}), json!({}), Reason::ClaimNotAllowed),
        (json!({"issuer": "https://other.test"}), json!({}), Reason::UntrustedIssuer),
        (json!({}), json!({"resource": "https://other.test/mcp"}), Reason::WrongAudience),
        (json!({}), json!({"required_scopes": ["admin"]}), Reason::InsufficientScope),
    ] {
        let mut entry = entry;
        entry.as_object_mut().expect("an object").entry("jwks").or_insert(jwks.clone());
        let other = ResourceServer::from_json(&config(&entry, &more)).expect("a configuration");
        for _ in 0..2 {
            assert_eq!(refusal(&other, &token, NOW), Some(reason));
        }
        let misses = if reason == Reason::InsufficientScope { 1 } else { 2 };
        assert_eq!(other.stats().token_cache.misses, misses, "{reason:?}");
    }
    assert_eq!(hits(&first), 1);
}

/// T40: however many come, none is held.
#[test]
fn refusals_are_never_held() {
    let key = Key::new("a", "a");
    let server = server(&[&key]);
    let good = key.token(&json!({}));
    let (input, _) = good.rsplit_once('.').expect("three parts");
    for number in 0..2000_u32 {
        let mut signature = [0; 64];
        signature[..4].copy_from_slice(&number.to_be_bytes());
        let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(refusal(&server, &forged, NOW), Some(Reason::BadSignature));
        assert_eq!(refusal(&server, &format!("junk{number}"), NOW), Some(Reason::MalformedToken));
    }
    let foreign = key.token(&json!({"aud": "https://other.test"}));
    let expired = key.token(&json!({"exp": NOW - 30}));
    for token in [&foreign, &expired] {
        assert!(refusal(&server, token, NOW).is_some());
    }
    let stats = server.stats().token_cache;
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.bytes), (0, 4002, 0, 0));
}

#[test]
fn zero_turns_the_cache_off() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    for off in [json!({"capacity": 0}), json!({"max_bytes": 0})] {
        let text = config(&json!({"jwks": key_set(&[&key])}), &json!({"token_cache": off}));
        let server = ResourceServer::from_json(&text).expect("a configuration");
        for _ in 0..2 {
            assert_eq!(refusal(&server, &token, NOW), None);
        }
        let stats = server.stats().token_cache;
        assert_eq!((stats.hits, stats.misses, stats.entries, stats.bytes), (0, 0, 0, 0));
    }
}

#[test]
fn threads_that_share_a_token_are_all_answered_from_its_entry() {
    let key = Key::new("a", "a");
    let token = key.token(&json!({}));
    let server = holding(&[&key], &token);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(
                        authorize(&server, &token, NOW).expect("a good token").subject(),
                        Some("alice")
                    );
                }
            });
        }
    });
    assert_eq!((hits(&server), server.stats().accepted), (64 * 50 + 1, 64 * 50 + 2));
}

/// One step in the life of a server.
#[derive(Clone, Debug)]
enum Step {
    /// A token of the pool comes, at this time.
    Token {
        token: usize,
        now: i64,
        scopes: &'static [&'static str],
    },
    ReplaceKeys(Vec<usize>),
    Resume,
    Distrust(&'static str),
}

/// Two names with two materials each, so that keys come, go, swap and collide.
fn keys() -> [Key; 4] {
    [Key::new("a", "1"), Key::new("a", "2"), Key::new("b", "1"), Key::new("b", "3")]
}

fn step() -> impl Strategy<Value = Step> {
    let now = prop_oneof![
        4 => Just(NOW),
        2 => NOW - 100..NOW + 400,
        1 => prop_oneof![Just(-1), Just(0), Just(i64::MAX), Just(i64::MIN)],
    ];
    let scopes = prop::sample::select(vec![&[][..], &["read"], &["write"], &["bad scope"]]);
    prop_oneof![
        12 => (0..TOKENS, now, scopes).prop_map(|(token, now, scopes)| Step::Token { token, now, scopes }),
        2 => prop::sample::subsequence(vec![0, 1, 2, 3], 1..=3).prop_map(Step::ReplaceKeys),
        1 => Just(Step::Resume),
        1 => prop::sample::select(vec!["a", "b", "c"]).prop_map(Step::Distrust),
    ]
}

/// How many different tokens come in one history.
const TOKENS: usize = 6;

/// What a token says apart from the usual.
fn claim_changes() -> impl Strategy<Value = Value> {
    let changes = vec![
        json!({}),
        json!({"exp": NOW + 100}),
        json!({"exp": NOW - 10, "nbf": null}),
        json!({"nbf": NOW + 50, "exp": NOW as f64 + 60.5}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"aud": ["https://other.test", RESOURCE]}),
        json!({"aud": "HTTPS://MCP.test:443/mcp"}),
        json!({"aud": "https://other.test"}),
        json!({"scope": "read write", "tid": "x"}),
        json!({"scope": null, "scp": ["read", "admin"], "tid": "y"}),
        json!({"cnf": {"jkt": "x"}}),
        json!({"nonce": "n", "typ": "Bearer"}),
        json!({"nonce": "n"}),
        json!({"at_hash": null, "events": {}}),
        json!({"token_use": "id"}),
        json!({"iat": NOW - 500, "tid": "x"}),
        json!({"iss": "https://other.test"}),
        json!({"sub": null, "client_id": null, "azp": "app"}),
        json!({"sub": "", "jti": "é\u{1F600}\n"}),
    ];
    prop::sample::select(changes)
}

fn header_changes() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
        json!({"alg": "Ed25519", "typ": "JWT"}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "ES256", "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "typ": "logout+jwt"}),
        json!({"alg": "EdDSA", "crit": ["x"]}),
    ])
}

/// A token, signed by one of the keys, under its kid or none, and perhaps damaged.
fn token() -> impl Strategy<Value = String> {
    (0..4_usize, any::<bool>(), header_changes(), claim_changes(), 0..12_u8).prop_map(
        |(key, named, mut header, changes, damage)| {
            let key = &keys()[key];
            if named {
                header["kid"] = key.kid.into();
            }
            let mut token = key.sign(&header, &claims(&changes));
            match damage {
                0 => token.truncate(token.len() - 1),
                1 => token.replace_range(..1, "f"),
                _ => {}
            }
            token
        },
    )
}

/// Rules by which the tokens are judged.
fn rules() -> impl Strategy<Value = (Value, Value)> {
    prop::sample::select(vec![
        (json!({}), json!({"required_scopes": ["read"]})),
        (json!({"token_format": "generic"}), json!({})),
        (json!({"token_format": "generic", "required_claims": {"tid": ["x", 1]}}), json!({})),
        (json!({}), json!({"reject_foreign_audiences": true, "leeway_seconds": 0})),
        (json!({"token_format": "generic"}), json!({"max_token_age_seconds": 60, "scope_wildcards": true})),
        (json!({}), json!({"scope_implications": {"write": ["read"]}, "max_token_lifetime_seconds": 200})),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever tokens come, however often and whenever, and whatever becomes of the keys in between.
    #[test]
    fn a_server_answers_as_one_that_keeps_no_tokens(
        (entry, more) in rules(),
        tokens in prop::collection::vec(token(), TOKENS),
        first in prop::sample::subsequence(vec![0, 1, 2, 3], 1..=3),
        steps in prop::collection::vec(step(), 1..60),
        capacity in prop::sample::select(vec![1, 3, 10_000]),
    ) {
        let keys = keys();
        let chosen = |indices: &[usize]| key_set(&indices.iter().map(|index| &keys[*index]).collect::<Vec<_>>());
        let server = |capacity: usize| {
            let (mut entry, mut more) = (entry.clone(), more.clone());
            entry["jwks"] = chosen(&first);
            more["token_cache"] = json!({"capacity": capacity});
            ResourceServer::from_json(&config(&entry, &more)).expect("a configuration")
        };
        let (keeps, keeps_none) = (server(capacity), server(0));
        for step in &steps {
            let act = |server: &ResourceServer| match step {
                Step::Token { token, now, scopes } => {
                    let line = format!("Bearer {}", tokens[*token]);
                    let lines = [line.as_bytes()];
                    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(*now);
                    said(&server.authorize(&request.scopes(scopes)))
                }
                Step::ReplaceKeys(indices) => {
                    format!("{:?}", server.replace_keys(ISSUER, &chosen(indices).to_string()))
                }
                Step::Resume => format!("{:?}", server.resume(ISSUER)),
                Step::Distrust(kid) => format!("{:?}", server.distrust_key(ISSUER, kid)),
            };
            prop_assert_eq!(act(&keeps), act(&keeps_none), "{:?}", step);
        }
        let (kept, none) = (keeps.stats(), keeps_none.stats());
        prop_assert_eq!(kept.accepted, none.accepted);
        prop_assert_eq!(kept.refused, none.refused);
        prop_assert_eq!(kept.not_rfc9068, none.not_rfc9068);
        prop_assert!(kept.token_cache.entries <= capacity.min(TOKENS));
    }
}
