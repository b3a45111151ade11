//! What is built into the shipped crates, by `Cargo.lock` and by cargo itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use scopegate_tests::repository;
use serde_json::Value;

/// What users install. The authorization server is for demos and tests.
const SHIPPED: [&str; 4] = ["scopegate-core", "scopegate-ffi", "scopegate-python", "scopegate-node"];

/// T41, T51, T60: the first versions without a known fault that concerns us. `deny.toml` says the same to cargo-deny.
const FLOORS: [(&str, [u64; 3]); 5] = [
    ("aws-lc-sys", [0, 39, 0]),      // RUSTSEC-2026-0044 to 0048
    ("lru", [0, 18, 2]),             // RUSTSEC-2026-0002, 0253
    ("pyo3", [0, 29, 0]),            // RUSTSEC-2026-0013, 0176, 0177
    ("rustls", [0, 23, 5]),          // RUSTSEC-2024-0336
    ("rustls-webpki", [0, 103, 13]), // RUSTSEC-2026-0049, 0098, 0099, 0104
];

/// Second implementations of what aws-lc-rs does.
const OTHER_CRYPTO: [&str; 29] = [
    "aes",
    "boring",
    "boring-sys",
    "chacha20poly1305",
    "crypto-bigint",
    "curve25519-dalek",
    "ecdsa",
    "ed25519-dalek",
    "elliptic-curve",
    "graviola",
    "hmac",
    "k256",
    "mbedtls",
    "md-5",
    "native-tls",
    "num-bigint-dig",
    "openssl",
    "openssl-sys",
    "orion",
    "p256",
    "p384",
    "p521",
    "ring",
    "rsa",
    "sha1",
    "sha2",
    "sha3",
    "sodiumoxide",
    "x25519-dalek",
];

/// What unpacks: nothing here does, so that no answer and no token can grow.
const UNPACKERS: [&str; 8] =
    ["async-compression", "brotli", "flate2", "inflate", "libz-sys", "miniz_oxide", "zlib-rs", "zstd"];

#[derive(Debug)]
struct Package {
    name: String,
    version: [u64; 3],
    source: Option<String>,
    has_checksum: bool,
}

/// The packages of `Cargo.lock`, which is written by cargo, one member to a line.
fn locked() -> Vec<Package> {
    let text = read("Cargo.lock");
    let package = |block: &str| {
        let member = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            line.map(|value| value.trim_end_matches('"').to_owned())
        };
        Package {
            name: member("name").expect("a name"),
            version: version(&member("version").expect("a version")),
            source: member("source"),
            has_checksum: member("checksum").is_some(),
        }
    };
    text.split("[[package]]").skip(1).map(package).collect()
}

fn version(text: &str) -> [u64; 3] {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<u64> = core.split('.').map(|part| part.parse().expect("a number")).collect();
    numbers.try_into().expect("three numbers")
}

