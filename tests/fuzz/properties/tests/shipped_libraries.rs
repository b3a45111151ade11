//! What is for fuzz targets alone stays out of everything that is shipped.

use std::process::Command;

/// Whether a crate is built with the core's feature `fuzzing`.
fn reaches_inside(package: &str) -> bool {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "-e", "normal,features", "-p", package]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let output = String::from_utf8(output.stdout).expect("text");
    assert!(output.contains("scopegate-core v"), "{package} is not built on the core");
    output.contains("scopegate-core feature \"fuzzing\"")
}

#[test]
fn no_library_that_is_shipped_has_the_feature_of_the_fuzz_targets() {
    assert!(reaches_inside("scopegate-fuzz-properties"), "the name of the feature has changed");
    for package in ["scopegate-core", "scopegate-ffi", "scopegate-python", "scopegate-node"] {
        assert!(!reaches_inside(package), "{package}");
    }
}
