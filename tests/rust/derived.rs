//! Servers made from others: what they share, what they must not, and that nothing is dropped while one is made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use proptest::prelude::*;
use scopegate_core::testing::Issuer;
use scopegate_core::{
    CallKind, Check, ConfigError, Offered, PolicyRule, Reason, Rejection, Request, ResourceServer,
};
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";

/// An issuer whose keys are at a key server.
struct Scene {
    issuer: Issuer,
    stub: Stub,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { issuer: Issuer::new(RESOURCE), stub: Stub::start().expect("a free port") };
        scene.stub.answer("/jwks", Answer::ok(jwks(&scene.issuer).to_string()));
        scene
    }

    fn entry(&self) -> Value {
        json!({"issuer": self.issuer.issuer(), "jwks_uri": self.stub.url("/jwks")})
    }

    fn server(&self) -> ResourceServer {
        server(&json!([self.entry()]), &json!({}))
    }

    fn fetches(&self) -> usize {
        self.stub.count("/jwks")
    }

    fn token(&self, claims: &Value) -> String {
        self.issuer.authorization(claims)
    }
}

fn jwks(issuer: &Issuer) -> Value {
    let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    entry["jwks"].clone()
}

fn server(servers: &Value, more: &Value) -> ResourceServer {
    let mut config = json!({"resource": RESOURCE, "authorization_servers": servers});
    for (name, value) in more.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn derive(server: &ResourceServer, changes: Value) -> ResourceServer {
    server.derive_from_json(&changes.to_string()).expect("good changes")
}

fn refusal(server: &ResourceServer, authorization: &str) -> Option<Reason> {
    asked(server, authorization, b"").err().map(|refusal| refusal.reason())
}

fn asked(
    server: &ResourceServer,
    authorization: &str,
    body: &[u8],
) -> Result<scopegate_core::AccessToken, Box<Rejection>> {
    server.authorize(&Request::new("POST", "/mcp").authorization(&[authorization.as_bytes()]).body(body))
}

fn mistakes(result: Result<ResourceServer, ConfigError>) -> Vec<String> {
    let error = result.expect_err("mistakes");
    error.mistakes().iter().map(|mistake| mistake.path.clone()).collect()
}

#[test]
fn fifty_resources_of_one_issuer_fetch_its_keys_once() {
    let scene = Scene::new();
    let first = scene.server();
    let resources: Vec<String> = (0..50).map(|number| format!("https://mcp.test/{number}")).collect();
    let servers: Vec<_> =
        resources.iter().map(|resource| derive(&first, json!({"resource": resource}))).collect();
    for (server, resource) in servers.iter().zip(&resources) {
        assert_eq!(refusal(server, &scene.token(&json!({"aud": resource}))), None);
        assert_eq!(refusal(server, &scene.token(&json!({}))), Some(Reason::WrongAudience));
    }
    assert_eq!(scene.fetches(), 1);
    let ids: BTreeSet<_> = servers.iter().map(|server| server.stats().token_cache.entries).collect();
    assert_eq!(ids, BTreeSet::from([50]), "one cache for all");
}

#[test]
fn one_token_for_two_resources_is_kept_for_each_as_its_own() {
    let scene = Scene::new();
    let (one, other) = (scene.server(), "https://mcp.test/other");
    one.warm_up().expect("keys");
    let two = derive(&one, json!({"resource": other}));
    let token = scene.token(&json!({"aud": [RESOURCE, other]}));
    for _ in 0..3 {
        assert_eq!(asked(&one, &token, b"").expect("a good token").resource(), RESOURCE);
        assert_eq!(asked(&two, &token, b"").expect("a good token").resource(), other);
    }
    let cache = one.stats().token_cache;
    assert_eq!((cache.entries, cache.hits, cache.misses), (2, 4, 2));
}

#[test]
fn what_governs_the_keys_gives_a_server_a_source_of_its_own() {
    let scene = Scene::new();
    let server = scene.server();
    let token = scene.token(&json!({}));
    assert_eq!(refusal(&server, &token), None);
    let entry = |more: Value| {
        let mut entry = scene.entry();
        for (name, value) in more.as_object().expect("an object") {
            entry[name] = value.clone();
        }
        json!([entry])
    };
    for shared in [
        json!({"required_scopes": []}),
        json!({"policy": {"default": []}}),
        json!({"token_cache": {"capacity": 5}}),
        json!({"authorization_servers": entry(json!({"token_format": "rfc9068"}))}),
        json!({"authorization_servers": entry(json!({})), "cors_origins": ["https://a.test"]}),
    ] {
        assert_eq!(refusal(&derive(&server, shared.clone()), &token), None, "{shared}");
        assert_eq!(scene.fetches(), 1, "{shared}");
    }
    for (number, own) in [
        json!({"http": {"timeout_seconds": 4}}),
        json!({"keys": {"default_ttl_seconds": 300}}),
        json!({"keys": {"rsa_max_bits": 2048}}),
        json!({"leeway_seconds": 1}),
        json!({"distrusted_keys": [{"issuer": scene.issuer.issuer(), "kid": "other"}]}),
        json!({"authorization_servers": entry(json!({"algorithms": ["ES256"]}))}),
        json!({"authorization_servers": entry(json!({"issuer": [scene.issuer.issuer(), "https://b.test"]}))}),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(refusal(&derive(&server, own.clone()), &token), None, "{own}");
        assert_eq!(scene.fetches(), number + 2, "{own}");
    }
    assert_eq!(refusal(&server, &token), None, "the first one goes on");
}

#[test]
fn a_dropped_issuer_is_refused_with_the_tokens_that_were_kept() {
    let (scene, other) = (Scene::new(), Issuer::new(RESOURCE));
    let second = json!({"issuer": "https://second.test", "jwks": jwks(&other)});
    let server = server(&json!([scene.entry(), second]), &json!({}));
    let token = scene.token(&json!({}));
    assert_eq!((refusal(&server, &token), refusal(&server, &token)), (None, None));
    let without = derive(&server, json!({"authorization_servers": [second]}));
    assert_eq!(refusal(&without, &token), Some(Reason::UntrustedIssuer));
    // Back again, with another key under the same name.
    let impostor = Issuer::new(RESOURCE);
    let entry = json!({"issuer": scene.issuer.issuer(), "jwks": jwks(&impostor)});
    let back = derive(&server, json!({"authorization_servers": [entry]}));
    assert_eq!(refusal(&back, &token), Some(Reason::BadSignature));
    assert_eq!(refusal(&back, &impostor.authorization(&json!({}))), None);
    assert_eq!(refusal(&server, &impostor.authorization(&json!({}))), Some(Reason::BadSignature));
    assert_eq!(refusal(&server, &token), None);
}

#[test]
fn what_was_changed_is_in_force_for_a_token_that_was_kept() {
    let scene = Scene::new();
    let server = scene.server();
    let token = scene.token(&json!({"scope": "a", "tid": "x", "exp_in": 0}));
    assert_eq!((refusal(&server, &token), refusal(&server, &token)), (None, None));
    let entry = |more: Value| {
        let mut entry = scene.entry();
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"authorization_servers": [entry]})
    };
    for (changes, expected) in [
        (json!({"required_scopes": ["b"]}), Some(Reason::InsufficientScope)),
        (json!({"required_scopes": ["b"], "scope_implications": {"a": ["b"]}}), None),
        (json!({"resource": "https://mcp.test/b"}), Some(Reason::WrongAudience)),
        (json!({"resource": "https://mcp.test/b", "additional_audiences": [RESOURCE]}), None),
        (json!({"max_token_lifetime_seconds": 60}), Some(Reason::LifetimeTooLong)),
        (entry(json!({"algorithms": ["EdDSA"]})), Some(Reason::AlgorithmNotAllowed)),
        (entry(json!({"required_claims": {"tid": "y"}})), Some(Reason::ClaimNotAllowed)),
        (entry(json!({"required_claims": {"tid": "x"}})), None),
        (entry(json!({"scope_claims": ["tid"]})), None),
        (
            json!({"distrusted_keys": [{"issuer": scene.issuer.issuer(), "kid": "test-key-1"}]}),
            Some(Reason::UnknownKey),
        ),
    ] {
        let derived = derive(&server, changes.clone());
        assert_eq!(refusal(&derived, &token), expected, "{changes}");
        assert_eq!(refusal(&derived, &token), expected, "again: {changes}");
    }
    let other_claim = derive(&server, entry(json!({"scope_claims": ["tid"]})));
    assert_eq!(asked(&other_claim, &token, b"").expect("a good token").scopes(), ["x"]);
    let policy = derive(&server, json!({"policy": {"default": "deny"}}));
    let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;
    assert_eq!(asked(&policy, &token, call).unwrap_err().reason(), Reason::PolicyDenied);
    assert!(asked(&server, &token, call).is_ok());
}

