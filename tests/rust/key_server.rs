//! A key server that fails in every way: 503 with `Retry-After` by the deadline where no keys are held, and no effect where
//! they are.
#![allow(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use scopegate_core::testing::{Issuer, ScriptedClock, server_with_clock};
use scopegate_core::{Check, Reason, Request, ResourceServer};
use scopegate_stub::{Answer, Fault, Stub};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const TIMEOUT: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(300);

/// What a key set or a metadata document may come as.
fn faults() -> Vec<(&'static str, Answer)> {
    let json = r#"{"keys":[]}"#;
    vec![
        ("hang", Answer::ok(json).fault(Fault::Hang)),
        ("hang in the body", Answer::ok(json).fault(Fault::HangInBody)),
        ("drip", Answer::ok(json).fault(Fault::DripBody { every: EVERY })),
        ("close", Answer::ok(json).fault(Fault::Close)),
        ("reset", Answer::ok(json).fault(Fault::Reset)),
        ("endless", Answer::ok(json).fault(Fault::Endless)),
        ("truncated", Answer::ok(json).fault(Fault::Truncated)),
        ("huge", Answer::ok(vec![b' '; 300 * 1024])),
        ("redirect", Answer::redirect(302, "/elsewhere")),
        ("not JSON", Answer::ok("<html>")),
        ("no object", Answer::ok("[1]")),
        ("repeated member", Answer::ok(r#"{"keys":[],"keys":[]}"#)),
        ("no key", Answer::ok(json)),
        ("500", Answer::status(500)),
        ("not found", Answer::not_found()),
        ("not modified", Answer::status(304)),
    ]
}

fn configuration(entry: &Value) -> String {
    let http = json!({"timeout_seconds": TIMEOUT.as_secs()});
    json!({"resource": RESOURCE, "authorization_servers": [entry], "http": http}).to_string()
}

fn server(entry: &Value) -> ResourceServer {
    ResourceServer::from_json(&configuration(entry)).expect("a configuration")
}

fn reason_and_retry_after(server: &ResourceServer, authorization: &str) -> (Option<Reason>, Option<u64>) {
    match server.authorize(&Request::new("POST", "/mcp").authorization(&[authorization.as_bytes()])) {
        Ok(_) => (None, None),
        Err(refusal) => {
            let retry_after = refusal.response().header("Retry-After").and_then(|value| value.parse().ok());
            assert_eq!(refusal.response().header("WWW-Authenticate"), None);
            assert_eq!(refusal.response().status, 503);
            (Some(refusal.reason()), retry_after)
        }
    }
}

#[test]
fn cold_server_says_503_by_the_deadline_whatever_the_key_server_does() {
    for (name, answer) in faults() {
        let stub = Stub::start().expect("a free port");
        stub.answer("/jwks", answer);
        let issuer = Issuer::new(RESOURCE);
        let server = server(&json!({"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")}));
        let start = Instant::now();
        let (reason, retry_after) = reason_and_retry_after(&server, &issuer.authorization(&json!({})));
        assert_eq!(reason, Some(Reason::KeysUnavailable), "{name}");
        assert!(retry_after.is_some_and(|seconds| (1..=60).contains(&seconds)), "{name}: {retry_after:?}");
        assert!(start.elapsed() < TIMEOUT * 2, "{name}: {:?}", start.elapsed());
        assert_eq!((stub.count("/jwks"), stub.count("/elsewhere")), (1, 0), "{name}");
    }
}

#[test]
fn metadata_that_is_not_the_issuers_is_no_way_to_keys() {
    let mut answers = faults();
    answers
        .push(("wrong issuer", Answer::ok(r#"{"issuer":"https://evil.test","jwks_uri":"{origin}/jwks"}"#)));
    for (name, answer) in answers {
        let stub = Stub::start().expect("a free port");
        for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            stub.answer(path, answer.clone());
        }
        let issuer = Issuer::new(RESOURCE);
        let server = server(&json!(stub.origin()));
        let authorization = issuer.authorization(&json!({"iss": stub.origin()}));
        let start = Instant::now();
        let (reason, retry_after) = reason_and_retry_after(&server, &authorization);
        assert_eq!(reason, Some(Reason::KeysUnavailable), "{name}");
        assert!(retry_after.is_some(), "{name}");
        assert!(start.elapsed() < TIMEOUT * 2, "{name}: {:?}", start.elapsed());
        assert_eq!(stub.count("/jwks"), 0, "{name}");
    }
}

#[test]
fn held_keys_are_used_whatever_the_key_server_does_afterwards() {
    for (name, answer) in faults() {
        let stub = Stub::start().expect("a free port");
        let issuer = Issuer::new(RESOURCE);
        let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        stub.answer("/jwks", Answer::ok(entry["jwks"].to_string()));
        stub.then("/jwks", answer);
        let server = server(&json!({"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")}));
        server.warm_up().expect("a key server that works");
        let known = issuer.authorization(&json!({}));
        issuer.rotate();
        let unknown = issuer.authorization(&json!({}));
        assert_eq!(reason_and_retry_after(&server, &unknown).0, Some(Reason::KeysUnavailable), "{name}");
        assert_eq!(stub.count("/jwks"), 2, "{name}: the unknown kid was asked for");
        assert_eq!(reason_and_retry_after(&server, &known).0, None, "{name}");
    }
}

#[test]
fn a_fetch_of_the_hosts_own_is_asked_for_once_and_only_where_keys_are_missing() {
    let stub = Stub::start().expect("a free port");
    let issuer = Issuer::new(RESOURCE);
    let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    stub.answer("/jwks", Answer::ok(entry["jwks"].to_string()));
    let server = server(&json!({"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")}));
    let authorization = issuer.authorization(&json!({}));
    let lines = [authorization.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines);
    let mut asked = 0;
    let check = server.check_fetching(&request, |_| asked += 1);
    let Check::Done(Err(refusal)) = check else { panic!("no key was fetched: {check:?}") };
    assert_eq!((refusal.reason(), asked, stub.count("/jwks")), (Reason::KeysUnavailable, 1, 0));
    let check = server.check_fetching(&request, |wanted| server.refresh(wanted).expect("keys"));
    assert!(matches!(check, Check::Done(Ok(_))), "{check:?}");
    let check = server.check_fetching(&request, |_| panic!("keys are held"));
    assert!(matches!(check, Check::Done(Ok(_))), "{check:?}");
    assert_eq!(stub.count("/jwks"), 1);
}

#[test]
fn wall_clock_that_is_set_back_does_not_make_a_new_key_an_unknown_one() {
    let (stub, issuer, clock) =
        (Stub::start().expect("a free port"), Issuer::new(RESOURCE), ScriptedClock::at(1_800_000_000));
    let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    stub.answer("/jwks", Answer::ok(entry["jwks"].to_string()));
    let config = configuration(&json!({"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")}));
    let server = server_with_clock(&config, &clock).expect("a configuration");
    server.warm_up().expect("a key server that works");
    issuer.rotate();
    let told = || {
        let claims = json!({"iat": clock.wall(), "exp": clock.wall() + 300});
        let authorization = issuer.authorization(&claims);
        let lines = [authorization.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines);
        server.authorize(&request).expect_err("the key is not published").reason()
    };
    assert_eq!(told(), Reason::UnknownKey, "a fetch says so");
    clock.set_wall(clock.wall() - 3600);
    assert_eq!(told(), Reason::KeysUnavailable, "the next fetch may bring it");
}
