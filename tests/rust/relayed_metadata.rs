//! The authorization server's metadata that is served to older clients: fetched, checked, kept and refreshed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use scopegate_core::testing::{Issuer, ScriptedClock, is_fetching, server_with_clock};
use scopegate_core::{HttpResponse, Request, ResourceServer};
use scopegate_stub::{Answer, Fault, Stub};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const PATH: &str = "/.well-known/oauth-authorization-server";
const ISSUER: &str = "https://as.example";

/// A server whose tokens need no network, and whose authorization server has metadata on the stub.
struct Scene {
    stub: Stub,
    clock: ScriptedClock,
    server: ResourceServer,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(&json!({}))
    }

    fn with(more: &Value) -> Scene {
        let (stub, clock) = (Stub::start().expect("a free port"), ScriptedClock::at(1_800_000_000));
        let server = server_with_clock(&config(&stub, more).to_string(), &clock).expect("a configuration");
        stub.answer("/meta", Answer::ok(document("1")));
        Scene { stub, clock, server }
    }

    fn get(&self) -> HttpResponse {
        get(&self.server)
    }

    /// What is served once nothing is fetched any more.
    fn settled(&self) -> (u16, String) {
        self.get();
        self.wait();
        let answer = self.get();
        (answer.status, String::from_utf8(answer.body).expect("text"))
    }

    fn wait(&self) {
        while is_fetching(&self.server) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
        self.wait();
    }

    fn status(&self) -> Value {
        let stats: Value = serde_json::from_str(&self.server.stats().to_json()).expect("JSON");
        stats["authorization_server_metadata"].clone()
    }
}

/// Four fetches run at once in a process, so tests that count them take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(stub: &Stub, more: &Value) -> Value {
    let mut server: Value = serde_json::from_str(&Issuer::new(RESOURCE).server()).expect("JSON");
    server["discovery_url"] = json!(stub.url("/meta"));
    server["metadata_issuer"] = json!(ISSUER);
    let mut config = json!({"resource": RESOURCE, "authorization_servers": [server]});
    config["serve_authorization_server_metadata"] = json!(true);
    config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    config
}

fn get(server: &ResourceServer) -> HttpResponse {
    server.well_known(&Request::new("GET", PATH)).expect("an answer")
}

/// A document, told from others by its version.
fn document(version: &str) -> String {
    format!(
        r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token","authorization_endpoint":"{ISSUER}/authorize","version":"{version}"}}"#
    )
}

fn served(version: &str) -> (u16, String) {
    (200, document(version))
}

