//! What an operator does about keys: distrust one, replace them, take them along to another process.

use scopegate_core::testing::Issuer;
use scopegate_core::{KeyControlError, Reason, Request, ResourceServer};
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
        scene.stub.answer("/jwks", Answer::ok(scene.jwks()));
        scene
    }

    fn jwks(&self) -> String {
        let entry: Value = serde_json::from_str(&self.issuer.server()).expect("JSON");
        entry["jwks"].to_string()
    }

    fn entry(&self) -> Value {
        json!({"issuer": self.issuer.issuer(), "jwks_uri": self.stub.url("/jwks")})
    }

    fn server(&self) -> ResourceServer {
        server(json!([self.entry()]), json!({}))
    }

    fn goes_down(&self) {
        self.stub.answer("/jwks", Answer::status(503));
    }

    /// Why a new token of the issuer is refused.
    fn refusal(&self, server: &ResourceServer) -> Option<Reason> {
        let authorization = self.issuer.authorization(&json!({}));
        let lines = [authorization.as_bytes()];
        server
            .authorize(&Request::new("POST", "/mcp").authorization(&lines))
            .err()
            .map(|refusal| refusal.reason())
    }
}

fn server(servers: Value, keys: Value) -> ResourceServer {
    let config = json!({"resource": RESOURCE, "authorization_servers": servers, "keys": keys});
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn exported(server: &ResourceServer) -> Value {
    serde_json::from_str(&server.export_keys()).expect("JSON")
}

#[test]
fn a_distrusted_key_is_unknown_at_once_and_in_an_outage() {
    let scene = Scene::new();
    let server = scene.server();
    assert_eq!(scene.refusal(&server), None);
    scene.goes_down();
    server.clone().distrust_key(scene.issuer.issuer(), "test-key-1").expect("a configured issuer");
    assert_eq!(scene.refusal(&server), Some(Reason::UnknownKey));
    assert_eq!(scene.stub.count("/jwks"), 1);
    assert!(server.health().is_ready());
    let cold = scene.server();
    cold.distrust_key(scene.issuer.issuer(), "test-key-1").expect("a configured issuer");
    assert_eq!(scene.refusal(&cold), Some(Reason::UnknownKey));
    assert_eq!(scene.stub.count("/jwks"), 1);
}

#[test]
fn the_configuration_distrusts_keys_of_every_location() {
    let scene = Scene::new();
    let jwks: Value = serde_json::from_str(&scene.jwks()).expect("JSON");
    for entry in [scene.entry(), json!({"issuer": scene.issuer.issuer(), "jwks": jwks})] {
        let config = json!({
            "resource": RESOURCE,
            "authorization_servers": [entry],
            "distrusted_keys": [{"issuer": scene.issuer.issuer(), "kid": "test-key-1"}],
        });
        let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
        assert_eq!(scene.refusal(&server), Some(Reason::UnknownKey));
    }
    assert_eq!(scene.stub.count("/jwks"), 0);
}

#[test]
fn replaced_keys_alone_answer_until_it_resumes() {
    let scene = Scene::new();
    let server = scene.server();
    server.replace_keys(scene.issuer.issuer(), &scene.jwks()).expect("a key set");
    assert_eq!(scene.refusal(&server), None);
    scene.issuer.rotate();
    assert_eq!(scene.refusal(&server), Some(Reason::UnknownKey));
    scene.stub.answer("/jwks", Answer::ok(scene.jwks()));
    assert_eq!(scene.stub.count("/jwks"), 0);
    server.resume(scene.issuer.issuer()).expect("a configured issuer");
    assert_eq!(scene.refusal(&server), None);
    assert_eq!(scene.stub.count("/jwks"), 1);
}

#[test]
fn what_is_not_configured_or_no_key_set_is_an_error() {
    let scene = Scene::new();
    let server = scene.server();
    let unknown = Err(KeyControlError::UnknownIssuer);
    assert_eq!(server.distrust_key("https://issuer.test/", "a"), unknown);
    assert_eq!(server.replace_keys("https://other.test", &scene.jwks()), unknown);
    assert_eq!(server.resume(""), unknown);
    let error = server.replace_keys(scene.issuer.issuer(), "{}").expect_err("no key set");
    assert_eq!(error.to_string(), "expected a JWK Set: an object with a list of keys");
}

#[test]
fn a_server_begins_with_the_keys_of_another_while_the_issuer_is_down() {
    let scene = Scene::new();
    let warm = scene.server();
    warm.warm_up().expect("a key server that works");
    scene.goes_down();
    let begun = server(json!([scene.entry()]), json!({"snapshot": exported(&warm)}));
    assert!(begun.health().is_ready());
    assert_eq!(scene.refusal(&begun), None);
    assert_eq!(scene.stub.count("/jwks"), 1);
    assert_eq!(exported(&begun)["sources"][0]["keys"], exported(&warm)["sources"][0]["keys"]);
}

#[test]
fn keys_of_a_snapshot_serve_the_server_with_the_same_issuers_alone() {
    let scene = Scene::new();
    let warm = scene.server();
    warm.warm_up().expect("a key server that works");
    let snapshot = exported(&warm);
    assert_eq!(snapshot["sources"][0]["issuers"], json!([scene.issuer.issuer()]));
    for issuers in [json!("https://other.test"), json!([scene.issuer.issuer(), "https://other.test"])] {
        let entry = json!({"issuer": issuers, "jwks_uri": scene.stub.url("/jwks")});
        let other = server(json!([entry]), json!({"snapshot": snapshot}));
        assert!(!other.health().is_ready(), "{issuers}");
    }
}

#[test]
fn a_due_set_is_fetched_by_a_request_where_the_host_freezes_in_between() {
    let scene = Scene::new();
    let warm = scene.server();
    warm.warm_up().expect("a key server that works");
    let mut snapshot = exported(&warm);
    snapshot["sources"][0]["age_seconds"] = json!(1000);
    let frozen = server(json!([scene.entry()]), json!({"snapshot": snapshot, "background_refresh": false}));
    assert_eq!(scene.refusal(&frozen), None);
    assert_eq!(scene.stub.count("/jwks"), 2);
    assert_eq!(frozen.stats().sources[0].age_seconds, Some(0));
    scene.goes_down();
    let frozen = server(json!([scene.entry()]), json!({"snapshot": snapshot, "background_refresh": false}));
    assert_eq!(scene.refusal(&frozen), None);
    assert_eq!(scene.refusal(&frozen), None);
    assert_eq!(scene.stub.count("/jwks"), 3);
}
