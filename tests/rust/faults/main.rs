//! Key handling under fire: every row puts resource servers through one fault over real sockets, asserts on counts, and
//! says what it measured.
//!
//! `scopegate-faults [--short] [WORD ...]` runs the rows whose fault holds one of the words, or all. `--short` shortens
//! what takes long. A row that drives a C program needs a C compiler and libscopegate.a beside this program.
#![allow(clippy::disallowed_methods)]

mod broken_answers;
mod cached_tokens;
mod cold_starts;
mod fleet;
mod floods;
mod forks;
mod frozen_hosts;
mod hangs;
mod key_server;
mod kill_switch;
mod lookups;
mod outages;
mod processes;
mod rotations;
mod scene;
mod soak;
mod time;

use std::io::{self, Write};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

use peak_alloc::PeakAlloc;

/// What Rust allocates in this process, the key server's share included.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One fault.
struct Row {
    fault: &'static str,
    required: &'static str,
    /// Panics where the requirement is not met. What was measured.
    run: fn(&Options) -> String,
}

/// How the program was called.
struct Options {
    short: bool,
    words: Vec<String>,
}

impl Options {
    fn read() -> Options {
        let (flags, words) = std::env::args().skip(1).partition::<Vec<_>, _>(|word| word == "--short");
        Options { short: !flags.is_empty(), words }
    }

    fn want(&self, row: &Row) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| row.fault.contains(word.as_str()))
    }
}

fn main() -> io::Result<ExitCode> {
    let options = Options::read();
    if options.words == [lookups::CHILD] {
        return lookups::child();
    }
    let rows = [
        floods::ROWS,
        cached_tokens::ROWS,
        cold_starts::ROWS,
        outages::ROWS,
        hangs::ROWS,
        lookups::ROWS,
        kill_switch::ROWS,
        frozen_hosts::ROWS,
        broken_answers::ROWS,
        rotations::ROWS,
        time::ROWS,
        forks::ROWS,
        soak::ROWS,
        fleet::ROWS,
    ];
    let rows: Vec<_> = rows.into_iter().flatten().filter(|row| options.want(row)).collect();
    let (start, mut output, mut failed) = (Instant::now(), io::stdout(), 0);
    writeln!(output, "| fault | required | measured | s |\n|---|---|---|---|")?;
    for row in &rows {
        let begin = Instant::now();
        let measured = catch_unwind(|| (row.run)(&options)).unwrap_or_else(|_| {
            failed += 1;
            "**NOT MET**".to_owned()
        });
        let seconds = begin.elapsed().as_secs_f64();
        writeln!(output, "| {} | {} | {measured} | {seconds:.1} |", row.fault, row.required)?;
        output.flush()?;
    }
    let met = rows.len() - failed;
    writeln!(output, "\n{met} of {} rows met, {:.0} s", rows.len(), start.elapsed().as_secs_f64())?;
    Ok(if failed == 0 && met > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