fn read(file: &str) -> String {
    fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of the crates that are linked into this one on any platform, itself among them.
fn graph(arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository()).args(["tree", "--locked", "--prefix", "none", "--format", "{p}"]);
    let output = cargo.args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let names = text.lines().filter_map(|line| line.split_once(" v"));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn shipped_graph(name: &str, target: &str) -> BTreeSet<String> {
    graph(&["-p", name, "--edges", "normal", "--target", target])
}

#[test]
fn t51_the_locked_versions_are_past_the_known_faults() {
    let packages = locked();
    let deny = read("deny.toml");
    for (name, floor) in FLOORS {
        let found: Vec<_> = packages.iter().filter(|package| package.name == name).collect();
        assert!(!found.is_empty() || name == "lru", "{name} is not in Cargo.lock");
        assert!(found.iter().all(|package| package.version >= floor), "{name}: {found:?}");
        let [major, minor, patch] = floor;
        let ban = format!(r#"{{ crate = "{name}@<{major}.{minor}.{patch}""#);
        assert!(deny.contains(&ban), "deny.toml lacks {ban}");
    }
}

#[test]
fn the_shipped_crates_have_one_crypto_library() {
    for name in SHIPPED {
        let crates = shipped_graph(name, "all");
        assert!(crates.contains("aws-lc-rs") && crates.contains("aws-lc-sys"), "{name}: {crates:?}");
        for other in OTHER_CRYPTO {
            assert!(!crates.contains(other), "{name} has {other}");
        }
    }
}

/// Tests included. `Cargo.lock` names ring, since rustls-webpki could use it; nothing that is built does.
#[test]
fn no_build_of_the_workspace_has_another_crypto_library() {
    let crates = graph(&["--workspace", "--all-features", "--edges", "normal,build,dev", "--target", "all"]);
    assert!(crates.contains("scopegate-tests") && crates.contains("rcgen"), "{crates:?}");
    let others: Vec<_> = OTHER_CRYPTO.iter().filter(|other| crates.contains(**other)).collect();
    assert!(others.is_empty(), "{others:?}");
    let deny = read("deny.toml");
    let in_lock = locked().into_iter().map(|package| package.name).collect::<BTreeSet<_>>();
    let only_locked: Vec<_> = OTHER_CRYPTO.iter().filter(|other| in_lock.contains(**other)).collect();
    assert_eq!(only_locked, [&"ring"]);
    for banned in OTHER_CRYPTO {
        assert!(deny.contains(&format!(r#"{{ crate = "{banned}" }}"#)), "deny.toml does not ban {banned}");
    }
}

/// It has a workspace of its own.
#[test]
fn the_benchmark_has_no_other_crypto_library() {
    let manifest = ["--manifest-path", "tests/bench/rust/Cargo.toml"];
    let crates = graph(&[manifest.as_slice(), &["--edges", "normal,build", "--target", "all"]].concat());
    assert!(crates.contains("jsonwebtoken") && crates.contains("scopegate-core"), "{crates:?}");
    let others: Vec<_> = OTHER_CRYPTO.iter().filter(|other| crates.contains(**other)).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// T21: no compressed token and no compressed answer is ever unpacked.
#[test]
fn t21_nothing_that_unpacks_is_shipped() {
    for name in SHIPPED {
        let crates = shipped_graph(name, "all");
        let unpackers: Vec<_> = UNPACKERS.iter().filter(|unpacker| crates.contains(**unpacker)).collect();
        assert!(unpackers.is_empty(), "{name}: {unpackers:?}");
    }
}

/// T02: nothing of ours makes or checks an HMAC. (TLS does, inside the crypto library.)
#[test]
fn t02_the_core_does_not_use_hmac() {
    let mut sources = 0;
    for path in rust_sources("core/src") {
        let text = read(&path);
        assert!(!text.contains("hmac::") && !text.contains("Hmac"), "{path}");
        sources += 1;
    }
    assert!(sources > 50, "{sources}");
}

fn rust_sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(repository().join(folder)).expect("a folder") {
        let entry = entry.expect("a readable folder");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(rust_sources(&path));
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

/// A new crate is somebody else's code in every process that checks tokens: it is seen in review.
#[test]
fn the_number_of_linked_crates_is_bounded() {
    let most = BTreeMap::from([
        ("scopegate-core", (50, 85)),
        ("scopegate-ffi", (51, 86)),
        ("scopegate-python", (57, 92)),
        ("scopegate-node", (75, 103)),
    ]);
    for name in SHIPPED {
        let found = (shipped_graph(name, "x86_64-unknown-linux-gnu").len(), shipped_graph(name, "all").len());
        let bound = most[name];
        assert!(
            found.0 <= bound.0 && found.1 <= bound.1,
            "{name}: {found:?} crates, at most {bound:?} are known"
        );
    }
}

#[test]
fn every_crate_comes_from_crates_io_with_its_checksum() {
    let mut ours = Vec::new();
    for package in locked() {
        match package.source.as_deref() {
            None => ours.push(package.name),
            Some(source) => {
                assert_eq!(
                    source, "registry+https://github.com/rust-lang/crates.io-index",
                    "{}",
                    package.name
                );
                assert!(package.has_checksum, "{}", package.name);
            }
        }
    }
    assert!(ours.iter().all(|name| name.starts_with("scopegate-")), "{ours:?}");
}

#[test]
fn npm_packages_are_locked_by_digest_and_not_to_a_host() {
    for file in [
        "bindings-node/package-lock.json",
        "tests/peers/oidc-provider/package-lock.json",
        "tests/bench/node/package-lock.json",
        "tests/bench/requests/package-lock.json",
    ] {
        let lock: Value = serde_json::from_str(&read(file)).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        let mut checked = 0;
        for (name, package) in
            packages.iter().filter(|(name, package)| !name.is_empty() && package["link"] != true)
        {
            assert!(
                package["integrity"].as_str().is_some_and(|digest| digest.starts_with("sha512-")),
                "{file}: {name}"
            );
            assert!(package["resolved"].is_null(), "{file}: {name}");
            checked += 1;
        }
        assert!(checked > 10, "{file}: {checked}");
    }
}

#[test]
fn python_and_go_packages_are_pinned_and_no_host_is_named() {
    for file in [
        "bindings-python/requirements-test.txt",
        "bindings-python/demo/requirements.txt",
        "tests/vectors/requirements.txt",
        "tests/bench/requirements.txt",
        "tests/bench/requests/requirements.txt",
        "tests/bench/python/requirements-python.txt",
        "tests/bench/python/requirements-pyjwt-2.10.txt",
    ] {
        for line in read(file).lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            assert!(line.is_empty() || line.contains("=="), "{file}: {line}");
            assert!(!line.contains("://") && !line.starts_with('-'), "{file}: {line}");
        }
    }
    let sums = read("bindings-go/mcp/go.sum");
    assert!(sums.lines().count() > 5 && sums.lines().all(|line| line.contains(" h1:")));
    for file in ["bindings-go/go.mod", "bindings-go/mcp/go.mod"] {
        let outside = read(file);
        let replaced = outside.lines().filter(|line| line.contains("=>"));
        assert!(replaced.into_iter().all(|line| line.trim_end().ends_with("=> ../")), "{file}");
    }
}

/// T63: sums are checked in release builds too, and a panic can be caught at the border to another language.
#[test]
fn t63_release_builds_check_sums_and_unwind() {
    let manifest = read("Cargo.toml");
    let release = manifest.split("[profile.release]").nth(1).expect("a release profile");
    let release = release.split("\n[").next().unwrap_or_default();
    assert!(
        release.contains("overflow-checks = true") && release.contains("panic = \"unwind\""),
        "{release}"
    );
    let core = read("core/src/lib.rs");
    for lint in ["unwrap_used", "expect_used", "indexing_slicing", "panic", "string_slice", "unreachable"] {
        assert!(core.contains(&format!("clippy::{lint}")), "core/src/lib.rs does not deny {lint}");
    }
}
