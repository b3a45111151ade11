//! Explaining a request: it comes to what `check` comes to, leaves no traces, and shows no part of the token.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use scopegate_core::testing::{Issuer, ScriptedClock, server_with_clock};
use scopegate_core::{Check, CheckOutcome, Explained, Explanation, Reason, Request, ResourceServer};
use scopegate_stub::{Answer, Stub};
use scopegate_tests::{Input, suites};
use serde_json::{Value, json};

/// The checks in the order of the rules, each with the reasons for which it refuses.
const CHECKS: [(&str, &[&str]); 29] = [
    ("arguments", &["internal"]),
    ("origin", &["origin_denied"]),
    ("authorization_line", &["multiple_credentials"]),
    ("bearer_token", &["missing_token"]),
    ("token_size", &["token_too_large"]),
    ("one_credential", &["multiple_credentials"]),
    ("token_syntax", &["malformed_token"]),
    ("critical_header", &["critical_header"]),
    ("payload_syntax", &["malformed_token"]),
    ("issuer", &["missing_claim", "malformed_claim", "untrusted_issuer"]),
    ("algorithm", &["algorithm_not_allowed"]),
    ("type", &["type_not_allowed"]),
    ("clock", &["clock_unusable"]),
    ("key", &["keys_unavailable", "unknown_key", "ambiguous_key"]),
    ("signature", &["bad_signature"]),
    ("claim_types", &["malformed_claim"]),
    ("claims_present", &["missing_claim"]),
    ("sender_constraint", &["sender_constrained"]),
    ("access_token", &["not_an_access_token"]),
    ("audience", &["wrong_audience"]),
    ("expiry", &["expired"]),
    ("not_before", &["not_yet_valid"]),
    ("age", &["too_old"]),
    ("lifetime", &["lifetime_too_long"]),
    ("required_claims", &["claim_not_allowed"]),
    ("body", &[]),
    ("call", &["call_too_large", "malformed_call"]),
    ("policy", &["policy_denied"]),
    ("scopes", &["insufficient_scope"]),
];

#[test]
fn every_vector_is_explained_as_it_is_decided() {
    let mut failed_at = BTreeSet::new();
    let mut refused_for = BTreeSet::new();
    let mut explained = 0;
    for suite in suites() {
        for group in &suite.groups {
            let server = group.server();
            for case in &group.cases {
                let input = Input::new(&case.request, case.now);
                let before = server.stats().to_json();
                let explanation = input.with(|request| server.explain(request));
                assert_eq!(server.stats().to_json(), before, "{}: it left a trace", case.id);
                let check = input.with(|request| server.check(request));
                assert!(is_explained(&explanation, &check), "{}: {check:?}\n{explanation}", case.id);
                assert_order(&case.id, &explanation);
                assert_no_secret(&case.id, &explanation, &case.request.authorization);
                let failed = explanation.checks.iter().find(|check| check.outcome == CheckOutcome::Failed);
                failed_at.extend(failed.map(|check| check.check));
                refused_for.extend(explanation.reason.map(Reason::name));
                explained += 1;
            }
        }
    }
    assert!(explained >= 2000, "only {explained} vectors");
    let never_failed: Vec<_> = CHECKS.iter().filter(|(name, _)| !failed_at.contains(name)).collect();
    assert!(never_failed.is_empty(), "{never_failed:?}");
    let never_the_reason: Vec<_> =
        Reason::ALL.iter().filter(|reason| !refused_for.contains(reason.name())).collect();
    // Without a fetch that failed before, missing keys are no reason yet.
    assert_eq!(never_the_reason, [&Reason::KeysUnavailable]);
}

