//! Many different tokens: what those that are held take, and what finding one costs.

use std::time::Instant;

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde_json::{Value, json};

/// The most tokens that a configuration can allow.
const CAPACITY: usize = 1_000_000;
/// How many of them come again, and how often.
const SAMPLE: usize = 1_000;
const BATCHES: usize = 15;

/// With room for them all, and with the room that there is by default.
pub(crate) fn measure(count: usize) -> Value {
    let issuer = Issuer::new("https://mcp.test/mcp");
    let roomy = server(&issuer, json!({"capacity": CAPACITY, "max_bytes": 16_u64 << 30}));
    let usual = server(&issuer, json!({}));
    let mut sample = Vec::new();
    for number in 0..count {
        let authorization = issuer.authorization(&json!({"expires_in": 86_400}));
        decide(&roomy, &authorization);
        // Whoever is let go of cost the same: a part of them shows it.
        if number < 20_000 {
            decide(&usual, &authorization);
        }
        if number % count.div_ceil(SAMPLE) == 0 {
            sample.push(authorization);
        }
    }
    let (held, usually) = (roomy.stats().token_cache, usual.stats().token_cache);
    let batch = || {
        let began = Instant::now();
        sample.iter().for_each(|authorization| decide(&roomy, authorization));
        began.elapsed().as_nanos() as f64 / sample.len() as f64
    };
    batch();
    let fastest = (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min);
    json!({
        "tokens": count, "held": held.entries, "bytes_each": held.bytes / held.entries, "decision_ns": fastest.round(),
        "held_by_default": usually.entries, "bytes_by_default": usually.bytes,
    })
}

fn server(issuer: &Issuer, cache: Value) -> ResourceServer {
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let config =
        json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server], "token_cache": cache});
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn decide(server: &ResourceServer, authorization: &str) {
    let lines = [authorization.as_bytes()];
    server.authorize(&Request::new("POST", "/mcp").authorization(&lines)).expect("a good token");
}
