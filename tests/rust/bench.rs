//! Times the decision on an RS256 token that was not seen before, on one that was, and on one that is refused before its
//! signature, beside the bare verification of the first one's signature by aws-lc-rs with a key that was parsed before, and
//! the digest of the token. Prints one JSON object with the times and the sample; `tests/bench/bench.py` runs it and gives
//! the sample, whose configuration keeps no verified tokens, to the other languages.
//!
//! `scopegate-bench CALL ALGORITHM TIMES` makes one kind of call so many times and prints nothing, for
//! `valgrind --tool=callgrind`: two runs tell what one more call takes.

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{Reason, Request, ResourceServer};
use scopegate_tests::{Case, Group, suites};
use serde_json::{Value, json};

/// How many batches are timed, and for how long each.
const BATCHES: usize = 11;
const BATCH: Duration = Duration::from_millis(200);

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [] => report(&Sample::signed_by("RS256")),
        [call, algorithm, times] => {
            repeat(call, &Sample::signed_by(algorithm), times.parse().expect("how many times"));
            Ok(())
        }
        _ => panic!("expected no argument, or a call, an algorithm and a number"),
    }
}

fn repeat(call: &str, sample: &Sample, times: usize) {
    let call = || match call {
        "signature" => sample.verify(),
        "authorize" => sample.authorize(&sample.server),
        "seen-before" => sample.authorize(&sample.keeping),
        "digest" => sample.digest(),
        "refused" => sample.refuse(),
        other => panic!("{other}: expected signature, authorize, seen-before, digest or refused"),
    };
    (0..times).for_each(|_| call());
}

fn report(sample: &Sample) -> std::io::Result<()> {
    let raw = time(|| sample.verify());
    let decision = time(|| sample.authorize(&sample.server));
    let two_threads = on_two_threads(sample);
    let rivals = Rivals::new(sample);
    let kept = time(|| rivals.authorize());
    let seen_before = time(|| sample.authorize(&sample.keeping));
    let digest = time(|| sample.digest());
    let refused = time(|| sample.refuse());
    let report = json!({
        "token_bytes": sample.authorization.len() - "Bearer ".len(),
        "raw_ns": raw, "authorize_ns": decision, "authorize_two_threads_ns": two_threads, "authorize_and_keep_ns": kept, "seen_before_ns": seen_before,
        "digest_ns": digest, "refused_ns": refused, "authorization": sample.authorization, "refused": sample.refused,
        "config": sample.config, "now": sample.now,
    });
    writeln!(std::io::stdout(), "{report}")
}

fn is_accepted(case: &Case, algorithm: &str) -> bool {
    let is_signed_by = |line: &String| line.starts_with("Bearer ") && header(line)["alg"] == algorithm;
    case.expect.contains_key("token") && case.request.authorization.first().is_some_and(is_signed_by)
}