#[test]
fn two_servers_at_one_key_url_do_not_share_a_source() {
    let scene = Scene::new();
    let second = json!({"issuer": "https://second.test", "jwks_uri": scene.stub.url("/jwks")});
    let server = scene.server();
    assert_eq!(refusal(&server, &scene.token(&json!({}))), None);
    let both = derive(&server, json!({"authorization_servers": [scene.entry(), second]}));
    assert_eq!(refusal(&both, &scene.token(&json!({"iss": "https://second.test"}))), None);
    assert_eq!(scene.fetches(), 2);
    both.distrust_key("https://second.test", "test-key-1").expect("a configured issuer");
    assert_eq!(
        refusal(&both, &scene.token(&json!({"iss": "https://second.test"}))),
        Some(Reason::UnknownKey)
    );
    assert_eq!(refusal(&both, &scene.token(&json!({}))), None);
}

#[test]
fn distrust_goes_along_to_new_sources_and_back_to_issuers_that_were_dropped() {
    let scene = Scene::new();
    let server = scene.server();
    let token = scene.token(&json!({}));
    assert_eq!(refusal(&server, &token), None);
    let twin = derive(&server, json!({"resource": RESOURCE, "required_scopes": []}));
    server.distrust_key(scene.issuer.issuer(), "test-key-1").expect("a configured issuer");
    assert_eq!(refusal(&twin, &token), Some(Reason::UnknownKey), "one source");
    let other_times = derive(&server, json!({"keys": {"default_ttl_seconds": 300}}));
    assert_eq!(refusal(&other_times, &token), Some(Reason::UnknownKey));
    let second = json!({"issuer": "https://second.test", "jwks": jwks(&scene.issuer)});
    let without = derive(&other_times, json!({"authorization_servers": [second]}));
    let still_without = derive(&without, json!({"required_scopes": []}));
    let back = derive(&still_without, json!({"authorization_servers": [scene.entry()]}));
    assert_eq!(refusal(&back, &token), Some(Reason::UnknownKey));
    assert_eq!(
        refusal(&still_without, &scene.token(&json!({"iss": "https://second.test"}))),
        None,
        "another issuer's key is its own"
    );
}

