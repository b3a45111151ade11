//! Writes down all that the Rust API lets out, in each form of text that it has, for `tests/secrets` to search (T55).

use std::fmt::{self, Write};
use std::fs;
use std::path::PathBuf;

use scopegate_core::{CallKind, Check, Rejection, ResourceServer};
use scopegate_tests::{Case, Input, Operation, repository, suites};

#[test]
fn every_outcome_is_written_down() {
    let mut trace = String::new();
    for group in suites().iter().flat_map(|suite| &suite.groups) {
        let server = group.server();
        for case in &group.cases {
            writeln!(trace, "== {}", case.id).expect("memory");
            run(&server, case, &mut trace);
        }
        forms(&mut trace, &server);
        forms(&mut trace, &server.stats());
        forms(&mut trace, &server.health());
        shown(&mut trace, &server.stats().to_json());
        shown(&mut trace, &server.health().to_json());
    }
    assert!(trace.contains("== secrets-accepted\n"));
    write(&trace);
}

fn run(server: &ResourceServer, case: &Case, trace: &mut String) {
    let check = Input::new(&case.request, case.now).with(|request| {
        forms(trace, request);
        forms(trace, &server.well_known(request));
        server.check(request)
    });
    forms(trace, &check);
    if let Check::NeedKeys(wanted) = &check {
        let failed = server.refresh(wanted).expect_err("no case has a key server");
        forms(trace, &failed);
        shown(trace, &failed);
    }
    match Input::new(&case.request, case.now).with(|request| server.authorize(request)) {
        Ok(token) => {
            forms(trace, &token);
            if let Some(then) = &case.then {
                let further = Input::new(then, case.now).with(|request| server.require(&token, request));
                further.err().iter().for_each(|refusal| refused(trace, refusal));
            }
            if matches!(case.operation, Operation::Allowed) {
                forms(
                    trace,
                    &server.allowed(&token, CallKind::Tool, case.name.as_deref().unwrap_or_default()),
                );
            }
        }
        Err(refusal) => refused(trace, &refusal),
    }
}

fn refused(trace: &mut String, refusal: &Rejection) {
    forms(trace, refusal);
    forms(trace, refusal.response());
    shown(trace, refusal);
    shown(trace, &refusal.detail());
    shown(trace, &String::from_utf8_lossy(&refusal.response().body));
}

fn forms(trace: &mut String, value: &impl fmt::Debug) {
    writeln!(trace, "{value:?}\n{value:#?}").expect("memory");
}

fn shown(trace: &mut String, value: &impl fmt::Display) {
    writeln!(trace, "{value}").expect("memory");
}

fn write(trace: &str) {
    let folder = std::env::var_os("SCOPEGATE_TRACES")
        .map_or_else(|| repository().join("target/traces"), PathBuf::from);
    fs::create_dir_all(&folder).expect("a writable folder");
    fs::write(folder.join("rust.txt"), trace).expect("a writable folder");
}
