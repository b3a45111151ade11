//! `core/config.schema.json` is what the Rust types say. `UPDATE_SCHEMA=1` rewrites it.
#![allow(clippy::disallowed_methods)]

use scopegate_core::Config;

#[test]
fn schema_file_is_that_of_the_types() {
    let schema = schemars::schema_for!(Config);
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is JSON"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &generated).expect("a writable file");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "config.schema.json is stale: run with UPDATE_SCHEMA=1");
}
