//! Tokens without a network.

use std::sync::LazyLock;

use scopegate_core::testing::Issuer;
use serde_json::json;

/// An issuer in memory.
pub(crate) static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://mcp.test/mcp"));

/// A configuration that accepts its tokens.
pub(crate) fn config() -> String {
    config_with(r#""required_scopes": []"#)
}

/// The same, with another member.
pub(crate) fn config_with(member: &str) -> String {
    let server = ISSUER.server();
    format!(r#"{{"resource": "https://mcp.test/mcp", "authorization_servers": [{server}], {member}}}"#)
}

/// An Authorization value with a good token for "user".
pub(crate) fn authorization() -> String {
    ISSUER.authorization(&json!({"scope": "a b", "expires_in": 3600}))
}