/// The header of a token, or null where there is none.
fn header(authorization: &str) -> Value {
    let part = authorization["Bearer ".len()..].split('.').next().unwrap_or_default();
    let text = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The key of a JWK, ready to verify.
fn parsed(jwk: &Value) -> ParsedPublicKey {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a string")).expect("base64url");
    let key = match jwk["kty"].as_str() {
        Some("RSA") => {
            let components = PublicKeyComponents { n: part("n"), e: part("e") };
            components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
        }
        Some("EC") => {
            let point = [vec![4], part("x"), part("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
        }
        _ => ParsedPublicKey::new(&ED25519, part("x")).ok(),
    };
    key.expect("a key")
}

struct Sample {
    /// Keeps no verified tokens.
    config: Value,
    server: ResourceServer,
    /// Keeps as many as usual.
    keeping: ResourceServer,
    authorization: String,
    /// The same from an issuer that is not configured.
    refused: String,
    now: i64,
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Sample {
    /// The first accepted token of the vectors with this algorithm.
    fn signed_by(algorithm: &str) -> Sample {
        let suites = suites();
        let groups = suites.iter().flat_map(|suite| &suite.groups);
        let mut cases = groups.flat_map(|group| group.cases.iter().map(move |case| (group, case)));
        let found = cases.find(|(_, case)| is_accepted(case, algorithm));
        let (group, case) = found.expect("the vectors have a token with this algorithm");
        Sample::new(group, case)
    }

    fn new(group: &Group, case: &Case) -> Sample {
        let authorization = case.request.authorization[0].clone();
        let (message, signature) = authorization["Bearer ".len()..].rsplit_once('.').expect("a JWS");
        let jwks = group.config["authorization_servers"][0]["jwks"]["keys"].as_array().expect("a key set");
        let kid = &header(&authorization)["kid"];
        let key = parsed(jwks.iter().find(|jwk| jwk["kid"] == *kid).expect("the token's key"));
        let mut config = group.config.clone();
        config["token_cache"] = json!({"capacity": 0});
        let sample = Sample {
            server: server(&config),
            keeping: server(&group.config),
            config,
            key,
            message: message.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
            now: case.now.expect("a time"),
            refused: from_another_issuer(&authorization),
            authorization,
        };
        sample.verify();
        sample
    }

    fn verify(&self) {
        let verified = self.key.verify_sig(black_box(&self.message), black_box(&self.signature));
        verified.expect("a good signature");
    }

    fn authorize(&self, server: &ResourceServer) {
        authorize(server, &self.authorization, self.now);
    }

    fn digest(&self) {
        black_box(digest::digest(
            &digest::SHA256,
            black_box(&self.authorization.as_bytes()["Bearer ".len()..]),
        ));
    }

    fn refuse(&self) {
        let lines = [self.refused.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(self.now);
        let refused = black_box(self.server.authorize(black_box(&request))).expect_err("another issuer");
        assert_eq!(refused.reason(), Reason::UntrustedIssuer);
    }
}

/// Two tokens and room for one: each drives the other out, so that each is verified and kept whenever it comes.
struct Rivals {
    server: ResourceServer,
    authorizations: [String; 2],
    now: i64,
    turn: Cell<usize>,
}

impl Rivals {
    fn new(sample: &Sample) -> Rivals {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("the system has random numbers");
        let [n, e] = [pair.public_key().modulus(), pair.public_key().exponent()]
            .map(|number| URL_SAFE_NO_PAD.encode(number.big_endian_without_leading_zero()));
        let mut config = sample.config.clone();
        config["token_cache"] = json!({"capacity": 1});
        config["authorization_servers"][0]["jwks"] =
            json!({"keys": [{"kty": "RSA", "kid": "rsa", "n": n, "e": e}]});
        let mut claims = claims(&sample.authorization);
        let authorizations = ["1", "2"].map(|id| {
            claims["jti"] = id.into();
            let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa"});
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let input = format!("{}.{}", part(&header), part(&claims));
            let mut signature = vec![0; pair.public_modulus_len()];
            let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature);
            signed.expect("a signature");
            format!("Bearer {input}.{}", URL_SAFE_NO_PAD.encode(signature))
        });
        Rivals { server: server(&config), authorizations, now: sample.now, turn: Cell::new(0) }
    }

    fn authorize(&self) {
        self.turn.set(1 - self.turn.get());
        authorize(&self.server, &self.authorizations[self.turn.get()], self.now);
    }
}

fn server(config: &Value) -> ResourceServer {
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn authorize(server: &ResourceServer, authorization: &str, now: i64) {
    let lines = [authorization.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(now);
    black_box(server.authorize(black_box(&request))).expect("a good token");
}

fn claims(authorization: &str) -> Value {
    let payload = authorization.split('.').nth(1).expect("a JWS");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

fn from_another_issuer(authorization: &str) -> String {
    let parts: Vec<&str> = authorization.split('.').collect();
    let mut claims = claims(authorization);
    claims["iss"] = "https://other.test".into();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

/// The nanoseconds of one decision while two threads make them.
fn on_two_threads(sample: &Sample) -> f64 {
    let Sample { server, authorization, now, .. } = sample;
    thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| time(|| authorize(server, authorization, *now))));
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<f64>() / 4.0
    })
}

/// The median over batches of the nanoseconds of one call.
fn time(call: impl Fn()) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES).map(|_| batch(&call)).collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

fn batch(call: &impl Fn()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < BATCH {
        for _ in 0..100 {
            call();
        }
        calls += 100;
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
