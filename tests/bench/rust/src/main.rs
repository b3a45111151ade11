//! `scopegate-bench mint FOLDER` writes the tokens that every language judges; `scopegate-bench FOLDER` times the contenders
//! of Rust at them, batch by batch, as `run.py` asks.

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
        _ => Err("expected: [mint] FOLDER".into()),
    }
}
