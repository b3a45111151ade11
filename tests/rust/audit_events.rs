//! What is told of each decision, and that it is never the token.

use std::collections::HashSet;

use allocation_counter::measure;
use scopegate_core::testing::Issuer;
use scopegate_core::{AuditEvent, Outcome, Reason, Request, ResourceServer};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";

fn server(issuer: &Issuer, more: &Value) -> ResourceServer {
    let mut server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    server["token_format"] = "generic".into();
    let mut config = json!({"resource": RESOURCE, "authorization_servers": [server], "events": {}});
    let members = config.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn policy() -> Value {
    json!({"required_scopes": ["mcp"], "policy": {"default": "deny", "tools": {"weather": ["weather"]}}})
}

/// The events of one request with this token and body.
fn events_of(gate: &ResourceServer, token: &str, body: &str) -> Vec<AuditEvent> {
    let line = format!("Bearer {token}");
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(body.as_bytes());
    let _ = gate.authorize(&request);
    gate.drain_events()
}

fn call(tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}).to_string()
}

fn only(mut events: Vec<AuditEvent>) -> AuditEvent {
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn an_accepted_call_is_told_with_its_caller_its_need_and_its_name() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &policy());
    let token = issuer.mint(&json!({"sub": "alice", "client_id": "app", "scope": "mcp weather more"}));
    let event = only(events_of(&gate, &token, &call("weather")));
    assert_eq!((event.outcome, event.reason), (Outcome::Accepted, None));
    assert!(event.time.is_some_and(|time| time > 1_700_000_000));
    assert_eq!(event.resource, RESOURCE);
    assert_eq!((event.subject.as_deref(), event.client_id.as_deref()), (Some("alice"), Some("app")));
    assert_eq!(event.scopes_needed, ["mcp", "weather"]);
    assert_eq!(event.scopes_granted, ["mcp", "weather", "more"]);
    assert_eq!(event.calls.len(), 1);
    assert_eq!((&*event.calls[0].method, event.calls[0].name.as_deref()), ("tools/call", Some("weather")));
    assert_eq!(gate.drain_events(), []);
}

#[test]
fn a_refused_call_is_told_with_its_caller_and_its_reason() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &policy());
    let token = issuer.mint(&json!({"sub": "alice", "scope": "mcp"}));
    for (tool, reason, needed) in [
        ("weather", Reason::InsufficientScope, &["mcp", "weather"][..]),
        ("erase", Reason::PolicyDenied, &["mcp"]),
    ] {
        let event = only(events_of(&gate, &token, &call(tool)));
        assert_eq!((event.outcome, event.reason), (Outcome::Refused, Some(reason)));
        assert_eq!(event.subject.as_deref(), Some("alice"));
        assert_eq!(event.scopes_needed, needed);
        assert_eq!(event.calls[0].name.as_deref(), Some(tool));
    }
}

#[test]
fn of_a_token_that_did_not_prove_good_nothing_is_told_but_the_reason() {
    let (issuer, other) = (Issuer::new(RESOURCE), Issuer::new(RESOURCE));
    let gate = server(&issuer, &policy());
    let expired = issuer.mint(&json!({"sub": "alice", "exp": 1_000_000_000, "scope": "mcp"}));
    let forged = other.mint(&json!({"sub": "alice", "scope": "mcp weather"}));
    for token in [expired.as_str(), forged.as_str(), "", "a.b.c"] {
        let event = only(events_of(&gate, token, &call("weather")));
        assert_eq!(event.outcome, Outcome::Refused);
        assert!(event.reason.is_some());
        let untold = (event.issuer, event.subject, event.client_id, event.token);
        assert_eq!(untold, (None, None, None, None), "{:?}", event.reason);
        assert!(event.calls.is_empty() && event.scopes_granted.is_empty());
    }
}

#[test]
fn a_refusal_of_a_further_need_is_told_too() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &json!({}));
    let line = format!("Bearer {}", issuer.mint(&json!({"scope": "read"})));
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"");
    let token = gate.authorize(&request).expect("a good token");
    gate.require(&token, &request.scopes(&["read"])).expect("what it has");
    gate.require(&token, &request.scopes(&["write"])).expect_err("what it lacks");
    let told: Vec<_> =
        gate.drain_events().into_iter().map(|event| (event.reason, event.scopes_needed)).collect();
    assert_eq!(told, [(None, vec![]), (Some(Reason::InsufficientScope), vec!["write".to_owned()])]);
}

