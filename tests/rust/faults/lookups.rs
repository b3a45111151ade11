//! A name server that never answers.
//!
//! The look-up is the C library's, so a library that is loaded before it takes its place in a process of its own.

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use scopegate_core::testing::{ScriptedClock, server_with_clock};
use serde_json::json;

use crate::key_server::{Key, configuration};
use crate::processes::{compile, output_of, threads};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[Row {
    // T49 (tests/attacks.md)
    fault: "a DNS look-up that hangs for ever, requests for 10 min",
    required: "it never stacks: 1 look-up at a time; all 503",
    run: hung_lookup,
}];

/// The argument that makes this program the process in which look-ups hang.
pub(crate) const CHILD: &str = "--with-hung-lookups";

fn hung_lookup(_: &Options) -> String {
    let shim = compile("hung_lookup", &["-shared", "-fPIC"]);
    let program = std::env::current_exe().expect("a path");
    output_of(Command::new(program).arg(CHILD).env("LD_PRELOAD", &shim))
}

/// Runs with the library that hangs.
pub(crate) fn child() -> io::Result<ExitCode> {
    let (key, clock) = (Key::new(1), ScriptedClock::at(1_800_000_000));
    let more = json!({"http": {"timeout_seconds": 1, "insecure_hosts": ["keys.hung.test"]}});
    let config = configuration("http://keys.hung.test/jwks", &more);
    let server = server_with_clock(&config, &clock).expect("a configuration");
    let scene = Scene { stub: scopegate_stub::Stub::start()?, key, clock, server };
    let (token, mut most, mut calls) = (scene.token(), 0, 0);
    scene.pass_in_steps(seconds(600), seconds(1), |_| {
        assert_eq!(scene.authorize(&token), Verdict::UNAVAILABLE);
        most = most.max(threads().iter().filter(|name| *name == "scopegate-dns").count());
        calls += 1;
    });
    assert_eq!(most, 1);
    let fetches: u64 = scene.server.stats().sources.iter().flat_map(|source| source.fetches.values()).sum();
    write!(io::stdout(), "{most} look-up for {fetches} fetches; {calls} calls told 503")?;
    Ok(ExitCode::SUCCESS)
}
