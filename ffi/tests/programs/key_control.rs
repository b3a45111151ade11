//! What an operator does about keys.

use scopegate_core::testing::Issuer;
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

use crate::toolchain::{LIBRARY, command, compile, succeed};

const RESOURCE: &str = "https://mcp.test/mcp";

#[test]
fn operator_distrusts_replaces_and_takes_keys_along() {
    let issuer = Issuer::new(RESOURCE);
    let stub = Stub::start().expect("a free port");
    stub.answer("/jwks", Answer::ok(jwks(&issuer)));
    let published = issuer.authorization(&json!({"expires_in": 3600}));
    issuer.rotate();
    let replaced = issuer.authorization(&json!({"expires_in": 3600}));
    let program = compile("key_control", &["tests/c/key_control.c"], &[], &LIBRARY);
    let warm = config(&stub.url("/nothing"), &json!({"snapshot": "SNAPSHOT"})).replace("\"SNAPSHOT\"", "%s");
    let config = config(&stub.url("/jwks"), &json!({}));
    succeed(command(&program).args([config, published, jwks(&issuer), replaced, warm]), "");
}

fn jwks(issuer: &Issuer) -> String {
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    server["jwks"].to_string()
}

fn config(jwks_uri: &str, keys: &Value) -> String {
    json!({
        "resource": RESOURCE,
        "authorization_servers": [{"issuer": "https://issuer.test", "jwks_uri": jwks_uri}],
        "keys": keys,
    })
    .to_string()
}
