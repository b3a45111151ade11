//! What is left of a token in memory.

use crate::issuer::{authorization, config};
use crate::toolchain::{LIBRARY, command, compile, succeed};

#[cfg(target_os = "linux")]
#[test]
fn library_keeps_no_copy_of_a_token() {
    let program = compile("remains", &["tests/c/remains.c"], &[], &LIBRARY);
    succeed(command(&program).arg(config()), authorization());
}