#[test]
fn every_hint_has_a_vector() {
    let cases = suites().into_iter().flat_map(|suite| suite.groups).flat_map(|group| group.cases);
    let seen: BTreeSet<String> =
        cases.filter_map(|case| case.expect.get("hint").and_then(Value::as_str).map(str::to_owned)).collect();
    let missing: Vec<_> = Explanation::hints().filter(|hint| !seen.contains(*hint)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn is_explained(explanation: &Explanation, check: &Check) -> bool {
    match check {
        Check::Done(Ok(_)) => explanation.outcome == Explained::Accepted && explanation.reason.is_none(),
        Check::Done(Err(rejection)) => {
            explanation.outcome == Explained::Refused
                && explanation.reason == Some(rejection.reason())
                && explanation.status == Some(rejection.response().status)
                && explanation.detail.as_deref() == Some(rejection.detail())
        }
        Check::NeedKeys(_) => explanation.outcome == Explained::NeedsKeys && explanation.reason.is_none(),
        Check::NeedBody { .. } => match explanation.outcome {
            Explained::NeedsBody => explanation.reason.is_none(),
            // The body would only give the 403 its form.
            _ => matches!(explanation.reason, Some(Reason::InsufficientScope | Reason::PolicyDenied)),
        },
    }
}

/// The checks stand in their order, one fails at most, and none after it was made.
fn assert_order(id: &str, explanation: &Explanation) {
    let names: Vec<_> = explanation.checks.iter().map(|check| check.check).collect();
    assert_eq!(names, CHECKS.map(|(name, _)| name), "{id}");
    let outcomes: Vec<_> = explanation.checks.iter().map(|check| check.outcome).collect();
    let failed = outcomes.iter().position(|outcome| *outcome == CheckOutcome::Failed);
    assert_eq!(failed.is_none(), explanation.outcome == Explained::Accepted, "{id}");
    for (place, outcome) in outcomes.iter().enumerate() {
        let is_fit = match failed {
            Some(failed) if place == failed => *outcome == CheckOutcome::Failed,
            Some(failed) if place > failed => {
                matches!(outcome, CheckOutcome::NotReached | CheckOutcome::NotAsked)
            }
            _ => matches!(outcome, CheckOutcome::Passed | CheckOutcome::NotAsked),
        };
        assert!(is_fit, "{id}: {explanation}");
    }
    if let (Some(failed), Some(reason)) = (failed, explanation.reason) {
        assert!(CHECKS[failed].1.contains(&reason.name()), "{id}: {explanation}");
    }
    let told = explanation.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    assert!(told.clone().all(|check| check.expected.is_some()), "{id}: {explanation}");
    assert!(told.clone().all(|check| check.found.is_some()), "{id}: {explanation}");
}

/// Twelve characters in a row of a part of a credential, words apart.
fn assert_no_secret(id: &str, explanation: &Explanation, authorization: &[String]) {
    let shown = format!("{explanation}{}", explanation.to_json());
    let runs: HashSet<&[u8]> = shown.as_bytes().windows(12).collect();
    for line in authorization {
        let credential = line.split_once(' ').map_or(&**line, |(_, credential)| credential);
        for part in credential.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter))
        {
            let is_word =
                |run: &&[u8]| !run.iter().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            for run in part.as_bytes().windows(12).filter(|run| !is_word(run)) {
                assert!(!runs.contains(run), "{id}: {run:?} in {shown}");
            }
        }
    }
}

