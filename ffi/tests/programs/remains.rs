//! What is left of a token in memory.

use crate::issuer::{authorization, config, config_with};
use crate::toolchain::{LIBRARY, command, compile, succeed};

#[cfg(target_os = "linux")]
#[test]
fn library_keeps_no_copy_of_a_signature() {
    search_for("signature", &config());
}

#[cfg(target_os = "linux")]
#[test]
fn library_that_holds_no_claims_keeps_no_copy_of_a_token() {
    search_for("token", &config_with(r#""token_cache": {"capacity": 0}"#));
}

#[cfg(target_os = "linux")]
fn search_for(part: &str, config: &str) {
    let program = compile(&format!("remains-of-{part}"), &["tests/c/remains.c"], &[], &LIBRARY);
    succeed(command(&program).args([config, part]), authorization());
}
