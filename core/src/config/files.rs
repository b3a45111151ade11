//! The files that a configuration names. They are read once, when it is checked.
#![allow(clippy::disallowed_methods)]

use std::io::{ErrorKind, Read};

/// A file of at most this many bytes is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The whole file, or what is expected instead.
pub(super) fn read(path: &str) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_BYTES {
        return Err("expected a file of at most 1 MiB".to_owned());
    }
    Ok(content)
}

fn unreadable(error: std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "expected a readable file: there is none of this name".to_owned(),
        kind => format!("expected a readable file: {kind}"),
    }
}
