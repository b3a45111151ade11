//! The headers are what C and C++ compilers take without a word.

use crate::issuer::{authorization, config};
use crate::toolchain::{LIBRARY, command, compile, succeed};

#[test]
fn header_is_c99_and_may_be_included_twice() {
    let program = compile("include_twice", &["tests/c/include_twice.c"], &[], &LIBRARY);
    succeed(&mut command(&program), "");
}

#[test]
fn header_is_cpp_and_may_be_included_twice() {
    for standard in ["-std=c++11", "-std=c++20"] {
        let name = format!("include_twice{standard}");
        let program = compile(&name, &["tests/c/include_twice.cpp"], &[standard], &LIBRARY);
        succeed(&mut command(&program), "");
    }
}

#[test]
fn owning_handles_of_cpp_free_what_they_hold() {
    let program = compile("handles", &["tests/c/handles.cpp"], &[], &LIBRARY);
    succeed(command(&program).args([config(), authorization()]), "");
}

#[test]
fn benchmark_compiles() {
    compile("bench", &["tests/c/bench.c"], &["-O2"], &LIBRARY);
}
