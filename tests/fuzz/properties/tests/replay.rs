//! The corpus, and every input that was a finding, without a fuzzer.

use std::fs;
use std::panic;
use std::path::Path;

use scopegate_fuzz_properties::TARGETS;

fn replay(folder: &str) -> Vec<(&'static str, usize)> {
    let mut broken = Vec::new();
    let replayed = TARGETS.map(|(target, holds_for)| {
        let inputs = inputs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(target));
        for (name, input) in &inputs {
            if panic::catch_unwind(|| holds_for(input)).is_err() {
                broken.push(format!("{folder}/{target}/{name}"));
            }
        }
        (target, inputs.len())
    });
    assert!(broken.is_empty(), "a property does not hold for {}", broken.join(", "));
    replayed.to_vec()
}

/// The files of a folder by name; none where there is no folder.
fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.expect("a file").path());
    let mut inputs: Vec<_> = files
        .map(|file| {
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&file).expect("a readable file"))
        })
        .collect();
    inputs.sort();
    inputs
}

/// How many inputs each target's corpus has.
const INPUTS: [(&str, usize); TARGETS.len()] = [
    ("request", 695),
    ("call", 1012),
    ("jws", 643),
    ("claims", 334),
    ("key_set", 211),
    ("discovery", 913),
    ("configuration", 414),
    ("policy", 216),
    ("challenge", 230),
    ("c_calls", 303),
    ("key_source", 372),
];

#[test]
fn properties_hold_for_the_corpus() {
    assert_eq!(replay("corpus"), INPUTS);
}

#[test]
fn properties_hold_for_what_was_a_finding() {
    let replayed = replay("regressions");
    assert_eq!(replayed.iter().map(|(_, inputs)| inputs).sum::<usize>(), 9);
}