#[test]
fn replaced_keys_go_along_with_the_source_and_keep_it() {
    let scene = Scene::new();
    let server = scene.server();
    let replacement = Issuer::new(RESOURCE);
    server.replace_keys(scene.issuer.issuer(), &jwks(&replacement).to_string()).expect("usable keys");
    let derived = derive(&server, json!({"required_scopes": []}));
    assert_eq!(refusal(&derived, &replacement.authorization(&json!({}))), None);
    assert_eq!(scene.fetches(), 0);
    let changes = json!({"http": {"timeout_seconds": 4}}).to_string();
    assert_eq!(mistakes(server.derive_from_json(&changes)), ["authorization_servers"]);
    derived.resume(scene.issuer.issuer()).expect("a configured issuer");
    server.warm_up().expect("the pinned keys are used");
    assert!(server.derive_from_json(&changes).is_ok());
}

#[test]
fn a_snapshot_is_for_new_sources_alone() {
    let scene = Scene::new();
    let warm = scene.server();
    warm.warm_up().expect("keys");
    let snapshot: Value = serde_json::from_str(&warm.export_keys()).expect("JSON");
    assert_eq!(scene.fetches(), 1);
    let token = scene.token(&json!({}));
    let begun = server(&json!([scene.entry()]), &json!({"keys": {"snapshot": snapshot}}));
    assert_eq!((refusal(&begun, &token), scene.fetches()), (None, 1));
    // The same snapshot again would bring back what the issuer may have removed since.
    let again = derive(&begun, json!({"keys": {"snapshot": snapshot, "default_ttl_seconds": 300}}));
    assert_eq!((refusal(&again, &token), scene.fetches()), (None, 2));
    let cold = scene.server();
    let imported = derive(&cold, json!({"keys": {"snapshot": snapshot, "default_ttl_seconds": 300}}));
    assert_eq!((refusal(&imported, &token), scene.fetches()), (None, 2));
}

