use std::net::TcpListener;

use scopegate_authserver::{AuthorizationServer, Config, StartError};
use serde_json::{Value, json};

use crate::fixture::{ADMIN_SECRET, CLIENT_SECRET, configuration};

fn mistakes(configuration: &Value) -> Vec<(String, String)> {
    let error = Config::from_json(&configuration.to_string()).unwrap_err();
    error.errors().iter().map(|error| (error.path().to_owned(), error.message().to_owned())).collect()
}

fn paths(configuration: &Value) -> Vec<String> {
    mistakes(configuration).into_iter().map(|(path, _)| path).collect()
}

/// The configuration with the value at this JSON pointer replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut configuration = configuration();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    configuration.pointer_mut(parent).unwrap()[key] = value;
    configuration
}

fn is_accepted(pointer: &str, value: Value) -> bool {
    Config::from_json(&with(pointer, value).to_string()).is_ok()
}

#[test]
fn example_is_a_valid_configuration() {
    Config::from_json(include_str!("../../examples/demo.json")).unwrap();
}

#[test]
fn everything_but_the_resources_may_be_left_out() {
    let minimal = json!({
        "resources": [{"id": "a", "name": "A", "resource": "https://a.example", "scopes": []}],
    });
    Config::from_json(&minimal.to_string()).unwrap();
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let configuration = json!({
        "listen": "0.0.0.0:80",
        "admin_secret": "",
        "port": 80,
        "resources": [
            {
                "id": "Weather",
                "name": "",
                "resource": "weather",
                "scopes": ["a", "b c", "a", 1],
                "token_lifetime_seconds": 299,
                "algorithm": "HS256",
                "max_age_seconds": -1,
                "ttl": 5,
            },
            {"id": "notes"},
            {"id": "notes", "name": "N", "resource": "https://n.example", "scopes": ["read"]},
            "files",
        ],
        "clients": [
            {"id": "agent", "secret": 7, "grants": [
                {"resource": "absent", "scopes": ["read"]},
                {"resource": "notes", "scopes": ["write"], "default_scopes": ["read"]},
                {"resource": "notes", "scopes": ["read"], "default_scopes": ["write"]},
            ]},
            {"id": "agent", "secret": "test-only", "grants": {}},
            {},
        ],
    });
    let reported = mistakes(&configuration);
    let lines: Vec<_> = reported.iter().map(|(path, message)| format!("{path}: {message}")).collect();
    let secret = "expected 1 to 256 printable ASCII characters";
    let scope = "expected a scope: printable ASCII characters other than blank, quote and backslash";
    let url =
        "expected an https URL, or an http URL on loopback, without user information and without a fragment";
    let known = "id, name, resource, scopes, token_lifetime_seconds, algorithm, max_age_seconds";
    let name = "expected a text of 1 to 100 characters without control characters";
    let id = "expected 1 to 64 lower-case letters, digits and hyphens, a letter or digit first";
    assert_eq!(
        lines,
        [
            "port: unknown key, expected one of listen, admin_secret, resources, clients".to_owned(),
            "listen: expected an IP address on loopback with a port, such as 127.0.0.1:9000, or 127.0.0.1:0 \
             for a free port"
                .to_owned(),
            format!("admin_secret: {secret} without blanks"),
            format!("resources[0].ttl: unknown key, expected one of {known}"),
            format!("resources[0].id: {id}"),
            format!("resources[0].name: {name}"),
            format!("resources[0].resource: {url}"),
            format!("resources[0].scopes[1]: {scope}"),
            "resources[0].scopes[2]: expected each scope once".to_owned(),
            format!("resources[0].scopes[3]: {scope}"),
            "resources[0].token_lifetime_seconds: expected a whole number of seconds from 300 to 3600"
                .to_owned(),
            "resources[0].algorithm: expected RS256, ES256 or EdDSA".to_owned(),
            "resources[0].max_age_seconds: expected a whole number of seconds from 0 to 86400".to_owned(),
            format!("resources[1].name: missing, {name}"),
            format!("resources[1].resource: missing, {url}"),
            "resources[1].scopes: missing, expected a list".to_owned(),
            "resources[2].id: expected an id that no other resource has".to_owned(),
            "resources[3]: expected an object".to_owned(),
            format!("clients[0].secret: {secret}"),
            "clients[0].grants[0].resource: expected the id of one of the resources".to_owned(),
            "clients[0].grants[1].scopes[0]: expected a scope of the resource".to_owned(),
            "clients[0].grants[2].resource: expected a resource that no other grant of the client names"
                .to_owned(),
            "clients[0].grants[2].default_scopes[0]: expected one of the scopes of this grant".to_owned(),
            "clients[1].id: expected an id that no other client has".to_owned(),
            "clients[1].grants: expected a list".to_owned(),
            format!("clients[2].id: missing, {secret}"),
            format!("clients[2].secret: missing, {secret}"),
            "clients[2].grants: missing, expected a list".to_owned(),
        ]
    );
}

