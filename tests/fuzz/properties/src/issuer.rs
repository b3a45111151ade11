//! The issuer of the shared vectors: its key signs whatever an input asks for.

use std::sync::LazyLock;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{AccessToken, Request, ResourceServer};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://as.test";
pub(crate) const RESOURCE: &str = "https://mcp.test/mcp";
/// The time that the vectors are judged by.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const KID: &str = "ed-a";

/// The test-only keys of the vectors.
static KEYS: LazyLock<Value> = LazyLock::new(|| {
    let keys = include_str!("../../../vectors/keys/test-only-private-keys.json");
    let keys: Value = serde_json::from_str(keys).expect("JSON");
    keys["keys"].clone()
});

static SIGNER: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    let part = |name: &str| {
        let text = KEYS[KID][name].as_str().expect("a member of the key");
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    Ed25519KeyPair::from_seed_and_public_key(&part("d"), &part("x")).expect("a key pair")
});

/// The public members of a key of the vectors, under its name as `kid`.
pub(crate) fn public_jwk(name: &str) -> Value {
    let mut jwk = KEYS[name].clone();
    let members = jwk.as_object_mut().expect("a JWK");
    members.retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y" | "n" | "e"));
    members.insert("kid".to_owned(), name.into());
    jwk
}

/// The entry of the issuer in `authorization_servers`, with its keys.
pub(crate) fn server_entry() -> Value {
    let keys = ["ed-a", "ec-a", "rsa-a"].map(public_jwk);
    json!({"issuer": ISSUER, "jwks": {"keys": keys}})
}

/// A server with these members in its configuration beside the least that it needs.
pub(crate) fn server(members: Value) -> ResourceServer {
    let mut config = json!({"resource": RESOURCE, "authorization_servers": [server_entry()]});
    for (name, value) in members.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    ResourceServer::from_json(&config.to_string()).expect("a configuration without mistakes")
}

/// [`server`] for requests whose token was verified before: without keys it is made faster. None where the configuration
/// has a mistake.
pub(crate) fn keyless_server(members: Value) -> Option<ResourceServer> {
    let mut config = json!({"resource": RESOURCE, "authorization_servers": [ISSUER]});
    for (name, value) in members.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    ResourceServer::from_json(&config.to_string()).ok()
}

pub(crate) const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed-a"}"#;

/// A token of this header and payload, whatever they are.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = SIGNER.sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a good token.
pub(crate) fn claims(scope: &str) -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": RESOURCE, "exp": NOW + 300, "iat": NOW - 60, "jti": "id-1",
           "client_id": "app", "scope": scope})
}

/// A good token with these scopes.
pub(crate) fn good_token(scope: &str) -> String {
    sign(HEADER.as_bytes(), claims(scope).to_string().as_bytes())
}

/// A good token with these scopes, verified.
pub(crate) fn verified(scope: &str) -> AccessToken {
    let line = format!("Bearer {}", good_token(scope));
    let lines = [line.as_bytes()];
    let request = Request::new("GET", "/mcp").authorization(&lines).now(NOW);
    server(json!({})).authorize(&request).expect("a good token")
}
