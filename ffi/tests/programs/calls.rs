//! Random calls from eight threads. `SCOPEGATE_CALLS` is how many each makes, `SCOPEGATE_SEED` what they begin with.

use std::env;

use serde_json::Value;

use crate::issuer::{ISSUER, authorization, config};
use crate::toolchain::{LIBRARY, command, compile, succeed};

#[test]
fn random_calls_from_many_threads_do_no_harm() {
    let server: Value = serde_json::from_str(&ISSUER.server()).expect("JSON");
    let unreachable = format!(
        r#"{{"resource": "https://mcp.test/mcp", "authorization_servers": [
            {{"issuer": "{}", "jwks_uri": "http://127.0.0.1:1/keys"}}]}}"#,
        ISSUER.issuer()
    );
    let number = |name, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    let program = compile("calls", &["tests/c/calls.c"], &[], &LIBRARY);
    let arguments = [config(), unreachable, authorization(), server["jwks"].to_string()];
    let numbers = [number("SCOPEGATE_CALLS", "2000"), number("SCOPEGATE_SEED", "1")];
    let told = succeed(command(&program).args(arguments).args(numbers), "");
    assert!(told.ends_with(" refused\n"), "{told}");
}
