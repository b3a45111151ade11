//! The scripted server as a program, for tests in other languages.
//!
//! Prints `{"origin": ..., "control": ...}` as one line and ends when its standard input is closed. With the argument
//! `--tls` it speaks TLS, and the line also holds the certificate of its authority as `ca_pem`.

use std::io::{self, Read, Write};
use std::sync::Arc;

use scopegate_stub::{Control, Stub};

fn main() -> io::Result<()> {
    let with_tls = std::env::args().skip(1).any(|argument| argument == "--tls");
    let stub = Arc::new(if with_tls { Stub::start_tls()? } else { Stub::start()? });
    let control = Control::start(stub.clone())?;
    let mut output = io::stdout();
    let ca_pem = stub.ca_pem().map(|pem| format!(",\"ca_pem\":\"{}\"", pem.replace('\n', "\\n")));
    let (origin, control) = (stub.origin(), control.origin());
    let ca_pem = ca_pem.unwrap_or_default();
    writeln!(output, "{{\"origin\":\"{origin}\",\"control\":\"{control}\"{ca_pem}}}")?;
    output.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
