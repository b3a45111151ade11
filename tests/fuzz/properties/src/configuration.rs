//! A whole configuration, and what its server then writes.

use scopegate_core::{Config, HttpResponse, Reason, Request, ResourceServer};
use serde_json::Value;

use crate::answer;
use crate::issuer::NOW;

/// Input: the document. Those that name files are left alone.
pub fn holds_for(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let document: Option<Value> = serde_json::from_str(text).ok();
    if document.as_ref().is_some_and(names_a_file) {
        return;
    }
    let shape = Config::from_json(text);
    match ResourceServer::from_json(text) {
        Ok(server) => {
            assert!(shape.is_ok());
            let document = document.expect("an accepted configuration is JSON");
            assert_eq!(document["resource"], server.resource().as_str());
            assert!(document["authorization_servers"].as_array().is_some_and(|servers| !servers.is_empty()));
            writes_well(&server);
            let again = ResourceServer::new(shape.expect("checked above"));
            assert_eq!(again.expect("the same configuration").metadata_url(), server.metadata_url());
        }
        Err(error) => {
            assert!(!error.mistakes().is_empty());
            for mistake in error.mistakes() {
                assert!(!mistake.path.is_empty());
                let begins = ["expected ", "required: ", "unknown key"];
                assert!(begins.iter().any(|begin| mistake.message.starts_with(begin)), "{mistake}");
            }
            let mut paths: Vec<&str> = error.mistakes().iter().map(|mistake| mistake.path.as_str()).collect();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), error.mistakes().len(), "two mistakes at one place: {error}");
            assert_eq!(ResourceServer::from_json(text).err(), Some(error));
        }
    }
}

fn names_a_file(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.ends_with("_file") || names_a_file(value))
        }
        Value::Array(items) => items.iter().any(names_a_file),
        _ => false,
    }
}

fn writes_well(server: &ResourceServer) {
    let document = metadata(server);
    let members: Value = serde_json::from_slice(&document.body).expect("JSON");
    assert_eq!(members["resource"], server.resource().as_str());
    assert!(members["authorization_servers"].as_array().is_some_and(|servers| !servers.is_empty()));
    assert!(members.as_object().is_some_and(|members| members.values().all(is_not_zero)));
    assert!(
        server.metadata_url().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    );
    let stats: Value = serde_json::from_str(&server.stats().to_json()).expect("JSON");
    let health: Value = serde_json::from_str(&server.health().to_json()).expect("JSON");
    assert!(stats.is_object() && health.is_object());
    let exported: Value = serde_json::from_str(&server.export_keys()).expect("JSON");
    assert_eq!(exported["version"], 1);
    let origins: Vec<&[u8]> = server.cors_origins().iter().map(String::as_bytes).take(1).collect();
    let request = Request::new("POST", "/").origin(&origins).now(NOW);
    let two: [&[u8]; 2] = [b"Bearer a", b"Bearer b"];
    for (request, reason) in [
        (request, Reason::MissingToken),
        (request.authorization(&[b"Bearer a.b.c"]), Reason::MalformedToken),
        (request.authorization(&two), Reason::MultipleCredentials),
        (request.scopes(&[""]), Reason::Internal),
        (request.origin(&[b"null", b"null"]), Reason::MissingToken),
    ] {
        let rejection = server.authorize(&request).expect_err("no good token");
        answer::is_in_the_table(&rejection);
        assert!([reason, Reason::OriginDenied].contains(&rejection.reason()), "{rejection}");
    }
}

/// The document is where the challenges say, and nowhere else is it asked for.
fn metadata(server: &ResourceServer) -> HttpResponse {
    let url = server.metadata_url();
    let after_scheme = url.find("://").expect("an absolute URL") + 3;
    let target = &url[after_scheme + url[after_scheme..].find('/').expect("a path")..];
    let found =
        server.well_known(&Request::new("GET", target)).expect("the metadata is where the challenge says");
    answer::is_sendable(&found);
    assert_eq!(found.status, 200);
    assert!(server.is_metadata_path(target));
    let head = server.well_known(&Request::new("HEAD", target)).expect("the same");
    assert_eq!(head.header("Content-Length"), Some(&*found.body.len().to_string()));
    assert_eq!(server.well_known(&Request::new("GET", url)), Some(found.clone()), "in its absolute form");
    found
}

fn is_not_zero(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}
