//! What this process has and knows, and C programs beside it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use scopegate_tests::repository;

/// The core's names for its threads, as far as the system keeps them.
const THREADS: [&str; 4] = ["scopegate-keys", "scopegate-fetch", "scopegate-dns", "scopegate-warm-"];

/// The threads that the core runs in this process.
pub(crate) fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| THREADS.contains(&name.as_str())).collect()
}

pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux").count()
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

/// The folder of this program, where libscopegate.a is too.
fn built() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    program.parent().expect("a folder").to_owned()
}

/// Compiles a file of `tests/c`.
pub(crate) fn compile(name: &str, flags: &[&str]) -> PathBuf {
    let (source, result) = (repository().join(format!("tests/c/{name}.c")), built().join(name));
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]).args(flags).arg(source);
    compiler.arg("-I").arg(repository().join("include"));
    if !flags.contains(&"-shared") {
        compiler.arg(built().join("libscopegate.a")).args(["-ldl", "-lm"]);
    }
    output_of(compiler.arg("-o").arg(&result));
    result
}

/// What a program that succeeds prints.
pub(crate) fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
