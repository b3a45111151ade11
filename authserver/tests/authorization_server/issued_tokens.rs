use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::fixture::{WEATHER, configuration, key_set, request_token, start, with_resource};
use crate::verification::{decode, verify};

fn member_names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn tokens_of_every_algorithm_verify_with_the_published_key() {
    let configuration = with_resource(configuration(), "files", "https://files.example/mcp", "RS256");
    let server = start(&with_resource(configuration, "notes", "https://notes.example/mcp", "EdDSA"));
    for (id, algorithm, key_type, parameters) in [
        ("files", "RS256", "RSA", &["n", "e"][..]),
        ("weather", "ES256", "EC", &["crv", "x", "y"]),
        ("notes", "EdDSA", "OKP", &["crv", "x"]),
    ] {
        let keys = key_set(&server, id);
        let [key] = &keys["keys"].as_array().unwrap()[..] else { panic!("one key is published at first") };
        assert_eq!(
            (&key["kty"], &key["alg"], &key["use"]),
            (&json!(key_type), &json!(algorithm), &json!("sig"))
        );
        let expected = ["kty", "alg", "use", "kid"].into_iter().chain(parameters.iter().copied()).collect();
        assert_eq!(member_names(key), expected, "the public members and no others");

        let token = request_token(&server, id, "").access_token();
        let verified = verify(&token, &keys).unwrap();
        assert_eq!(verified.header, json!({"typ": "at+jwt", "alg": algorithm, "kid": key["kid"]}));
    }
}

#[test]
fn key_sizes_are_those_of_the_algorithm() {
    let configuration = with_resource(configuration(), "files", "https://files.example/mcp", "RS256");
    let server = start(&with_resource(configuration, "notes", "https://notes.example/mcp", "EdDSA"));
    for (id, member, bytes) in
        [("files", "n", 256), ("weather", "x", 32), ("weather", "y", 32), ("notes", "x", 32)]
    {
        let keys = key_set(&server, id);
        assert_eq!(decode(keys["keys"][0][member].as_str().unwrap()).len(), bytes, "{id} {member}");
    }
}

#[test]
fn token_has_the_claims_of_rfc_9068() {
    let server = start(&configuration());
    let before = now();
    let token = request_token(&server, "weather", "scope=mail:send%20weather:read").access_token();
    let after = now();
    let claims = verify(&token, &key_set(&server, "weather")).unwrap().claims;
    let expected = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"];
    assert_eq!(member_names(&claims), BTreeSet::from(expected));
    assert_eq!(claims["iss"], server.issuer("weather").unwrap());
    assert_eq!(claims["aud"], WEATHER);
    assert_eq!(claims["sub"], "agent");
    assert_eq!(claims["client_id"], "agent");
    assert_eq!(claims["scope"], "mail:send weather:read");
    let issued_at = claims["iat"].as_u64().unwrap();
    assert!((before..=after).contains(&issued_at));
    assert_eq!(claims["exp"], issued_at + 300);
}

#[test]
fn response_says_what_was_granted_and_for_how_long() {
    let server = start(&configuration());
    let answer = request_token(&server, "weather", "");
    let body = answer.json();
    assert_eq!(member_names(&body), BTreeSet::from(["access_token", "token_type", "expires_in", "scope"]));
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["scope"], "weather:read");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn every_token_has_an_identifier_of_its_own() {
    let server = start(&configuration());
    let keys = key_set(&server, "weather");
    let identifiers: BTreeSet<_> = (0..20)
        .map(|_| {
            verify(&request_token(&server, "weather", "").access_token(), &keys).unwrap().claims["jti"]
                .clone()
        })
        .map(|identifier| identifier.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(identifiers.len(), 20);
}

#[test]
fn tampered_token_does_not_verify() {
    let server = start(&configuration());
    let keys = key_set(&server, "weather");
    let token = request_token(&server, "weather", "").access_token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other =
        server.mint("weather", [("sub".to_owned(), json!("somebody"))].into_iter().collect()).unwrap();
    let claims = other.split('.').nth(1).unwrap();
    assert!(verify(&format!("{header}.{claims}.{signature}"), &keys).is_none());
}

#[test]
fn keys_of_one_resource_do_not_verify_tokens_of_another() {
    let server = start(&with_resource(configuration(), "notes", "https://notes.example/mcp", "ES256"));
    let token = request_token(&server, "notes", "").access_token();
    assert!(verify(&token, &key_set(&server, "notes")).is_some());
    assert!(verify(&token, &key_set(&server, "weather")).is_none());
}

#[test]
fn minted_token_has_the_claims_that_the_test_wants() {
    let server = start(&configuration());
    let Value::Object(claims) =
        json!({"aud": ["https://other.example"], "exp": 1, "scope": "weather:read", "jti": null})
    else {
        unreachable!()
    };
    let token = server.mint("weather", claims).unwrap();
    let claims = verify(&token, &key_set(&server, "weather")).unwrap().claims;
    let issued_at = claims["iat"].as_u64().unwrap();
    let expected = json!({
        "iss": server.issuer("weather").unwrap(),
        "sub": "test-client",
        "aud": ["https://other.example"],
        "client_id": "test-client",
        "iat": issued_at,
        "exp": 1,
        "scope": "weather:read",
    });
    assert_eq!(claims, expected);
}
