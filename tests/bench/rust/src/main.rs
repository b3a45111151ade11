//! `bench-rust mint FOLDER` writes the tokens that every language judges; `bench-rust FOLDER` times the contenders of Rust at
//! them, batch by batch, as `run.py` asks.
//!
//! `bench-rust FOLDER CONTENDER ALGORITHM WORKLOAD CALLS` makes so many calls and prints nothing, for
//! `valgrind --tool=callgrind`: two runs tell how many instructions one more call takes.

mod contenders;
mod mint;
mod requests;
mod sample;
mod serve;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["mint", folder] => mint::write(Path::new(folder)),
        [folder] => serve::serve(Path::new(folder)),
        [folder, contender, algorithm, workload, calls] => {
            serve::repeat(Path::new(folder), contender, algorithm, workload, calls.parse()?)
        }
        _ => Err("expected: [mint] FOLDER, or FOLDER CONTENDER ALGORITHM WORKLOAD CALLS".into()),
    }
}
