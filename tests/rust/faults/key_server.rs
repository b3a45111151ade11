//! An authorization server as resource servers see it: keys at a URL, and the tokens that they sign.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::testing::Issuer;
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

pub(crate) const RESOURCE: &str = "https://mcp.test/mcp";
pub(crate) const JWKS: &str = "/jwks";

const TEN_DAYS: u64 = 10 * 24 * 3600;

/// A signing key.
pub(crate) struct Key {
    issuer: Issuer,
    jwk: Value,
}

impl Key {
    /// A new key; its `kid` is the number's.
    pub(crate) fn new(number: usize) -> Key {
        let issuer = Issuer::new(RESOURCE);
        (1..number).for_each(|_| issuer.rotate());
        let mut server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        let jwk = server["jwks"]["keys"][0].take();
        Key { issuer, jwk }
    }

    pub(crate) fn kid(&self) -> &str {
        self.jwk["kid"].as_str().expect("a kid")
    }

    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A field value for `Authorization` with a good token that was issued then and is valid for ten days.
    pub(crate) fn token(&self, issued_at: u64) -> String {
        self.issuer.authorization(&json!({"iat": issued_at, "exp": issued_at + TEN_DAYS}))
    }
}

/// The same token under a `kid` that no key has.
pub(crate) fn junk(good: &str) -> String {
    let mut kid = [0; 16];
    aws_lc_rs::rand::fill(&mut kid).expect("the system has random numbers");
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": URL_SAFE_NO_PAD.encode(kid)});
    let (_, rest) = good.split_once('.').expect("three parts");
    format!("Bearer {}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

pub(crate) fn key_set(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

/// A key server that publishes these keys.
pub(crate) fn publishing(keys: &[&Key]) -> Stub {
    let stub = Stub::start().expect("a free port");
    publish(&stub, keys);
    stub
}

pub(crate) fn publish(stub: &Stub, keys: &[&Key]) {
    stub.answer(JWKS, Answer::ok(key_set(keys)));
}

/// The configuration of a resource server whose keys are at this URL, with these members besides.
pub(crate) fn configuration(jwks_uri: &str, more: &Value) -> String {
    let server = json!({
        "issuer": Issuer::new(RESOURCE).issuer(), "jwks_uri": jwks_uri, "token_format": "rfc9068",
    });
    let mut config = json!({"resource": RESOURCE, "authorization_servers": [server]});
    for (name, value) in more.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    config.to_string()
}
