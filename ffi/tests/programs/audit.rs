//! What an operator is told of each decision.

use scopegate_core::testing::Issuer;
use serde_json::{Value, json};

use crate::toolchain::{LIBRARY, command, compile, succeed};

#[test]
fn events_are_drained_as_lines_and_metrics_are_text() {
    let issuer = Issuer::new("https://mcp.test/mcp");
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let config = json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server], "events": {}});
    let program = compile("audit", &["tests/c/audit.c"], &[], &LIBRARY);
    succeed(command(&program).args([config.to_string(), issuer.authorization(&json!({"sub": "alice"}))]), "");
}
