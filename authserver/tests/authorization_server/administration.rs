use scopegate_authserver::{AuthorizationServer, IssuerError};
use serde_json::{Map, Value, json};
use ureq::http::Request;

use crate::fixture::{
    ADMIN_SECRET, Answer, configuration, get, key_set, request_token, send, start, with_resource,
};
use crate::verification::verify;

fn administer(server: &AuthorizationServer, path: &str, body: &str) -> Answer {
    let request = Request::post(format!("{}/{path}", server.origin()))
        .header("Authorization", format!("Bearer {ADMIN_SECRET}"));
    send(request.body(body.as_bytes()).unwrap())
}

fn published(server: &AuthorizationServer, id: &str) -> Vec<String> {
    let keys = key_set(server, id);
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rotation_with_overlap_keeps_the_old_key_published() {
    let server = start(&configuration());
    let old_token = request_token(&server, "weather", "").access_token();
    let [old] = &published(&server, "weather")[..] else { panic!("one key at first") };
    let answer = administer(&server, "weather/admin/rotate", r#"{"overlap": true}"#);
    assert_eq!(answer.status, 200);
    let kids = published(&server, "weather");
    assert_eq!(answer.json(), json!({"kids": kids}));
    assert_eq!((kids.len(), &kids[1]), (2, old));

    let new_token = request_token(&server, "weather", "").access_token();
    let keys = key_set(&server, "weather");
    assert_eq!(verify(&new_token, &keys).unwrap().header["kid"], kids[0].as_str());
    assert!(verify(&old_token, &keys).is_some());
}

#[test]
fn rotation_without_overlap_removes_every_earlier_key() {
    let server = start(&configuration());
    let old_token = request_token(&server, "weather", "").access_token();
    server.rotate("weather", true).unwrap();
    let answer = administer(&server, "weather/admin/rotate", r#"{"overlap": false}"#);
    assert_eq!(answer.json(), json!({"kids": published(&server, "weather")}));
    assert_eq!(published(&server, "weather").len(), 1);
    let keys = key_set(&server, "weather");
    assert!(verify(&old_token, &keys).is_none());
    assert!(verify(&request_token(&server, "weather", "").access_token(), &keys).is_some());
}

#[test]
fn every_algorithm_rotates() {
    let configuration = with_resource(configuration(), "files", "https://files.example/mcp", "RS256");
    let server = start(&with_resource(configuration, "notes", "https://notes.example/mcp", "EdDSA"));
    for id in ["files", "notes"] {
        let before = published(&server, id);
        let answer = administer(&server, &format!("{id}/admin/rotate"), r#"{"overlap": false}"#);
        assert_eq!(answer.status, 200);
        assert_ne!(published(&server, id), before);
        let token = request_token(&server, id, "").access_token();
        assert!(verify(&token, &key_set(&server, id)).is_some());
    }
}

#[test]
fn rotation_of_one_resource_leaves_the_others_alone() {
    let server = start(&with_resource(configuration(), "notes", "https://notes.example/mcp", "EdDSA"));
    let before = published(&server, "notes");
    server.rotate("weather", false).unwrap();
    assert_eq!(published(&server, "notes"), before);
}

#[test]
fn at_most_eight_retired_keys_are_published() {
    let server = start(&configuration());
    let mut newest_first = published(&server, "weather");
    for _ in 0..12 {
        newest_first.insert(0, server.rotate("weather", true).unwrap().swap_remove(0));
    }
    newest_first.truncate(9);
    assert_eq!(published(&server, "weather"), newest_first);
}

#[test]
fn library_and_endpoint_return_the_same_key_identifiers() {
    let server = start(&configuration());
    let returned = server.rotate("weather", true).unwrap();
    assert_eq!(returned, published(&server, "weather"));
}

#[test]
fn keys_are_made_unavailable_and_available_again() {
    let server = start(&configuration());
    let jwks = format!("{}/jwks", server.issuer("weather").unwrap());
    let answer = administer(&server, "weather/admin/keys", r#"{"available": false}"#);
    assert_eq!((answer.status, answer.json()), (200, json!({"available": false})));
    assert_eq!(get(&jwks).status, 503);
    let answer = administer(&server, "weather/admin/keys", r#"{"available": true}"#);
    assert_eq!((answer.status, answer.json()), (200, json!({"available": true})));
    assert_eq!(get(&jwks).status, 200);
}

#[test]
fn administration_needs_its_secret() {
    let server = start(&configuration());
    let before = published(&server, "weather");
    for path in ["rotate", "keys"] {
        let url = format!("{}/weather/admin/{path}", server.origin());
        for authorization in [
            None,
            Some("Bearer wrong".to_owned()),
            Some("Bearer".to_owned()),
            Some("Bearer ".to_owned()),
            Some(format!("Basic {ADMIN_SECRET}")),
            Some(format!("Bearer {ADMIN_SECRET}x")),
            Some(ADMIN_SECRET.to_owned()),
        ] {
            let mut request = Request::post(&url);
            if let Some(authorization) = &authorization {
                request = request.header("Authorization", authorization);
            }
            let answer = send(request.body(r#"{"overlap": false}"#).unwrap());
            assert_eq!(answer.error(), (401, "unauthorized".into()), "{authorization:?}");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="administration""#));
        }
    }
    assert_eq!(published(&server, "weather"), before);
}

#[test]
fn administration_does_not_exist_without_a_configured_secret() {
    let mut configuration = configuration();
    configuration.as_object_mut().unwrap().remove("admin_secret");
    let server = start(&configuration);
    for path in ["weather/admin/rotate", "weather/admin/keys"] {
        assert_eq!(administer(&server, path, r#"{"overlap": false}"#).error(), (404, "not_found".into()));
    }
}

#[test]
fn administration_of_an_unknown_resource_is_not_found() {
    let server = start(&configuration());
    let answer = administer(&server, "absent/admin/rotate", r#"{"overlap": false}"#);
    assert_eq!(answer.error(), (404, "not_found".into()));
    assert!(matches!(server.rotate("absent", true), Err(IssuerError::UnknownResource(id)) if id == "absent"));
    assert!(matches!(server.mint("absent", Map::new()), Err(IssuerError::UnknownResource(_))));
    assert!(matches!(server.set_keys_available("absent", true), Err(IssuerError::UnknownResource(_))));
}

#[test]
fn unreadable_administration_requests_change_nothing() {
    let server = start(&configuration());
    let before = published(&server, "weather");
    for body in [
        "",
        "{}",
        "true",
        "[true]",
        r#"{"overlap": "yes"}"#,
        r#"{"overlap": null}"#,
        r#"{"overlap": true, "overlap": false}"#,
        r#"{"overlap": true, "other": 1}"#,
        r#"{"overlap": true}x"#,
        &"[".repeat(10_000),
    ] {
        for path in ["weather/admin/rotate", "weather/admin/keys"] {
            assert_eq!(administer(&server, path, body).error(), (400, "invalid_request".into()), "{body}");
        }
    }
    assert_eq!(published(&server, "weather"), before);
}

#[test]
fn stopped_server_accepts_no_connection() {
    let server = start(&configuration());
    let address = server.origin().strip_prefix("http://").unwrap().to_owned();
    let open = std::net::TcpStream::connect(&address).unwrap(); // an idle connection does not hold it up
    server.stop();
    assert!(std::net::TcpStream::connect(&address).is_err());
    drop(open);
}

#[test]
fn dropped_server_frees_its_port() {
    let first = start(&configuration());
    let address = first.origin().strip_prefix("http://").unwrap().to_owned();
    drop(first);
    let mut configuration = configuration();
    configuration["listen"] = Value::from(address.as_str());
    assert_eq!(start(&configuration).origin(), format!("http://{address}"));
}
