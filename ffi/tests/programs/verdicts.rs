//! Verdicts step by step, with keys that must be fetched.

use scopegate_core::testing::Issuer;
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

use crate::toolchain::{LIBRARY, command, compile, succeed};

const RESOURCE: &str = "https://MCP.test:8443/mcp/";

#[test]
fn verdict_is_reached_step_by_step() {
    let issuer = Issuer::new(RESOURCE);
    let stub = Stub::start().expect("a free port");
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    stub.answer("/jwks", Answer::ok(server["jwks"].to_string()));
    let program = compile("verdicts", &["tests/c/verdicts.c"], &[], &LIBRARY);
    let authorization = issuer.authorization(&json!({"expires_in": 3600}));
    let configs = [config(&stub.url("/jwks")), config(&stub.url("/nothing"))];
    succeed(command(&program).args(configs).arg(authorization), "");
}

fn config(jwks_uri: &str) -> String {
    json!({
        "resource": RESOURCE,
        "authorization_servers": [
            {"issuer": "https://issuer.test", "jwks_uri": jwks_uri, "token_format": "rfc9068"},
        ],
        "policy": {"default": [], "tools": {"weather": [], "drop_*": "deny"}, "max_body_bytes": 1000},
    })
    .to_string()
}
