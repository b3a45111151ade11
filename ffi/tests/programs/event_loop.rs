//! `ffi/examples/event_loop.c`: a request that waits for keys does not hold up the others.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

use crate::issuer::{ISSUER, authorization};
use crate::toolchain::{LIBRARY, command, compile, scratch};

#[test]
fn request_that_waits_for_keys_is_set_aside() {
    let stub = Stub::start().expect("a free port");
    let mut server: Value = serde_json::from_str(&ISSUER.server()).expect("JSON");
    let keys = server["jwks"].take();
    server.as_object_mut().expect("an object").remove("jwks");
    server["jwks_uri"] = stub.url("/jwks").into();
    stub.answer("/jwks", Answer::ok(keys.to_string()).delay(Duration::from_secs(1)));
    let config = scratch("input").join("event_loop.json");
    let text = json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server]}).to_string();
    fs::write(&config, text).expect("a writable target folder");

    let program = compile("event_loop", &["ffi/examples/event_loop.c"], &[], &LIBRARY);
    let mut child = command(&program)
        .arg(config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut answer = || answers.next().expect("an answer").expect("text");

    let good = authorization();
    write!(input, "{good}\n{good}\nBearer x\n\n").expect("a program that reads");
    assert_eq!(answer(), "3 malformed_token");
    assert_eq!(answer(), "4 missing_token");
    let mut late = [answer(), answer()];
    late.sort();
    assert_eq!(late, ["1 ok", "2 ok"]);
    writeln!(input, "{good}").expect("a program that reads");
    assert_eq!(answer(), "5 ok");
    drop(input);
    assert!(child.wait().expect("an end").success());
    assert_eq!(stub.count("/jwks"), 1);
}
