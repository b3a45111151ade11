//! What a policy adds to a request, by the number of its patterns and the size of the body.

use std::hint::black_box;
use std::time::{Duration, Instant};

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::scene::long_call;

const PATTERNS: [usize; 3] = [1, 100, 10_000];
const SIZES: [usize; 3] = [1_000, 100_000, 4 << 20];
const ROUNDS: usize = 9;
const SPELL: Duration = Duration::from_millis(30);

/// The smallest of rounds that take turns, in nanoseconds.
pub(crate) fn measure() -> Value {
    let issuer = Issuer::new("https://mcp.test/mcp");
    let authorization = issuer.authorization(&json!({"expires_in": 86_400}));
    let configs: Vec<String> =
        [0].into_iter().chain(PATTERNS).map(|patterns| config(&issuer, patterns)).collect();
    let servers: Vec<ResourceServer> =
        configs.iter().map(|config| ResourceServer::from_json(config).expect("a configuration")).collect();
    let bodies = SIZES.map(|size| long_call("tool_00001_x", size));
    let mut rows = Vec::new();
    for body in &bodies {
        let mut fastest = vec![f64::INFINITY; servers.len() + 1];
        for _ in 0..ROUNDS {
            for (server, fastest) in servers.iter().zip(&mut fastest) {
                *fastest = fastest.min(time(|| decide(server, &authorization, body)));
            }
            let ignored = time(|| drop(black_box(serde_json::from_str::<IgnoredAny>(black_box(body)))));
            let last = fastest.last_mut().expect("one for each");
            *last = last.min(ignored);
        }
        let ignored = fastest[servers.len()];
        for (patterns, with) in PATTERNS.iter().zip(&fastest[1..]) {
            rows.push(json!({
                "language": "Rust", "patterns": patterns, "bytes": body.len(), "added_ns": with - fastest[0],
                "ignored_any_ns": ignored,
            }));
        }
    }
    json!({"rows": rows, "configs": configs, "authorization": authorization, "bodies": bodies})
}

/// No patterns are no policy.
fn config(issuer: &Issuer, patterns: usize) -> String {
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let mut config = json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server]});
    let tools = (1..=patterns).rev().map(|number| (format!("tool_{number:05}_*"), json!([])));
    if patterns > 0 {
        config["policy"] = json!({"default": "deny", "tools": Map::from_iter(tools)});
    }
    config.to_string()
}

fn decide(server: &ResourceServer, authorization: &str, body: &str) {
    let lines = [authorization.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(body.as_bytes());
    drop(black_box(server.authorize(black_box(&request)).expect("a good token")));
}

fn time(call: impl Fn()) -> f64 {
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed() < SPELL {
        call();
        calls += 1;
    }
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}
