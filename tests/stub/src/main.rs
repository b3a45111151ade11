//! The scripted server as a program, for tests in other languages.
//!
//! Prints `{"origin": ..., "control": ...}` as one line and ends when its standard input is closed.

use std::io::{self, Read, Write};
use std::sync::Arc;

use scopegate_stub::{Control, Stub};

fn main() -> io::Result<()> {
    let stub = Arc::new(Stub::start()?);
    let control = Control::start(stub.clone())?;
    let mut output = io::stdout();
    writeln!(output, "{{\"origin\":\"{}\",\"control\":\"{}\"}}", stub.origin(), control.origin())?;
    output.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
