//! T26: nesting costs no stack, whoever sends it.

use std::thread;

use scopegate_core::{Reason, ResourceServer};
use serde_json::{Value, json};

use crate::signer::{ISSUER, RESOURCE, Signer, claims, refusal, server};

/// What the smallest threads have. Code that is not optimised needs more than that to build a server.
const STACK: usize = if cfg!(debug_assertions) { 256 } else { 64 } * 1024;
/// As deep as a text may be.
const LIMIT: usize = 32;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// The JSON text of an object that is nested this deep, with this member and the members of `text` in it.
fn deepened(text: &str, depth: usize) -> String {
    text.replacen('{', &format!(r#"{{"x":{},"#, nested(depth - 1)), 1)
}

fn in_small_thread(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    thread.expect("a thread").join().expect("no test failed");
}

#[test]
fn t26_tokens_may_be_nested_to_the_limit_and_no_deeper() {
    in_small_thread(|| {
        let signer = Signer::new("ours");
        let server = server(json!({"jwks": {"keys": [signer.jwk()]}}));
        let header = r#"{"alg":"ES256","kid":"ours"}"#;
        let claims = claims().to_string();
        for (depth, reason) in [
            (LIMIT - 1, None),
            (LIMIT, None),
            (LIMIT + 1, Some(Reason::MalformedToken)),
            (1000, Some(Reason::MalformedToken)),
        ] {
            assert_eq!(
                refusal(&server, &signer.sign(&deepened(header, depth), &claims)),
                reason,
                "header, {depth}"
            );
            assert_eq!(
                refusal(&server, &signer.sign(header, &deepened(&claims, depth))),
                reason,
                "claims, {depth}"
            );
        }
        let deepest = signer.sign(header, &"[".repeat(10_000));
        assert_eq!(refusal(&server, &deepest), Some(Reason::MalformedToken));
    });
}

#[test]
fn t26_key_sets_may_be_nested_to_the_limit_and_no_deeper() {
    in_small_thread(|| {
        let signer = Signer::new("ours");
        let server = server(json!({"jwks": {"keys": [signer.jwk()]}}));
        let set = json!({"keys": [signer.jwk()]}).to_string();
        for (depth, taken) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false), (100_000, false)] {
            assert_eq!(server.replace_keys(ISSUER, &deepened(&set, depth)).is_ok(), taken, "{depth}");
        }
    });
}

#[test]
fn t26_configurations_and_bodies_do_not_exhaust_the_stack() {
    in_small_thread(|| {
        let deep = format!(r#"{{"resource":"{RESOURCE}","metadata":{{"x":{}}}}}"#, nested(100_000));
        assert!(ResourceServer::from_json(&deep).is_err());
        let signer = Signer::new("ours");
        let config = json!({"resource": RESOURCE, "policy": {"default": []},
            "authorization_servers": [{"issuer": ISSUER, "jwks": {"keys": [signer.jwk()]}}]});
        let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
        let line = format!("Bearer {}", signer.token(&json!({})));
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": Value::Null}}).to_string();
        let body = call.replace("null", &nested(1_000_000));
        let lines = [line.as_bytes()];
        let request =
            scopegate_core::Request::new("POST", "/mcp").now(crate::signer::NOW).authorization(&lines);
        let refused = server.authorize(&request.body(body.as_bytes())).expect_err("a body that is too deep");
        assert_eq!(refused.reason(), Reason::MalformedCall);
    });
}