#[test]
fn tokens_that_are_not_known_are_not_taken_for_one() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &json!({}));
    let line = format!("Bearer {}", issuer.mint(&json!({"jti": null, "sub": "alice"})));
    let token = gate
        .authorize(&Request::new("POST", "/mcp").authorization(&[line.as_bytes()]).body(b""))
        .expect("a good token");
    gate.require(&token, &Request::new("POST", "/mcp").scopes(&["write"])).expect_err("what it lacks");
    let told: Vec<_> = gate.drain_events().into_iter().map(|event| event.token.is_some()).collect();
    assert_eq!(told, [true, false]);
}

#[test]
fn events_of_one_token_can_be_told_from_those_of_another_and_no_event_holds_it() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &json!({}));
    let mint = |more: &Value| issuer.mint(more);
    let tokens = [
        mint(&json!({"jti": "1"})),
        mint(&json!({"jti": "2"})),
        mint(&json!({"jti": null, "sub": "a"})),
        mint(&json!({"jti": null, "sub": "b"})),
    ];
    let hash = |token: &String| {
        let event = only(events_of(&gate, token, ""));
        let json = event.to_json();
        for part in token.split('.') {
            assert!(!json.contains(part), "a part of the token is in {json}");
        }
        event.token.expect("a hash")
    };
    let hashes: Vec<_> = tokens.iter().map(hash).collect();
    assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), tokens.len());
    assert_eq!(tokens.iter().map(hash).collect::<Vec<_>>(), hashes);
    let elsewhere = server(&issuer, &json!({}));
    assert_ne!(only(events_of(&elsewhere, &tokens[0], "")).token.as_ref(), hashes.first());
}

#[test]
fn a_token_has_one_hash_however_it_is_verified_and_however_long_its_id_is() {
    let issuer = Issuer::new(RESOURCE);
    for id in [json!(null), json!("1"), json!("i".repeat(257))] {
        let token = issuer.mint(&json!({"jti": id}));
        let gate = server(&issuer, &json!({}));
        let keeping_none =
            gate.derive_from_json(r#"{"token_cache": {"capacity": 0}}"#).expect("a configuration");
        let hashes = [&gate, &gate, &keeping_none].map(|gate| only(events_of(gate, &token, "")).token);
        assert!(hashes[0].as_ref().is_some_and(|hash| hash.len() == 32), "{hashes:?}");
        assert_eq!((&hashes[1], &hashes[2]), (&hashes[0], &hashes[0]), "{id}");
        let other = issuer.mint(&json!({"jti": id.as_str().map(|id| format!("{id}2")), "sub": "other"}));
        assert_ne!(only(events_of(&gate, &other, "")).token, hashes[0], "{id}");
    }
}

/// What reads a body allocates for each call in it.
#[test]
fn for_the_event_no_body_is_read_that_the_decision_has_read() {
    let issuer = Issuer::new(RESOURCE);
    let line = format!("Bearer {}", issuer.mint(&json!({"scope": "mcp weather"})));
    let lines = [line.as_bytes()];
    let batch = vec![call("weather"); 30].join(",");
    let body = format!("[{batch}]");
    let request = Request::new("POST", "/mcp").authorization(&lines).body(body.as_bytes());
    let allocations = |events: Value| {
        let mut more = policy();
        more["events"] = events;
        let gate = server(&issuer, &more);
        gate.authorize(&request).expect("what it may");
        measure(|| drop(gate.authorize(&request).expect("what it may"))).count_total
    };
    let (without, with) = (allocations(json!(null)), allocations(json!({})));
    assert!(without >= 30 && with - without <= 5, "{without} allocations without events, {with} with");
    let full = allocations(json!({"capacity": 1}));
    assert_eq!(full, without, "where there is no room nothing is found out");
}

#[test]
fn without_events_in_the_configuration_none_are_kept() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &json!({"events": null}));
    assert_eq!(events_of(&gate, &issuer.mint(&json!({})), ""), []);
    assert_eq!(gate.stats().events.recorded, 0);
}

#[test]
fn many_threads_lose_no_event_and_count_what_they_drop() {
    let issuer = Issuer::new(RESOURCE);
    let gate = server(&issuer, &json!({"events": {"capacity": 1000}}));
    let line = format!("Bearer {}", issuer.mint(&json!({})));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let lines = [line.as_bytes()];
                for _ in 0..500 {
                    gate.authorize(&Request::new("GET", "/mcp").authorization(&lines)).expect("a good token");
                }
            });
        }
    });
    let stats = gate.stats().events;
    assert_eq!((stats.recorded, stats.dropped, stats.waiting), (1000, 1000, 1000));
    assert_eq!(gate.drain_events().len(), 1000);
}
