//! Where `unsafe` is, how often, and that each block says why it is sound.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use scopegate_tests::repository;

/// The blocks of each file that has any. A change here is a change to review.
const BLOCKS: [(&str, usize); 8] = [
    ("ffi/src/answer.rs", 5),
    ("ffi/src/kept_token.rs", 3),
    ("ffi/src/key_control.rs", 4),
    ("ffi/src/request.rs", 14),
    ("ffi/src/server.rs", 6),
    ("ffi/src/string.rs", 2),
    ("ffi/src/test_hooks.rs", 1),
    ("ffi/src/verdict.rs", 17),
];

/// Tests that call the C interface as C does.
const CALLERS: &str = "tests/fuzz/properties/src/c_calls";

/// Folders of ours that hold Rust.
const FOLDERS: [&str; 6] = ["core", "ffi", "authserver", "bindings-python", "bindings-node", "tests"];

/// The lines of a Rust file, each as code without comments and texts, beside the line itself.
fn code_lines(source: &str) -> Vec<(String, &str)> {
    source
        .lines()
        .map(|line| (without_texts(line.split("//").next().unwrap_or_default()), line.trim()))
        .collect()
}

fn without_texts(code: &str) -> String {
    code.split('"').step_by(2).collect()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        collect(&repository().join(folder), folder, &mut found);
    }
    found
}

fn collect(folder: &Path, name: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a readable folder").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let name = format!("{name}/{file}");
        if path.is_dir() {
            // What tools put there is not ours.
            if !["node_modules", "target", "build", "dist", ".venv"].contains(&file.as_str()) {
                collect(&path, &name, found);
            }
        } else if file.ends_with(".rs") {
            found.insert(name, fs::read_to_string(&path).expect("text"));
        }
    }
}

#[test]
fn unsafe_is_in_the_c_interface_alone_and_its_blocks_are_counted() {
    let sources = sources();
    assert!(sources.len() > 150, "{} files", sources.len());
    let mut blocks = BTreeMap::new();
    for (file, source) in &sources {
        let lines = code_lines(source);
        let uses = lines.iter().filter(|(code, _)| has_word(code, "unsafe")).count();
        let is_c_interface = file.starts_with("ffi/src/");
        assert!(uses == 0 || is_c_interface || file.starts_with(CALLERS), "{file} has `unsafe`");
        let opened = lines.iter().filter(|(code, _)| code.contains("unsafe {")).count();
        if opened > 0 && is_c_interface {
            blocks.insert(file.as_str(), opened);
        }
    }
    assert_eq!(blocks, BTreeMap::from(BLOCKS));
    let page = fs::read_to_string(repository().join("SECURITY.md")).expect("SECURITY.md");
    let sum: usize = blocks.values().sum();
    assert!(
        page.contains(&format!("the C interface has {sum} blocks")),
        "SECURITY.md: expected {sum} blocks"
    );
}

#[test]
fn every_block_has_its_reason_directly_above() {
    for (file, source) in &sources() {
        let lines = code_lines(source);
        for (at, _) in lines.iter().enumerate().filter(|(_, (code, _))| code.contains("unsafe {")) {
            let comment =
                lines[..at].iter().rev().map(|(_, line)| *line).take_while(|line| line.starts_with("//"));
            let reasons = comment.filter(|line| line.starts_with("// SAFETY: ")).count();
            assert_eq!(reasons, 1, "{file}:{}", at + 1);
        }
    }
}

#[test]
fn the_core_forbids_it() {
    let core = fs::read_to_string(repository().join("core/src/lib.rs")).expect("a source");
    assert!(core.lines().any(|line| line == "#![forbid(unsafe_code)]"));
}

#[test]
fn the_search_sees_what_it_must() {
    let sample = "let a = unsafe { b() }; // unsafe { c }\nlet text = \"unsafe {\";\nlet unsafe_name = 1;\n";
    let lines = code_lines(sample);
    let found: Vec<bool> = lines.iter().map(|(code, _)| has_word(code, "unsafe")).collect();
    assert_eq!(found, [true, false, false]);
    assert_eq!(lines.iter().filter(|(code, _)| code.contains("unsafe {")).count(), 1);
}
