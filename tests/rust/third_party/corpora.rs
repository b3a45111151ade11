//! Where the corpora are.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use serde_json::Value;

/// The folder of one corpus; `None` where the corpora are not there. Once the variable is set, a missing file is a failure.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    match std::env::var_os("SCOPEGATE_EXTRA_VECTORS") {
        Some(root) => Some(PathBuf::from(root).join(name)),
        None => {
            // Past the test harness, which swallows what is printed.
            let notice = "SCOPEGATE_EXTRA_VECTORS is not set: the corpora are not there and were not run\n";
            SAID.call_once(|| std::io::stderr().write_all(notice.as_bytes()).expect("an open stderr"));
            None
        }
    }
}

/// The bytes of one file.
pub(crate) fn read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One file of JSON.
pub(crate) fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A member that is text.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} is text"))
}

/// A member that is a list.
pub(crate) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().unwrap_or_else(|| panic!("{member} is a list"))
}

/// The bytes of a member in hexadecimal.
pub(crate) fn bytes(value: &Value, member: &str) -> Vec<u8> {
    let digits = text(value, member).as_bytes();
    let byte = |pair: &[u8]| {
        u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal digits")
    };
    digits.chunks(2).map(byte).collect()
}
