//! Every exported function stands behind a guard.

use std::fs;

use crate::symbols::functions_of_header;
use crate::toolchain::repository;

/// The functions that catch a panic.
const GUARDS: [&str; 8] =
    ["guard(", "read(", "reported(", "made(", "told(", "decided(", "allowance(", "document("];

/// T57 (tests/attacks.md)
#[test]
fn every_exported_function_is_guarded_under_its_own_name() {
    let mut sources = String::new();
    for entry in fs::read_dir(repository().join("ffi/src")).expect("ffi/src") {
        sources += &fs::read_to_string(entry.expect("ffi/src").path()).expect("a source");
    }
    let without_blanks: String = sources.chars().filter(|character| !character.is_whitespace()).collect();
    let functions = functions_of_header();
    assert!(functions.len() > 50, "{functions:?}");
    for function in functions {
        let guarded = GUARDS.iter().any(|guard| without_blanks.contains(&format!("{guard}\"{function}\",")));
        assert!(guarded, "{function}");
    }
}
