//! What the library exports is what the header declares.

use std::collections::BTreeSet;
use std::fs;

use crate::toolchain::{LIBRARY, repository, succeed, tool};

#[test]
fn library_exports_what_the_header_declares_and_nothing_else() {
    let library = LIBRARY.folder.join("libscopegate.so");
    let table = succeed(tool("NM", "nm").args(["-D", "--defined-only"]).arg(library), "");
    let exported = table.lines().filter_map(|line| line.split_whitespace().last().map(str::to_owned));
    assert_eq!(exported.collect::<BTreeSet<_>>(), functions_of_header());
}

#[test]
fn library_is_named_after_its_abi_and_stays_loaded() {
    let library = LIBRARY.folder.join("libscopegate.so");
    let table = succeed(tool("READELF", "readelf").arg("-d").arg(library), "");
    let header = header();
    let abi =
        header.lines().find_map(|line| line.strip_prefix("#define SCOPEGATE_ABI ")).expect("an ABI number");
    assert!(table.contains(&format!("[libscopegate.so.{abi}]")), "{table}");
    assert!(table.contains("NODELETE"), "{table}");
}

/// The functions that the header declares.
pub(crate) fn functions_of_header() -> BTreeSet<String> {
    let header = header();
    let declarations = header.split("extern \"C\" {").nth(1).expect("declarations").lines();
    let declarations = declarations.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let names = declarations.filter_map(|line| line.split_once('('));
    names.filter_map(|(before, _)| before.split([' ', '*']).next_back().map(str::to_owned)).collect()
}

fn header() -> String {
    fs::read_to_string(repository().join("include/scopegate.h")).expect("the header")
}