fn not_served() -> (u16, String) {
    (503, r#"{"error":"temporarily_unavailable"}"#.to_owned())
}

#[test]
fn the_first_request_is_told_to_come_back_and_has_the_document_fetched() {
    let _alone = alone();
    let scene = Scene::new();
    assert_eq!(scene.stub.count("/meta"), 0);
    let cold = scene.get();
    let fields: Vec<_> = cold.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let open = ("Access-Control-Allow-Origin", "*");
    let json = ("Content-Type", "application/json");
    assert_eq!(cold.status, 503);
    assert_eq!(fields, [json, ("Cache-Control", "no-store"), ("Retry-After", "1"), open]);
    scene.wait();
    let warm = scene.get();
    let fields: Vec<_> = warm.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!((warm.status, warm.body), (200, document("1").into_bytes()));
    assert_eq!(fields, [json, ("Cache-Control", "public, max-age=3600"), open]);
    for _ in 0..100 {
        scene.get();
    }
    assert_eq!(scene.stub.count("/meta"), 1);
}

#[test]
fn head_has_the_length_and_other_methods_have_nothing_fetched() {
    let _alone = alone();
    let scene = Scene::new();
    let ask = |method| scene.server.well_known(&Request::new(method, PATH)).expect("an answer");
    assert_eq!((ask("OPTIONS").status, ask("POST").status, ask("get").status), (204, 405, 405));
    assert_eq!((scene.stub.count("/meta"), is_fetching(&scene.server)), (0, false));
    let (cold, body) = (ask("HEAD"), not_served().1);
    assert_eq!((cold.status, cold.body.len(), cold.header("retry-after")), (503, 0, Some("1")));
    assert_eq!(cold.header("content-length"), Some(body.len().to_string().as_str()));
    scene.wait();
    let (warm, body) = (ask("HEAD"), document("1"));
    assert_eq!((warm.status, warm.body.len()), (200, 0));
    assert_eq!(warm.header("content-length"), Some(body.len().to_string().as_str()));
}

#[test]
fn a_document_that_must_not_be_handed_on_is_not() {
    let _alone = alone();
    let with = |members: &str| document("1").replace(r#","version":"1""#, members);
    let bodies: BTreeMap<&str, String> = [
        (
            "another issuer",
            document("1").replace(&format!(r#""issuer":"{ISSUER}""#), r#""issuer":"https://evil.example""#),
        ),
        (
            "a longer issuer",
            document("1").replace(&format!(r#""issuer":"{ISSUER}""#), &format!(r#""issuer":"{ISSUER}/""#)),
        ),
        ("no issuer", r#"{"token_endpoint":"https://as.example/token"}"#.to_owned()),
        ("the issuer twice", with(r#","issuer":"https://evil.example""#)),
        ("the issuer in other letters", with(r#","Issuer":"https://evil.example""#)),
        ("an endpoint twice", with(r#","token_endpoint":"https://evil.example""#)),
        ("an endpoint for a shell", with(r#","registration_endpoint":"https://as.example/$(id)`id`""#)),
        ("a script", with(r#","registration_endpoint":"javascript:alert(1)""#)),
        ("plain http", with(r#","registration_endpoint":"http://as.example/register""#)),
        ("too deep", with(&format!(r#","x":{}{}"#, "[".repeat(32), "]".repeat(32)))),
        ("something behind it", document("1") + "{}"),
        ("a byte order mark", format!("\u{feff}{}", document("1"))),
        ("too large", with(&format!(r#","x":"{}""#, "x".repeat(64 * 1024)))),
        ("no object", "[]".to_owned()),
        ("a page", "<html></html>".to_owned()),
        ("nothing", String::new()),
    ]
    .into();
    for (what, body) in bodies {
        let scene = Scene::new();
        scene.stub.answer("/meta", Answer::ok(body));
        assert_eq!(scene.settled(), not_served(), "{what}");
        let error = scene.status()["last_error"]["message"].to_string();
        assert!(!error.contains("evil") && !error.contains("alert"), "{error}");
    }
}

#[test]
fn what_is_no_answer_of_its_own_is_not_followed_or_believed() {
    let _alone = alone();
    let elsewhere = Stub::start().expect("a free port");
    elsewhere.answer("/meta", Answer::ok(document("1")));
    for answer in [
        Answer::redirect(302, &elsewhere.url("/meta")),
        Answer::redirect(308, &elsewhere.url("/meta")),
        Answer::status(404).body(document("1")),
        Answer::status(503).body(document("1")),
        Answer::ok(document("1")).gzip(),
        Answer::ok(document("1")).fault(Fault::Truncated),
    ] {
        let scene = Scene::new();
        scene.stub.answer("/meta", answer.clone());
        assert_eq!(scene.settled(), not_served(), "{answer:?}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn no_header_field_of_ours_comes_from_the_document() {
    let _alone = alone();
    let scene = Scene::new();
    let field = "x\\r\\nSet-Cookie: a=b";
    let body = document("1").replace(r#""version":"1""#, &format!(r#""version":"{field}""#));
    scene.stub.answer(
        "/meta",
        Answer::ok(body.clone()).header("Set-Cookie", "a=b").header("Cache-Control", "private"),
    );
    assert_eq!(scene.settled(), (200, body));
    let names: Vec<_> = scene.get().headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Content-Type", "Cache-Control", "Access-Control-Allow-Origin"]);
}

#[test]
fn the_members_keep_their_order_and_blanks_go() {
    let _alone = alone();
    let scene = Scene::new();
    let body = format!(
        "\n{{ \"zeta\" : [1, 2.50],\t\"issuer\": \"{ISSUER}\", \"jwks_uri\": \"https://keys.example/\\u006bwks\", \"n\": null }}\n"
    );
    scene.stub.answer("/meta", Answer::ok(body));
    let told =
        format!(r#"{{"zeta":[1,2.5],"issuer":"{ISSUER}","jwks_uri":"https://keys.example/kwks","n":null}}"#);
    assert_eq!(scene.settled(), (200, told));
}

#[test]
fn the_document_is_served_through_an_outage_and_not_for_ever() {
    let _alone = alone();
    let scene = Scene::new();
    assert_eq!(scene.settled(), served("1"));
    scene.stub.answer("/meta", Answer::ok(document("1").replace(ISSUER, "https://evil.example")));
    scene.pass(3 * 3600);
    assert_eq!(scene.settled(), served("1"));
    assert_eq!(scene.status()["state"], "overdue");
    assert_eq!(scene.status()["last_error"]["step"], "parse");
    scene.pass(21 * 3600);
    assert_eq!(scene.settled(), not_served());
    assert_eq!(scene.status()["state"], "expired");
    scene.stub.answer("/meta", Answer::ok(document("2")));
    scene.pass(60);
    assert_eq!(scene.settled(), served("2"));
}

#[test]
fn a_changed_document_is_fetched_when_it_is_due_without_anybody_asking() {
    let _alone = alone();
    let scene = Scene::new();
    assert_eq!(scene.settled(), served("1"));
    scene.stub.answer("/meta", Answer::ok(document("2")));
    scene.pass(300);
    assert_eq!((scene.settled(), scene.stub.count("/meta")), (served("1"), 1));
    scene.pass(240);
    while scene.stub.count("/meta") < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    scene.wait();
    assert_eq!(get(&scene.server).body, document("2").into_bytes());
}

#[test]
fn strangers_cannot_have_more_fetched_than_backoff_and_cap_allow() {
    let _alone = alone();
    let scene = Scene::new();
    scene.stub.answer("/meta", Answer::status(500));
    let mut passed = 0;
    for _ in 0..600 {
        for _ in 0..20 {
            assert_eq!(scene.get().status, 503);
        }
        scene.wait();
        scene.pass(1);
        passed += 1;
        // Doubling from a second to a minute, each a fifth less at the most, and at most eight in any minute.
        assert!(
            scene.stub.count("/meta") <= 8 + passed / 48,
            "{} after {passed} s",
            scene.stub.count("/meta")
        );
    }
    assert!(scene.stub.count("/meta") > 8);
}

#[test]
fn without_background_refresh_a_request_has_it_fetched_and_nobody_else() {
    let _alone = alone();
    let scene = Scene::with(&json!({"keys": {"background_refresh": false}}));
    assert_eq!(scene.settled(), served("1"));
    scene.stub.answer("/meta", Answer::ok(document("2")));
    scene.pass(3600);
    assert_eq!(scene.stub.count("/meta"), 1);
    assert_eq!(scene.get().body, document("1").into_bytes());
    scene.wait();
    assert_eq!(scene.get().body, document("2").into_bytes());
}

#[test]
fn warm_up_has_it_before_the_first_request_or_says_why_not() {
    let _alone = alone();
    let scene = Scene::new();
    scene.server.warm_up().expect("the document");
    assert_eq!(scene.get().status, 200);
    let scene = Scene::new();
    scene.stub.answer("/meta", Answer::status(500));
    let failed = scene.server.warm_up().expect_err("no document");
    let told: Vec<_> = failed.iter().map(|(issuer, error)| (issuer, error.to_string())).collect();
    assert_eq!(told, [(ISSUER, "HTTP: metadata: answered with status 500".to_owned())]);
    assert!(scene.server.health().is_ready());
}

#[test]
fn servers_that_are_made_from_others_share_the_document() {
    let _alone = alone();
    let scene = Scene::new();
    assert_eq!(scene.settled(), served("1"));
    let derive =
        |changes: Value| scene.server.derive_from_json(&changes.to_string()).expect("a configuration");
    assert_eq!(get(&derive(json!({"resource": "https://mcp.test/other"}))).status, 200);
    assert_eq!(get(&scene.server.declare(&[]).expect("a server").0).status, 200);
    assert_eq!(scene.stub.count("/meta"), 1);
    let off = derive(json!({"serve_authorization_server_metadata": false}));
    assert_eq!(off.well_known(&Request::new("GET", PATH)), None);
    let fetched_otherwise = derive(json!({"http": {"timeout_seconds": 1}}));
    assert_eq!(get(&fetched_otherwise).status, 503);
    drop(fetched_otherwise);
}

#[test]
fn stats_tell_of_it_where_it_is_served() {
    let _alone = alone();
    let scene = Scene::new();
    assert_eq!(scene.status()["state"], "cold");
    scene.settled();
    assert_eq!(
        scene.status(),
        json!({"issuer": ISSUER, "state": "fresh", "age_seconds": 0, "last_error": null, "fetches": {"installed": 1}})
    );
    let text = scene.server.stats().to_prometheus();
    for sample in ["usable{issuer=\"https://as.example\"} 1", "age_seconds{issuer=\"https://as.example\"} 0"]
    {
        assert!(text.contains(&format!("\nscopegate_metadata_{sample}\n")), "{text}");
    }
    let off = scene.server.derive_from_json(r#"{"reset": ["serve_authorization_server_metadata"]}"#);
    assert!(
        off.expect("a configuration").stats().to_json().contains(r#""authorization_server_metadata":null"#)
    );
}

#[test]
fn the_configuration_must_say_where_it_is() {
    let _alone = alone();
    let stub = Stub::start().expect("a free port");
    let mistakes = |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut config = config(&stub, &json!({}));
        change(&mut config["authorization_servers"][0]);
        let error = ResourceServer::from_json(&config.to_string()).map(|_| ()).err();
        let told = error
            .map(|error| error.mistakes().iter().map(|m| format!("{}: {}", m.path, m.message)).collect());
        told.unwrap_or_default()
    };
    let without_place = |issuer: &'static str, advertise: &'static str| {
        move |server: &mut Value| {
            let members = server.as_object_mut().expect("an object");
            members.remove("discovery_url");
            members.remove("metadata_issuer");
            server["issuer"] = json!(issuer);
            server["advertise"] = json!(advertise);
        }
    };
    let needs_url = "authorization_servers[0].discovery_url: required for serve_authorization_server_metadata: the URL \
                     of the metadata, which the issuer does not tell";
    assert_eq!(mistakes(&without_place("tenant-7", ISSUER)), [needs_url]);
    assert_eq!(mistakes(&without_place("https://as.example/?tenant=7", ISSUER)), [needs_url]);
    assert_eq!(mistakes(&without_place(ISSUER, ISSUER)), [""; 0]);
    assert_eq!(
        mistakes(&without_place("http://as.internal", "http://as.internal")),
        [
            "authorization_servers[0].discovery_url: expected an https URL for serve_authorization_server_metadata, or its \
          host in http.insecure_hosts"
        ]
    );
    let ours = |server: &mut Value| {
        server["discovery_url"] = json!("https://mcp.test/.well-known/openid-configuration")
    };
    assert_eq!(
        mistakes(&ours),
        [
            "serve_authorization_server_metadata: expected an authorization server on another origin: its own metadata \
          would be hidden by ours"
        ]
    );
}

#[test]
fn it_is_that_of_the_first_server_that_is_advertised() {
    let _alone = alone();
    let scene = Scene::new();
    let first = config(&scene.stub, &json!({}))["authorization_servers"][0].clone();
    let jwks = first["jwks"].clone();
    let hidden = json!({"issuer": "https://hidden.example", "jwks": jwks, "advertise": false});
    let later = json!({"issuer": "https://later.example", "jwks": jwks});
    let servers = json!({"authorization_servers": [hidden, first, later]});
    let server = scene.server.derive_from_json(&servers.to_string()).expect("a configuration");
    server.warm_up().expect("the document");
    assert_eq!(get(&server).body, document("1").into_bytes());
}
