//! Many threads at once before a server that holds no keys yet. Apart from the other tests, whose deadlines they would miss.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use scopegate_core::testing::Issuer;
use scopegate_core::{Reason, Request, ResourceServer};
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";

/// Whether a good token is accepted; if not, it must be told to come again in a second.
fn is_accepted(server: &ResourceServer, authorization: &str) -> bool {
    match server.authorize(&Request::new("POST", "/mcp").authorization(&[authorization.as_bytes()])) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal.reason(), Reason::KeysUnavailable);
            assert_eq!(refusal.response().header("Retry-After"), Some("1"));
            false
        }
    }
}

/// How many of so many threads that come at once are accepted by a cold server, and how often the key server was asked.
fn accepted_at_once(threads: usize, max_waiters: usize) -> (usize, usize) {
    let stub = Stub::start().expect("a free port");
    let issuer = Issuer::new(RESOURCE);
    let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    stub.answer("/jwks", Answer::ok(entry["jwks"].to_string()).delay(Duration::from_millis(300)));
    let config = json!({
        "resource": RESOURCE,
        "authorization_servers": [{"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")}],
        "keys": {"max_waiters": max_waiters},
    });
    let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
    let authorization = issuer.authorization(&json!({}));
    let accepted = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                accepted.fetch_add(usize::from(is_accepted(&server, &authorization)), Ordering::Relaxed);
            });
        }
    });
    assert!(is_accepted(&server, &authorization));
    (accepted.into_inner(), stub.count("/jwks"))
}

/// T62 (tests/attacks.md)
#[test]
fn a_thousand_threads_that_come_at_once_share_one_fetch() {
    assert_eq!(accepted_at_once(1000, 1000), (1000, 1));
}

#[test]
fn those_who_may_wait_are_accepted_and_the_others_come_again() {
    let (accepted, fetches) = accepted_at_once(1000, 64);
    assert!(accepted >= 64, "{accepted}");
    assert_eq!(fetches, 1);
}
