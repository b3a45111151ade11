//! `include/scopegate.h` is what cbindgen makes of this crate. `UPDATE_HEADER=1` rewrites it.

use std::fs;
use std::path::Path;

#[test]
fn header_is_what_the_crate_exports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/scopegate.h");
    let made = header();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &made).expect("include/ is writable");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "include/scopegate.h differs; UPDATE_HEADER=1 cargo test -p scopegate-ffi --test header"
    );
}

fn header() -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut config =
        cbindgen::Config::from_file(Path::new(root).join("cbindgen.toml")).expect("cbindgen.toml");
    config.after_includes = Some(macros());
    let bindings =
        cbindgen::Builder::new().with_crate(root).with_config(config).generate().expect("a header");
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

/// What C needs and Rust cannot say.
fn macros() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"
/** The version of this header; scopegate_version() is that of the library. */
#define SCOPEGATE_VERSION "{version}"

/** Initialises a scopegate_str with a string literal. */
#define SCOPEGATE_STR(literal) {{ "" literal, sizeof(literal) - 1 }}

/** Initialises a scopegate_request that has nothing yet. */
#define SCOPEGATE_REQUEST_INIT {{ \
    sizeof(scopegate_request), {{ NULL, 0 }}, {{ NULL, 0 }}, NULL, 0, NULL, 0, {{ NULL, 0 }}, {{ NULL, 0 }}, \
    NULL, 0, NULL, 0, NULL, 0, NULL, 0, {{ NULL, 0 }}, NULL, 0, NULL, 0, 0 }}
"#
    )
}