/// The key pair of RFC 8037 appendix A.
fn test_key() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn signed(header: &str, claims: &str) -> String {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64url");
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let input = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn gate(members: &Value) -> ResourceServer {
    let mut config = json!({
        "resource": "https://mcp.test/mcp",
        "authorization_servers": [{"issuer": "https://as.test", "jwks": {"keys": [test_key()]}}],
        "events": {},
    });
    for (name, value) in members.as_object().expect("an object") {
        config[name] = value.clone();
    }
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn explained(gate: &ResourceServer, credential: &str) -> Explanation {
    let line = format!("Bearer {credential}");
    let explanation = gate.explain(
        &Request::new("POST", "/mcp").authorization(&[line.as_bytes()]).body(b"").now(1_800_000_000),
    );
    assert_order(credential, &explanation);
    explanation
}

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A mark in every member and claim, and in the signature: only what a check is about comes out, and never as it was sent.
#[test]
fn marked_parts_are_not_shown() {
    let gate = gate(&json!({}));
    let header =
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "mark-kid", "x5t": "mark-x5t", "jku": "mark-jku"});
    let claims = json!({"iss": "https://as.test", "aud": "mark-aud", "sub": "mark-sub", "jti": "mark-jti", "exp": 1,
                        "scope": "mark-scope", "client_id": "mark-client", "email": "mark-email"});
    let token =
        format!("{}.{}.{}", part(&header.to_string()), part(&claims.to_string()), part("mark-signature"));
    let explanation = explained(&gate, &token);
    let shown = format!("{explanation}{}", explanation.to_json());
    assert_eq!(explanation.reason, Some(Reason::UnknownKey), "{explanation}");
    assert!(shown.contains("mark-kid"), "{shown}");
    for hidden in ["x5t", "jku", "sub", "jti", "email", "signature", "aud", "scope", "client"] {
        assert!(!shown.contains(&format!("mark-{hidden}")), "{hidden}: {shown}");
    }
    assert_no_secret("marked", &explanation, &[format!("Bearer {token}")]);
}

