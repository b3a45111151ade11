//! Panics inside the library.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use crate::issuer::{ISSUER, config};
use crate::symbols::functions_of_header;
use crate::toolchain::{LIBRARY_WITH_HOOKS, command, compile, record, succeeded};

/// T57 (tests/attacks.md)
#[test]
fn panic_in_any_function_is_contained() {
    let program = compile("panics", &["tests/c/panics.c"], &[], &LIBRARY_WITH_HOOKS);
    let authorization =
        ISSUER.authorization(&json!({"scope": "a b canary-scope", "client_id": "canary-client"}));
    let arguments = [config(), authorization.clone()];
    let said = succeeded(command(&program).args(arguments).env("RUST_BACKTRACE", "full"), b"");
    let traces = record("SCOPEGATE_TRACES", "target/traces");
    fs::write(traces.join("c-panics.txt"), &said.stderr).expect("a writable folder");
    fs::write(traces.join("c-panics.tokens"), authorization).expect("a writable folder");
    let names = String::from_utf8(said.stdout).expect("UTF-8");
    let panicked: BTreeSet<&str> = names.lines().collect();
    let functions = functions_of_header();
    assert_eq!(panicked, functions.iter().map(String::as_str).collect());
}