#[test]
fn only_loopback_is_listened_on() {
    for address in ["127.0.0.1:0", "127.0.0.2:8080", "[::1]:0"] {
        assert!(is_accepted("/listen", address.into()), "{address}");
    }
    for address in
        ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:127.0.0.1]:0", "localhost:0", "127.0.0.1", ":0", "0"]
    {
        assert_eq!(paths(&with("/listen", address.into())), ["listen"], "{address}");
    }
    assert_eq!(paths(&with("/listen", Value::Null)), ["listen"]);
}

#[test]
fn token_lifetime_is_300_to_3600_seconds() {
    for (value, accepted) in [
        (json!(299), false),
        (json!(300), true),
        (json!(3600), true),
        (json!(3601), false),
        (json!(600.0), false),
        (json!(-600), false),
        (json!("600"), false),
        (json!(null), false),
    ] {
        assert_eq!(is_accepted("/resources/0/token_lifetime_seconds", value.clone()), accepted, "{value}");
    }
}

#[test]
fn resource_identifier_is_https_or_http_on_loopback() {
    for (identifier, accepted) in [
        ("https://mcp.example/mcp", true),
        ("https://mcp.example:8443", true),
        ("https://mcp.example/mcp?tenant=a", true),
        ("http://127.0.0.1:8000/mcp", true),
        ("http://localhost:8000/mcp", true),
        ("http://[::1]:8000/mcp", true),
        ("http://mcp.example/mcp", false),
        ("http://127.0.0.1.example/mcp", false),
        ("https://user@mcp.example/mcp", false),
        ("https://mcp.example/mcp#fragment", false),
        ("https://mcp.example/a b", false),
        ("https:///mcp", false),
        ("https://:8000/mcp", false),
        ("https://mcp.example:/mcp", false),
        ("https://mcp.example:65536/mcp", false),
        ("https://mcp.example/\"mcp\"", false),
        ("https://mcp.example/é", false),
        ("mcp.example", false),
        ("/mcp", false),
        ("ftp://mcp.example/mcp", false),
        ("urn:example:mcp", false),
        ("", false),
    ] {
        assert_eq!(is_accepted("/resources/0/resource", identifier.into()), accepted, "{identifier}");
    }
}

#[test]
fn credentials_are_printable_ascii() {
    for (pointer, text, accepted) in [
        ("/clients/0/secret", "a b", true),
        ("/admin_secret", "a b", false),
        ("/clients/0/id", "é", false),
        ("/clients/0/secret", "a\n", false),
        ("/clients/0/secret", &"a".repeat(256), true),
        ("/clients/0/secret", &"a".repeat(257), false),
    ] {
        assert_eq!(is_accepted(pointer, text.into()), accepted, "{pointer} {text}");
    }
}

#[test]
fn resource_id_is_one_plain_path_segment() {
    for id in ["Weather", "a/b", "..", ".well-known", "a b", "-a", "", "é", &"a".repeat(65)] {
        assert_eq!(paths(&with("/resources/0/id", id.into()))[0], "resources[0].id", "{id}");
    }
}

#[test]
fn at_least_one_resource_is_required() {
    assert_eq!(paths(&json!({"resources": []})), ["resources"]);
    assert_eq!(paths(&json!({})), ["resources"]);
}

#[test]
fn mistake_in_a_resource_does_not_accuse_the_grants_of_it() {
    assert_eq!(paths(&with("/resources/0/algorithm", json!("none"))), ["resources[0].algorithm"]);
    assert_eq!(paths(&with("/resources/0/scopes", json!("weather:read"))), ["resources[0].scopes"]);
}

#[test]
fn text_that_is_not_strict_json_is_refused() {
    for (json, part) in [
        ("", "EOF"),
        ("{\"resources\": [}", "line 1"),
        ("{} {}", "trailing"),
        ("{\"clients\": [], \"cl\\u0069ents\": []}", "the member `clients` is repeated"),
    ] {
        let error = Config::from_json(json).unwrap_err();
        assert_eq!(error.errors().len(), 1, "{json}");
        assert_eq!(error.errors()[0].path(), "");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(paths(&json!([])), [""]);
}

#[test]
fn secrets_are_never_printed() {
    let valid = Config::from_json(&configuration().to_string()).unwrap();
    let printed = format!("{valid:?} {:?}", AuthorizationServer::start(valid.clone()).unwrap());
    let broken = with("/clients/0/secret", json!([CLIENT_SECRET, {"test-only-other": ADMIN_SECRET}]));
    let error = Config::from_json(&broken.to_string()).unwrap_err();
    for text in [printed, format!("{error} {error:?}")] {
        assert!(!text.contains(CLIENT_SECRET) && !text.contains(ADMIN_SECRET), "{text}");
    }
}

#[test]
fn taken_port_is_a_start_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let config = Config::from_json(&with("/listen", listen.into()).to_string()).unwrap();
    assert!(matches!(AuthorizationServer::start(config), Err(StartError::Listen(_))));
}
