//! Careless programs.

use std::env;

use crate::issuer::{authorization, config};
use crate::toolchain::{LIBRARY, command, compile, succeed};

/// T58, T59, T62 (tests/attacks.md)
#[test]
fn careless_program_is_refused_and_not_harmed() {
    let program = compile("misuse", &["tests/c/misuse.c"], &[], &LIBRARY);
    let rounds = env::var("SCOPEGATE_ROUNDS").unwrap_or_else(|_| "50".to_owned());
    succeed(command(&program).args([config(), authorization(), rounds]), "");
}
