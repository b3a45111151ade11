//! The configuration from the environment: what goes before what, and that a mistake names its variable.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use scopegate_core::testing::Issuer;
use scopegate_core::{ENVIRONMENT, Request, ResourceServer};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";

fn from(variables: &[(&str, &str)], members: &Value) -> Result<ResourceServer, Vec<(String, String)>> {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ResourceServer::from_variables(&variables, &members.to_string()).map_err(|error| {
        error.mistakes().iter().map(|mistake| (mistake.path.clone(), mistake.message.clone())).collect()
    })
}

fn paths(variables: &[(&str, &str)], members: &Value) -> Vec<String> {
    from(variables, members).expect_err("mistakes").into_iter().map(|(path, _)| path).collect()
}

/// What the metadata says.
fn document(server: &ResourceServer) -> Value {
    let target = server.metadata_url().strip_prefix(&server.resource().origin()).expect("on the same origin");
    let response = server.well_known(&Request::new("GET", target)).expect("the metadata");
    serde_json::from_slice(&response.body).expect("JSON")
}

/// The scopes that a 401 asks for.
fn challenge(server: &ResourceServer) -> String {
    let refusal = server.authorize(&Request::new("POST", "/mcp")).expect_err("no token");
    refusal
        .response()
        .headers
        .iter()
        .find(|(name, _)| *name == "WWW-Authenticate")
        .expect("a challenge")
        .1
        .clone()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("scopegate-environment-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a writable folder");
        Folder(folder)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a writable folder");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_environment_alone_is_a_configuration() {
    let variables = [
        ("SCOPEGATE_RESOURCE", RESOURCE),
        ("SCOPEGATE_AUTHORIZATION_SERVERS", " https://a.test, https://b.test\thttps://c.test"),
        ("SCOPEGATE_REQUIRED_SCOPES", "a  b"),
        ("SCOPEGATE_SCOPES_SUPPORTED", "a b c"),
        ("SCOPEGATE_OTHER", "left alone"),
    ];
    let server = from(&variables, &json!({})).expect("a configuration");
    let document = document(&server);
    assert_eq!(document["resource"], RESOURCE);
    assert_eq!(
        document["authorization_servers"],
        json!(["https://a.test", "https://b.test", "https://c.test"])
    );
    assert_eq!(document["scopes_supported"], json!(["a", "b", "c"]));
    assert!(challenge(&server).contains(r#"scope="a b""#));
}

#[test]
fn arguments_go_before_variables_and_variables_before_the_document() {
    let folder = Folder::new("order");
    let text = json!({"resource": "https://mcp.test/file", "authorization_servers": ["https://file.test"],
                      "required_scopes": ["file"], "scopes_supported": ["file"]});
    let path = folder.file("config.json", &text.to_string());
    for source in [("SCOPEGATE_CONFIG", &*path), ("SCOPEGATE_CONFIG_JSON", &*text.to_string())] {
        let variables = [
            source,
            ("SCOPEGATE_RESOURCE", "https://mcp.test/variable"),
            ("SCOPEGATE_SCOPES_SUPPORTED", "variable"),
            ("SCOPEGATE_REQUIRED_SCOPES", " "),
        ];
        let server = from(&variables, &json!({"resource": "https://mcp.test/argument"})).expect("good");
        assert_eq!(server.resource().path(), "/argument");
        assert_eq!(document(&server)["scopes_supported"], json!(["variable"]));
        assert_eq!(document(&server)["authorization_servers"], json!(["https://file.test"]));
        assert!(challenge(&server).contains(r#"scope="file""#), "an empty variable is not set");
    }
}

#[test]
fn authorization_servers_may_be_json_and_keys_a_snapshot() {
    let folder = Folder::new("keys");
    let issuer = Issuer::new(RESOURCE);
    let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let now =
        1 + std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let snapshot = json!({"version": 1, "exported_at": now, "sources": [{
        "issuers": [issuer.issuer()], "age_seconds": 0, "ttl_seconds": 600, "keys": entry["jwks"]["keys"]}]});
    let path = folder.file("keys.json", &snapshot.to_string());
    let servers = json!([{"issuer": issuer.issuer(), "jwks_uri": "http://127.0.0.1:1/keys"}]).to_string();
    let document = json!({"keys": {"max_stale_seconds": 60}}).to_string();
    let variables = [
        ("SCOPEGATE_RESOURCE", RESOURCE),
        ("SCOPEGATE_AUTHORIZATION_SERVERS", &*servers),
        ("SCOPEGATE_KEY_SNAPSHOT", &*path),
        ("SCOPEGATE_CONFIG_JSON", &*document),
    ];
    let server = from(&variables, &json!({})).expect("a configuration");
    let authorization = issuer.authorization(&json!({}));
    let lines = [authorization.as_bytes()];
    assert!(server.authorize(&Request::new("POST", "/mcp").authorization(&lines)).is_ok());
    // The argument replaces the whole member, the snapshot too.
    let without = from(&variables, &json!({"keys": {"max_stale_seconds": 60}})).expect("a configuration");
    assert!(without.authorize(&Request::new("POST", "/mcp").authorization(&lines)).is_err());
}

#[test]
fn a_mistake_names_its_variable() {
    let good = [("SCOPEGATE_RESOURCE", RESOURCE), ("SCOPEGATE_AUTHORIZATION_SERVERS", "https://a.test")];
    let with = |more: &[(&'static str, &'static str)]| [&good[..], more].concat();
    for (more, expected) in [
        (vec![("SCOPEGATE_RESOURCE", "ftp://x")], vec!["SCOPEGATE_RESOURCE"]),
        (vec![("SCOPEGATE_REQUIRED_SCOPES", "a offline_access")], vec!["SCOPEGATE_REQUIRED_SCOPES[1]"]),
        (
            vec![("SCOPEGATE_AUTHORIZATION_SERVERS", "http://a.test")],
            vec!["SCOPEGATE_AUTHORIZATION_SERVERS[0].issuer"],
        ),
        (vec![("SCOPEGATE_AUTHORIZATION_SERVERS", "[")], vec!["SCOPEGATE_AUTHORIZATION_SERVERS"]),
        (vec![("SCOPEGATE_AUTHORIZATION_SERVERS", "[1]")], vec!["SCOPEGATE_AUTHORIZATION_SERVERS[0]"]),
        (vec![("SCOPEGATE_KEY_SNAPSHOT", "/nowhere")], vec!["SCOPEGATE_KEY_SNAPSHOT"]),
        (vec![("SCOPEGATE_CONFIG", "/nowhere")], vec!["SCOPEGATE_CONFIG"]),
        (vec![("SCOPEGATE_CONFIG_JSON", "[]")], vec!["SCOPEGATE_CONFIG_JSON"]),
        (vec![("SCOPEGATE_CONFIG_JSON", "{"), ("SCOPEGATE_CONFIG", "x")], vec!["SCOPEGATE_CONFIG"]),
        (
            vec![
                ("SCOPEGATE_RESOURCE", "x"),
                ("SCOPEGATE_CONFIG_JSON", r#"{"resorce": "", "leeway_seconds": 1000}"#),
            ],
            vec!["resorce", "SCOPEGATE_RESOURCE", "leeway_seconds"],
        ),
    ] {
        assert_eq!(paths(&with(&more), &json!({})), expected, "{more:?}");
    }
    let both = from(&with(&[("SCOPEGATE_CONFIG_JSON", "{}"), ("SCOPEGATE_CONFIG", "x")]), &json!({}));
    assert!(both.expect_err("both")[0].1.contains("SCOPEGATE_CONFIG_JSON"));
    assert_eq!(paths(&[], &json!({})), ["resource", "authorization_servers"]);
    assert_eq!(paths(&good, &json!({"resource": "ftp://x"})), ["resource"], "an argument is no variable");
    assert_eq!(paths(&good, &json!({"policy": null})), ["policy"]);
}

#[test]
fn the_process_has_the_variables_that_are_documented() {
    let page = scopegate_tests::repository().join("docs/configuration.md");
    let page = fs::read_to_string(page).expect("a readable file");
    for name in ENVIRONMENT {
        assert!(page.contains(name), "{name}");
        assert!(std::env::var_os(name).is_none(), "{name} is set where the tests run");
    }
    let mistakes = ResourceServer::from_env("{}").expect_err("nothing is configured");
    assert_eq!(mistakes.mistakes().len(), 2);
    let members = json!({"resource": RESOURCE, "authorization_servers": ["https://a.test"]}).to_string();
    assert!(ResourceServer::from_env(&members).is_ok());
}
