//! A token of others before a whole resource server: the public interface alone, with every algorithm switched on.

use scopegate_core::{Algorithm, Reason, Request, ResourceServer};
use serde_json::{Value, json};

/// A resource server whose one authorization server is `issuer` with these keys.
///
/// A key set without a usable key is a mistake of the configuration, so one key of our own stands beside them: it is for
/// EdDSA (RFC 8037 appendix A.2), which must not be the algorithm of the token.
pub(crate) fn server(issuer: &str, keys: &[Value]) -> ResourceServer {
    let mut keys = keys.to_vec();
    keys.push(json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "beside"}));
    let config = json!({
        "resource": "https://mcp.test/mcp",
        "authorization_servers": [{
            "issuer": issuer,
            "advertise": "https://issuer.test",
            "jwks": {"keys": keys},
            "algorithms": Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>(),
        }],
        "keys": {"rsa_max_bits": 8192},
    });
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

/// Why the token is refused; the refusal is the one that every bad token gets.
pub(crate) fn authorize(server: &ResourceServer, token: &str, now: i64) -> Result<(), Reason> {
    let authorization = [b"Bearer ", token.as_bytes()].concat();
    let lines = [authorization.as_slice()];
    let request = Request::new("POST", "/mcp").authorization(&lines).now(now);
    match server.authorize(&request) {
        Ok(_) => Ok(()),
        Err(refusal) => {
            let response = refusal.response();
            let challenge = response.header("WWW-Authenticate").unwrap_or_default();
            let is_one_of_ours =
                matches!((response.status, refusal.reason()), (400, Reason::MultipleCredentials))
                    || (response.status == 401 && challenge.starts_with("Bearer "));
            assert!(is_one_of_ours, "{} {}", response.status, refusal.reason());
            Err(refusal.reason())
        }
    }
}
