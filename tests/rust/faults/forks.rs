//! Processes that fork. A C program does, since Rust offers no safe way and Python's own handlers would help it.

use std::process::Command;

use scopegate_stub::{Answer, Fault};
use serde_json::json;

use crate::key_server::{JWKS, Key, configuration, junk, key_set, publishing};
use crate::processes::{compile, output_of, unix_time};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[Row {
    // T61 (tests/attacks.md)
    fault: "fork 1,000 times with a fetch in flight and 8 threads that verify and keep tokens",
    required: "every child answers; none deadlocks; children keep the parent's keys, and its distrust",
    run: fork,
}];

fn fork(options: &Options) -> String {
    let key = Key::new(1);
    let stub = publishing(&[&key]);
    stub.then(JWKS, Answer::ok(key_set(&[&key])).fault(Fault::Hang));
    let program = compile("forks", &[]);
    let more = json!({"http": {"timeout_seconds": 30}, "token_cache": {"capacity": 1}});
    let config = configuration(&stub.url(JWKS), &more);
    let (known, other) = (key.token(unix_time()), key.token(unix_time()));
    let children = if options.short { "100" } else { "1000" };
    let mut command = Command::new(program);
    command.args([&config, &known, &other, &junk(&known), children, key.kid()]);
    output_of(&mut command)
}
