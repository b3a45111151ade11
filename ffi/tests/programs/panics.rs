//! Panics inside the library.

use std::collections::BTreeSet;

use crate::issuer::{authorization, config};
use crate::symbols::functions_of_header;
use crate::toolchain::{LIBRARY_WITH_HOOKS, command, compile, succeed};

/// T57 (tests/attacks.md)
#[test]
fn panic_in_any_function_is_contained() {
    let program = compile("panics", &["tests/c/panics.c"], &[], &LIBRARY_WITH_HOOKS);
    let names = succeed(command(&program).args([config(), authorization()]), "");
    let panicked: BTreeSet<&str> = names.lines().collect();
    let functions = functions_of_header();
    assert_eq!(panicked, functions.iter().map(String::as_str).collect());
}
