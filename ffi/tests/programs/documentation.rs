//! `docs/frameworks/c.md`: its programs are written to a folder, and its console sessions run there.
//!
//! A block of C or C++ is a file by the name in its first line; one without a name is part of a file of
//! `ffi/examples/`. In a `console` block, lines that begin with `$ ` are commands, and the lines after each are what it
//! prints. All blocks share one shell.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::installation::INSTALLATION;
use crate::issuer::{authorization, config};
use crate::toolchain::{repository, scratch, succeed};

#[test]
fn programs_of_the_documentation_run_as_shown() {
    let folder = scratch("documentation");
    for example in ["endpoint.c", "event_loop.c", "server.c"] {
        fs::copy(repository().join("ffi/examples").join(example), folder.join(example)).expect("an example");
    }
    fs::write(folder.join("scopegate.json"), config()).expect("a writable target folder");

    let text = fs::read_to_string(repository().join("docs/frameworks/c.md")).expect("docs/frameworks/c.md");
    let blocks = blocks(&text);
    let mut session = Vec::new();
    for (language, block) in &blocks {
        match *language {
            "c" | "cpp" => write_program(&folder, block),
            "console" => session.extend(commands(block)),
            _ => {}
        }
    }
    assert!(session.len() >= 10, "{session:?}");
    let printed = run(&folder, &session);
    for ((command, expected), printed) in session.iter().zip(&printed) {
        assert_eq!(printed.trim_end(), expected.trim_end(), "$ {command}");
    }
    assert_eq!(printed.len(), session.len());
}

#[test]
fn readme_shows_programs_of_this_page() {
    let read = |page: &str| fs::read_to_string(repository().join(page)).expect("a page");
    let (readme, page) = (read("README.md"), read("docs/frameworks/c.md"));
    let shown = blocks(&readme).into_iter().filter(|(language, _)| matches!(*language, "c" | "console"));
    let tested = blocks(&page);
    assert_eq!(shown.inspect(|block| assert!(tested.contains(block), "{block:?}")).count(), 2);
    let of_this_page = tested.iter().filter(|(language, _)| matches!(*language, "c" | "cpp" | "console"));
    let counts = read("tests/docs/blocks.json");
    let count = |language: &str| {
        let (_, rest) = counts.split_once(&format!("\"{language}\": ")).expect("a count");
        let digits = rest.split_terminator([',', '\n']).next().unwrap_or_default();
        digits.parse::<usize>().expect("a number")
    };
    assert_eq!(
        of_this_page.count() + 2,
        count("c") + count("cpp") + count("console"),
        "blocks of other pages"
    );
}

/// The fenced blocks of a page with their languages.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let fenced = text.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap_or((block, ""))).collect()
}

fn write_program(folder: &Path, block: &str) {
    let first = block.lines().next().unwrap_or_default();
    let name = first.trim_start_matches(['/', '*', ' ']).split(':').next().unwrap_or_default();
    if name.ends_with(".c") || name.ends_with(".cpp") {
        fs::write(folder.join(name), format!("{block}\n")).expect("a writable target folder");
        return;
    }
    let example = fs::read_to_string(repository().join("ffi/examples/endpoint.c")).expect("an example");
    assert_eq!(example.trim_end(), block, "a block without a name is ffi/examples/endpoint.c");
}

/// The commands of a session, each with what it is to print.
fn commands(block: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, String::new())),
            (None, Some((_, expected))) => expected.extend([line, "\n"]),
            (None, None) => panic!("{line}: expected a command first"),
        }
    }
    commands
}

/// What each command prints, standard error included, without carriage returns.
fn run(folder: &Path, session: &[(&str, String)]) -> Vec<String> {
    let end = "--- end of a command ---";
    let script: String = session.iter().map(|(command, _)| format!("{command}\necho '{end}'\n")).collect();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &format!("exec 2>&1\n{script}")]).current_dir(folder);
    shell.env("PKG_CONFIG_PATH", INSTALLATION.join("lib/pkgconfig")).env("AUTHORIZATION", authorization());
    shell.env("PATH", path_with_pkg_config());
    let printed = succeed(&mut shell, "").replace('\r', "");
    let mut printed: Vec<String> = printed.split(end).map(|text| text.trim_start().to_owned()).collect();
    printed.pop(); // behind the last end
    printed
}

/// `PATH`, on which the name `pkg-config` stands for the program that `PKG_CONFIG` names, if it does.
fn path_with_pkg_config() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let Some(program) = env::var_os("PKG_CONFIG").filter(|program| Path::new(program).is_absolute()) else {
        return path;
    };
    let folder = scratch("pkg-config");
    let _ = fs::remove_file(folder.join("pkg-config"));
    symlink(program, folder.join("pkg-config")).expect("a writable target folder");
    env::join_paths([folder].into_iter().chain(env::split_paths(&path))).expect("folders without a colon")
}