#[test]
fn keys_that_one_server_asked_for_prove_nothing_to_another() {
    let scene = Scene::new();
    let server = scene.server();
    let other = derive(&server, json!({"keys": {"default_ttl_seconds": 300}}));
    let token = scene.token(&json!({}));
    let lines = [token.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines);
    let Check::NeedKeys(wanted) = server.check(&request) else { panic!("cold") };
    let Check::NeedKeys(others) = other.check(&request) else { panic!("cold") };
    assert_ne!(wanted.source(), others.source());
    other.refresh(&wanted).expect("nothing to do");
    assert_eq!(scene.fetches(), 0);
    let Check::Done(Err(refusal)) = other.check_after(&request, &wanted) else { panic!("no keys yet") };
    assert_eq!(refusal.reason(), Reason::KeysUnavailable);
    server.refresh(&wanted).expect("keys");
    assert!(matches!(server.check_after(&request, &wanted), Check::Done(Ok(_))));
}

#[test]
fn every_mistake_of_the_changes_is_found_at_once_and_nothing_is_done() {
    let scene = Scene::new();
    let server = server(
        &json!([scene.entry()]),
        &json!({"distrusted_keys": [{"issuer": scene.issuer.issuer(), "kid": "z"}]}),
    );
    let changes = json!({
        "resource": "ftp://x", "polcy": {}, "required_scopes": ["a b"], "policy": null, "reset": ["leeway", "keys"],
        "authorization_servers": ["https://elsewhere.test"],
    });
    let found = mistakes(server.derive_from_json(&changes.to_string()));
    assert_eq!(
        found,
        ["reset[0]", "policy", "polcy", "resource", "distrusted_keys[0].issuer", "required_scopes[0]"]
    );
    assert_eq!(mistakes(server.derive_from_json("[]")), ["."]);
    assert_eq!(mistakes(server.derive_from_json(r#"{"reset": "all"}"#)), ["reset"]);
    let nothing_left = mistakes(server.derive_from_json(r#"{"reset": ["all"]}"#));
    assert_eq!(nothing_left, ["resource", "authorization_servers"]);
    assert_eq!(refusal(&server, &scene.token(&json!({}))), None);
}

#[test]
fn each_server_counts_its_own_decisions_and_all_count_what_they_share() {
    let scene = Scene::new();
    let server = scene.server();
    let token = scene.token(&json!({}));
    assert_eq!((refusal(&server, &token), refusal(&server, &token)), (None, None));
    let derived = derive(&server, json!({"required_scopes": ["x"]}));
    assert_eq!(refusal(&derived, &token), Some(Reason::InsufficientScope));
    let (ours, theirs) = (server.stats(), derived.stats());
    assert_eq!((ours.accepted, ours.refused.len()), (2, 0));
    assert_eq!((theirs.accepted, theirs.refused.len()), (0, 1));
    assert_eq!(theirs.token_cache.hits, 2);
    assert_eq!(theirs.sources[0].fetches, ours.sources[0].fetches);
    assert!(derived.health().is_ready());
}

#[test]
fn the_cache_is_one_unless_its_bound_is_changed() {
    let scene = Scene::new();
    let server = server(&json!([scene.entry()]), &json!({"token_cache": {"capacity": 3}}));
    let derived = derive(&server, json!({"required_scopes": []}));
    for number in 0..10 {
        let token = scene.token(&json!({"jti": number.to_string()}));
        assert_eq!(refusal(if number % 2 == 0 { &server } else { &derived }, &token), None);
    }
    assert_eq!(server.stats().token_cache.entries, 3);
    let own = derive(&server, json!({"token_cache": {"capacity": 4}}));
    assert_eq!(own.stats().token_cache.entries, 0);
    let none = derive(&own, json!({"token_cache": {"capacity": 0}}));
    assert_eq!(refusal(&none, &scene.token(&json!({}))), None);
    assert_eq!(none.stats().token_cache.misses, 0);
}

/// A kept token that is judged by another server is judged by that server's declarations.
#[test]
fn declarations_share_keys_and_tokens_and_stay_through_derive() {
    let scene = Scene::new();
    let server = scene.server();
    let offered =
        [Offered::new(CallKind::Tool, "weather").needs(["w"]), Offered::new(CallKind::Tool, "echo")];
    let (declared, report) = server.declare(&offered).expect("good declarations");
    assert_eq!(report.defaulted.len(), 1);
    assert_eq!(report.default, PolicyRule::Need(Vec::new()));
    assert!(!server.has_policy() && declared.has_policy());
    let token = scene.token(&json!({"scope": "r"}));
    let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}"#;
    assert!(asked(&server, &token, call).is_ok());
    assert_eq!(asked(&declared, &token, call).unwrap_err().reason(), Reason::InsufficientScope);
    assert_eq!((scene.fetches(), declared.stats().token_cache.hits), (1, 1));
    let derived = derive(&declared, json!({"policy": {"default": [], "tools": {"weather": ["v"]}}}));
    let refused = asked(&derived, &token, call).unwrap_err();
    assert!(refused.detail().ends_with("v w"), "{}", refused.detail());
    let (more, _) = derived.declare(&[Offered::new(CallKind::Tool, "weather").denied()]).expect("good");
    assert_eq!(asked(&more, &token, call).unwrap_err().reason(), Reason::PolicyDenied);
}

#[test]
fn every_mistake_of_a_declaration_is_found_at_once() {
    let server = Scene::new().server();
    let offered = json!([
        {"kind": "tool", "name": "weather", "scopes": ["a b", "offline_access", "x"]},
        {"kind": "tools", "name": "a"},
        {"kind": "prompt", "name": "p", "scopes": "allow"},
        {"name": "b"},
        {"kind": "tool", "scopes": []},
        {"kind": "resource", "name": "weather://{city}/now", "scopes": []},
        {"kind": "resource", "name": "file:///a b", "scopes": ["x"]},
        {"kind": "resource", "name": "weather://{city}/later"},
        {"kind": "tool", "name": "c", "need": []},
    ]);
    let found = mistakes(server.declare_from_json(&offered.to_string()).map(|(server, _)| server));
    let expected = [
        "[1].kind",
        "prompts.p.scopes",
        "tools.c.need",
        "[3].kind",
        "tools.weather[0]",
        "tools.weather[1]",
        "tools.",
        "resources.weather://{city}/now",
        "resources.file:///a b",
    ];
    assert_eq!(found, expected);
    assert_eq!(mistakes(server.declare_from_json("{}").map(|(server, _)| server)), ["."]);
}

#[test]
fn each_tenant_is_discovered_for_itself_and_keys_do_not_mix() {
    let stub = Stub::start().expect("a free port");
    let template = stub.url("/{tenant}/v2.0");
    let tenants: Vec<(&str, Issuer)> = ["a", "b"].map(|tenant| (tenant, Issuer::new(RESOURCE))).into();
    for (tenant, issuer) in &tenants {
        let (own, keys) = (stub.url(&format!("/{tenant}/v2.0")), stub.url(&format!("/{tenant}/keys")));
        let metadata = json!({"issuer": own, "jwks_uri": keys}).to_string();
        let path = format!("/.well-known/oauth-authorization-server/{tenant}/v2.0");
        stub.answer(&path, Answer::ok(metadata));
        stub.answer(&format!("/{tenant}/keys"), Answer::ok(jwks(issuer).to_string()));
    }
    let server = server(&json!([{"issuer": template, "tenants": ["a", "b"]}]), &json!({}));
    let token = |tenant: &str, issuer: &Issuer| {
        issuer.authorization(&json!({"iss": stub.url(&format!("/{tenant}/v2.0"))}))
    };
    for (tenant, issuer) in &tenants {
        assert_eq!(refusal(&server, &token(tenant, issuer)), None);
        assert_eq!(stub.count(&format!("/{tenant}/keys")), 1);
    }
    assert_eq!(refusal(&server, &token("c", &tenants[0].1)), Some(Reason::UntrustedIssuer));
    let document = server.well_known(&Request::new("GET", "/.well-known/oauth-protected-resource/mcp"));
    let document: Value = serde_json::from_slice(&document.expect("the metadata").body).expect("JSON");
    assert_eq!(document["authorization_servers"], json!([stub.url("/a/v2.0"), stub.url("/b/v2.0")]));
    // One tenant more: those that were there keep their sources.
    let three =
        derive(&server, json!({"authorization_servers": [{"issuer": template, "tenants": ["b", "c", "a"]}]}));
    assert_eq!(refusal(&three, &token("a", &tenants[0].1)), None);
    assert_eq!(refusal(&three, &token("b", &tenants[1].1)), None);
    assert_eq!((stub.count("/a/keys"), stub.count("/b/keys")), (1, 1));
    // Last, since it may have the keys fetched again in the background.
    assert_eq!(refusal(&server, &token("b", &tenants[0].1)), Some(Reason::BadSignature));
}

#[test]
fn every_mistake_of_a_template_is_found() {
    let template = "https://login.test/{tenant}/v2.0";
    for (entry, expected) in [
        (json!({"issuer": template}), vec!["tenants"]),
        (json!({"issuer": template, "tenants": []}), vec!["tenants"]),
        (json!({"issuer": "https://login.test", "tenants": ["a"]}), vec!["issuer"]),
        (json!({"issuer": [template], "tenants": ["a"]}), vec![]),
        (json!({"issuer": [template, "https://b.test"], "tenants": ["a"]}), vec!["issuer"]),
        (json!({"issuer": "https://x/{tenant}/{tenant}", "tenants": ["a"]}), vec!["issuer"]),
        (
            json!({"issuer": template, "tenants": ["a/b", "", "..", "a b", "a", "a", "{tenant}", "*", "ä"]}),
            vec![
                "tenants[0]",
                "tenants[1]",
                "tenants[2]",
                "tenants[3]",
                "tenants[5]",
                "tenants[6]",
                "tenants[7]",
                "tenants[8]",
            ],
        ),
        (
            json!({"issuer": template, "tenants": ["a"], "jwks_uri": "https://login.test/keys",
                   "advertise": template, "metadata_issuer": template}),
            vec!["metadata_issuer", "advertise"],
        ),
        (
            json!({"issuer": template, "tenants": ["a"], "jwks_uri": "https://login.test/{tenant}/keys"}),
            vec![],
        ),
    ] {
        let config = json!({"resource": RESOURCE, "authorization_servers": [entry]}).to_string();
        let found = match ResourceServer::from_json(&config) {
            Ok(_) => Vec::new(),
            error => mistakes(error),
        };
        let expected: Vec<_> =
            expected.into_iter().map(|member| format!("authorization_servers[0].{member}")).collect();
        assert_eq!(found, expected, "{entry}");
    }
}

/// Requests run on the old server and the new one, all of them are answered, and by the server that they came to.
#[test]
fn requests_run_while_servers_are_derived() {
    let scene = Scene::new();
    let current = Mutex::new(scene.server());
    let now = || current.lock().expect("no thread has panicked").clone();
    let good = scene.token(&json!({"scope": "r"}));
    now().warm_up().expect("keys");
    let (start, stop, answered) = (Barrier::new(5), AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                loop {
                    let found = refusal(&now(), &good);
                    assert!([None, Some(Reason::InsufficientScope)].contains(&found), "{found:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        start.wait();
        for turn in 0..60 {
            let scopes: &[&str] = if turn % 2 == 0 { &["r", "w"] } else { &["r"] };
            let next = derive(&now(), json!({"required_scopes": scopes}));
            assert_eq!(refusal(&next, &good), (turn % 2 == 0).then_some(Reason::InsufficientScope));
            *current.lock().expect("no thread has panicked") = next;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) >= 4);
    assert_eq!(scene.fetches(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Ask { server: usize, token: usize, later: i64 },
    Derive { from: usize, change: usize },
    Distrust { server: usize, kid: &'static str },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12_usize, 0..8_usize, prop::sample::select(vec![0, 200, 320, 400]))
            .prop_map(|(server, token, later)| Step::Ask { server, token, later }),
        3 => (0..12_usize, 0..12_usize).prop_map(|(from, change)| Step::Derive { from, change }),
        1 => (0..12_usize, prop::sample::select(vec!["test-key-1", "none"]))
            .prop_map(|(server, kid)| Step::Distrust { server, kid }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is derived from whatever, and whatever tokens come to which server.
    #[test]
    fn derived_servers_answer_as_those_that_keep_no_tokens(
        steps in prop::collection::vec(step(), 1..80),
        capacity in prop::sample::select(vec![1, 3, 10_000]),
    ) {
        let (one, two) = (Issuer::new(RESOURCE), Issuer::new(RESOURCE));
        let first = json!({"issuer": one.issuer(), "jwks": jwks(&one)});
        let swapped = json!({"issuer": one.issuer(), "jwks": jwks(&two)});
        let second = json!({"issuer": "https://second.test", "jwks": jwks(&two)});
        let read_anew = json!({"issuer": one.issuer(), "jwks": jwks(&one), "scope_claims": ["tid"]});
        let other = "https://mcp.test/b";
        let changes = [
            json!({}), json!({"resource": other}), json!({"resource": RESOURCE}), json!({"required_scopes": ["a"]}),
            json!({"required_scopes": []}), json!({"leeway_seconds": 0}), json!({"scope_implications": {"b": ["a"]}}),
            json!({"authorization_servers": [first]}), json!({"authorization_servers": [swapped]}),
            json!({"authorization_servers": [read_anew, second]}), json!({"authorization_servers": [second]}),
            json!({"additional_audiences": [other], "scope_wildcards": true}),
        ];
        let tokens: Vec<String> = [&one, &two].into_iter().flat_map(|issuer| [
            json!({"scope": "a", "tid": "x"}), json!({"scope": "b", "aud": [RESOURCE, other], "tid": "a"}),
            json!({"iss": "https://second.test", "scope": "a"}), json!({"aud": other, "tid": "a b"}),
        ].map(|claims| issuer.authorization(&claims))).collect();
        let now = 1 + std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() as i64;
        let base = |capacity: usize| server(&json!([first, second]), &json!({"token_cache": {"capacity": capacity}}));
        let (mut keeping, mut forgetting) = (vec![base(capacity)], vec![base(0)]);
        for step in &steps {
            let act = |servers: &mut Vec<ResourceServer>| match step {
                Step::Ask { server, token, later } => {
                    let lines = [tokens[*token].as_bytes()];
                    let server = &servers[server % servers.len()];
                    let request = Request::new("POST", "/mcp").authorization(&lines).body(b"").now(now + later);
                    format!("{:?}", server.authorize(&request).map(|token| (
                        token.scopes().to_vec(), token.effective_scopes().to_vec(), token.resource().to_owned(),
                    )).map_err(|refusal| (refusal.reason(), refusal.response().clone())))
                }
                Step::Derive { from, change } => {
                    let made = servers[from % servers.len()].derive_from_json(&changes[*change].to_string());
                    let result = format!("{:?}", made.as_ref().err());
                    servers.extend(made);
                    result
                }
                Step::Distrust { server, kid } => {
                    format!("{:?}", servers[server % servers.len()].distrust_key(one.issuer(), kid))
                }
            };
            prop_assert_eq!(act(&mut keeping), act(&mut forgetting), "{:?}", step);
        }
    }
}
