//! Two copies of the library in one process.

use std::fs;

use serde_json::json;

use crate::issuer::{ISSUER, authorization, config};
use crate::toolchain::{LIBRARY, command, compile, scratch, succeed};

/// T50 (tests/attacks.md): no copy relies on a state of the process, such as an installed provider of TLS.
#[test]
fn two_copies_do_not_disturb_each_other() {
    let program = compile("two_copies", &["tests/c/two_copies.c"], &["-ldl"], &LIBRARY);
    // A file of its own: the loader knows one that it has by its inode.
    let copy = scratch("second-copy").join("libscopegate.so");
    fs::copy(LIBRARY.folder.join("libscopegate.so"), &copy).expect("a writable target folder");
    let server = json!({"issuer": ISSUER.issuer(), "jwks_uri": "https://127.0.0.1:1/keys"});
    let unreachable = json!({"resource": "https://mcp.test/mcp", "authorization_servers": [server]});
    let arguments = [copy.to_string_lossy().into_owned(), config(), authorization(), unreachable.to_string()];
    succeed(command(&program).args(arguments), "");
}