/// A claim that repeats a part of the token would show it.
#[test]
fn claims_that_repeat_the_token_are_not_shown() {
    let header = part(r#"{"alg":"ES256","typ":"at+jwt"}"#);
    let token = format!("{header}.{}.{}", part(&json!({"iss": header}).to_string()), part("signature"));
    let explanation = explained(&gate(&json!({})), &token);
    assert_eq!(explanation.reason, Some(Reason::UntrustedIssuer));
    assert_no_secret("repeated", &explanation, &[format!("Bearer {token}")]);
}

#[test]
fn other_credentials_are_not_shown() {
    let gate = gate(&json!({}));
    for lines in [
        &["Basic ZGVtb3VzZXI6c2VjcmV0MTIz"][..],
        &["Bearer Aaaaaaaaaaaaaaa1, Bearer Bbbbbbbbbbbbbbbb2"],
        &["DPoP Aaaaaaaaaaaaaaa1", "Bearer Bbbbbbbbbbbbbbb2"],
    ] {
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let explanation = gate.explain(&Request::new("POST", "/mcp").authorization(&bytes));
        let shown = format!("{explanation}{}", explanation.to_json());
        for secret in ["ZGVtb3VzZXI6c2VjcmV0MTIz", "Aaaaaaaa", "Bbbbbbbb", "Basic", "DPoP"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

/// Neither a count nor an event nor a remembered token, whatever the outcome.
#[test]
fn explaining_leaves_no_traces() {
    let gate = gate(&json!({"policy": {"default": "deny"}}));
    let before = gate.stats().to_json();
    for credential in [
        "opaque",
        "a.b.c",
        &format!("{}.{}.", part(r#"{"alg":"ES256"}"#), part(r#"{"iss":"https://as.test"}"#)),
    ] {
        explained(&gate, credential);
    }
    assert_eq!(gate.stats().to_json(), before);
    assert_eq!(gate.drain_events().len(), 0);
}

/// What a request would fetch is not fetched, and no budget is spent.
#[test]
fn explaining_fetches_nothing() {
    let (stub, issuer) = (Stub::start().expect("a free port"), Issuer::new("https://mcp.test/mcp"));
    let clock = ScriptedClock::at(1_800_000_000);
    let server = json!({"issuer": issuer.issuer(), "jwks_uri": stub.url("/jwks")});
    let config = json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server],
                        "keys": {"background_refresh": false}});
    let gate = server_with_clock(&config.to_string(), &clock).expect("a configuration");
    let publish = || {
        let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        stub.answer("/jwks", Answer::ok(entry["jwks"].to_string()));
    };
    let explain = || {
        let line = issuer.authorization(&json!({"iat": clock.wall(), "exp": clock.wall() + 300}));
        let (fetches, stats) = (stub.count("/jwks"), gate.stats().to_json());
        let explanation =
            gate.explain(&Request::new("POST", "/mcp").authorization(&[line.as_bytes()]).body(b""));
        assert_eq!((stub.count("/jwks"), gate.stats().to_json()), (fetches, stats));
        let key = explanation.checks.iter().find(|check| check.check == "key").expect("it is there");
        (explanation.outcome, explanation.reason, key.found.clone().expect("it was made"))
    };
    stub.answer("/jwks", Answer::status(500));
    let found = "kid \"test-key-1\"; no usable keys held";
    assert_eq!(explain(), (Explained::NeedsKeys, None, found.to_owned()));
    assert!(gate.warm_up().is_err());
    let (outcome, reason, found) = explain();
    assert_eq!((outcome, reason), (Explained::NeedsKeys, Some(Reason::KeysUnavailable)));
    assert!(found.contains("the last fetch failed, HTTP: "), "{found}");
    publish();
    clock.pass(Duration::from_secs(60));
    gate.warm_up().expect("keys");
    assert_eq!(explain(), (Explained::Accepted, None, "kid \"test-key-1\"".to_owned()));
    clock.sleep(Duration::from_secs(4000));
    assert_eq!(gate.stats().sources[0].state, "idle");
    assert_eq!(explain().0, Explained::Accepted, "held keys are used while others fetch");
    issuer.rotate();
    let found = "kid \"test-key-2\"; of 1 key held: \"test-key-1\"";
    assert_eq!(explain(), (Explained::NeedsKeys, None, found.to_owned()));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(json!("https://as.test")),
        Just(json!("ES256")),
        "[a-z]{200,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let members: BTreeMap<&str, _> = names.iter().map(|name| (*name, json_value())).collect();
    let members: Vec<_> =
        members.into_iter().map(|(name, value)| (Just(name), prop::option::of(value))).collect();
    members.prop_map(|members| {
        let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(present.collect()).to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a token: no panic, the order is kept, and it comes to what `check` comes to.
    #[test]
    fn hostile_tokens_are_explained_as_they_are_decided(
        header in object(&["alg", "typ", "kid", "crit", "enc"]),
        claims in object(&["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "scope", "cnf", "nonce", "typ"]),
        is_signed in any::<bool>(),
        good in prop::collection::btree_set(0..6_usize, 0..7),
        noise in prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let gate = gate(&json!({}));
        let mut members: Value = serde_json::from_str(&claims).expect("JSON");
        for place in good {
            let (name, value) = [
                ("iss", json!("https://as.test")), ("aud", json!("https://mcp.test/mcp")), ("exp", json!(1_800_000_300)),
                ("scope", json!("a b")), ("cnf", Value::Null), ("nonce", Value::Null),
            ][place].clone();
            let members = members.as_object_mut().expect("an object");
            if value.is_null() { members.remove(name) } else { members.insert(name.to_owned(), value) };
        }
        let header = if is_signed { r#"{"alg":"EdDSA","kid":"a"}"# } else { &header };
        let token = signed(header, &members.to_string());
        let mut line = format!("Bearer {token}").into_bytes();
        if let Some((place, byte)) = noise {
            let place = place.index(line.len());
            line[place] = byte;
        }
        let lines = [&*line];
        let request = Request::new("POST", "/mcp").authorization(&lines).now(1_800_000_000);
        let explanation = gate.explain(&request);
        assert_order("hostile", &explanation);
        assert_no_secret("hostile", &explanation, &[format!("Bearer {token}")]);
        prop_assert!(is_explained(&explanation, &gate.check(&request)), "{}", explanation);
        prop_assert!(explanation.to_json().len() < 64 * 1024);
        let shown = explanation.to_string();
        prop_assert!(shown.chars().all(|letter| letter == '\n' || (' '..='~').contains(&letter)), "{}", shown);
    }
}
