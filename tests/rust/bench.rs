//! Times the decision on an RS256 token that was not seen before, and on one that is refused before its signature, beside
//! the bare verification of the first one's signature by aws-lc-rs with a key that was parsed before. Prints one JSON
//! object with the times and the sample; `tests/bench/bench.py` runs it and gives the sample to the other languages.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{Reason, Request, ResourceServer};
use scopegate_tests::{Case, Group, suites};
use serde_json::{Value, json};

/// How many batches are timed, and for how long each.
const BATCHES: usize = 11;
const BATCH: Duration = Duration::from_millis(200);

fn main() -> std::io::Result<()> {
    let suites = suites();
    let (group, case) = suites
        .iter()
        .flat_map(|suite| &suite.groups)
        .flat_map(|group| group.cases.iter().map(move |case| (group, case)))
        .find(|(_, case)| is_accepted_rs256(case))
        .expect("the vectors have an RS256 token");
    let sample = Sample::new(group, case);
    let raw = time(|| sample.verify());
    let decision = time(|| sample.authorize());
    let refused = time(|| sample.refuse());
    let report = json!({
        "token_bytes": sample.authorization.len() - "Bearer ".len(),
        "raw_ns": raw, "authorize_ns": decision, "refused_ns": refused,
        "authorization": sample.authorization, "refused": sample.refused, "config": group.config, "now": case.now,
    });
    writeln!(std::io::stdout(), "{report}")
}

fn is_accepted_rs256(case: &Case) -> bool {
    let header = case.request.authorization.first().and_then(|line| {
        let part = line.strip_prefix("Bearer ")?.split('.').next()?;
        serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    });
    case.expect.contains_key("token") && header.is_some_and(|header| header["alg"] == "RS256")
}

struct Sample {
    server: ResourceServer,
    authorization: String,
    /// The same from an issuer that is not configured.
    refused: String,
    now: i64,
    key: aws_lc_rs::signature::ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Sample {
    fn new(group: &Group, case: &Case) -> Sample {
        let authorization = case.request.authorization[0].clone();
        let (message, signature) = authorization["Bearer ".len()..].rsplit_once('.').expect("a JWS");
        let jwks = group.config["authorization_servers"][0]["jwks"]["keys"].as_array().expect("a key set");
        let rsa = jwks.iter().find(|jwk| jwk["kty"] == "RSA").expect("an RSA key");
        let part =
            |name: &str| URL_SAFE_NO_PAD.decode(rsa[name].as_str().expect("a string")).expect("base64url");
        let components = PublicKeyComponents { n: part("n"), e: part("e") };
        let sample = Sample {
            server: ResourceServer::from_json(&group.config.to_string()).expect("a configuration"),
            key: components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).expect("a key"),
            message: message.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
            now: case.now.expect("a time"),
            refused: from_another_issuer(&authorization),
            authorization,
        };
        sample.verify();
        sample.authorize();
        sample
    }

    fn verify(&self) {
        let verified = self.key.verify_sig(black_box(&self.message), black_box(&self.signature));
        verified.expect("a good signature");
    }

    fn authorize(&self) {
        let lines = [self.authorization.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(self.now);
        black_box(self.server.authorize(black_box(&request))).expect("a good token");
    }

    fn refuse(&self) {
        let lines = [self.refused.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(self.now);
        let refused = black_box(self.server.authorize(black_box(&request))).expect_err("another issuer");
        assert_eq!(refused.reason(), Reason::UntrustedIssuer);
    }
}

fn from_another_issuer(authorization: &str) -> String {
    let parts: Vec<&str> = authorization.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    let mut claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["iss"] = "https://other.test".into();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
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
