//! Tokens with any header and any payload, signed by a key that is made for the test.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{Reason, Request, ResourceServer};
use serde_json::{Value, json};

pub(crate) const RESOURCE: &str = "https://mcp.test/mcp";
pub(crate) const ISSUER: &str = "https://as.test";
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    key: EcdsaKeyPair,
}

impl Signer {
    pub(crate) fn new(kid: &'static str) -> Signer {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Signer { kid, key: key.expect("the system has random numbers") }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..65]));
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": x, "y": y})
    }

    /// A token over exactly these texts.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes());
        format!("{input}.{}", encode(signature.expect("the system has random numbers").as_ref()))
    }

    /// A token that is good, with these header members besides.
    pub(crate) fn token(&self, more: &Value) -> String {
        let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid});
        for (name, value) in more.as_object().into_iter().flatten() {
            header[name] = value.clone();
        }
        self.sign(&header.to_string(), &claims().to_string())
    }
}

pub(crate) fn claims() -> Value {
    json!({"iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "app", "exp": NOW + 300, "iat": NOW, "jti": "1"})
}

/// A server whose one authorization server has these members, and the issuer.
pub(crate) fn server(mut authorization_server: Value) -> ResourceServer {
    authorization_server["issuer"] = json!(ISSUER);
    let config = json!({"resource": RESOURCE, "authorization_servers": [authorization_server]});
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

/// Why a token is refused; `None` when it is accepted.
pub(crate) fn refusal(server: &ResourceServer, token: &str) -> Option<Reason> {
    let line = format!("Bearer {token}");
    let request = Request::new("POST", "/mcp").now(NOW);
    server.authorize(&request.authorization(&[line.as_bytes()])).err().map(|refused| refused.reason())
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
