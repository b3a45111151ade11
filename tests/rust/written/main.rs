//! Writes down what 10,000 configurations at the edges of what is allowed write: every kind of refusal and the metadata
//! document, one configuration a line, each with what went in (T53). `tests/written` has the official clients read them.
//!
//! No challenge is written that a strict parser of RFC 9110 section 11 does not give back whole.
//!
//! Usage: `scopegate-written FILE`

mod configuration;
mod draw;
mod refusal;
mod strict;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde::Serialize;
use serde_json::{Value, json};

use configuration::Configuration;
use refusal::{Refusal, Scene, Written};

/// How many configurations are drawn.
const CONFIGURATIONS: usize = 10_000;

/// How many refusals of each kind they write.
const REFUSALS: [(&str, usize); 10] = [
    ("denied by policy", 4969),
    ("from another origin", 1963),
    ("short of scope, GET", 10_000),
    ("short of scope, POST", 10_000),
    ("with bad argument", 10_000),
    ("with bad token", 10_000),
    ("with two credentials", 10_000),
    ("with unreadable call", 4969),
    ("without credential", 10_000),
    ("without keys", 7558),
];

/// Where the metadata of every resource of an origin is (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

#[derive(Serialize)]
struct Line {
    number: usize,
    config: Value,
    metadata_url: String,
    /// The part of it that a client asks the server for.
    metadata_target: String,
    document: Document,
    refusals: Vec<Refusal>,
}

#[derive(Serialize)]
struct Document {
    expected: Value,
    written: Written,
}

fn main() {
    let path = std::env::args().nth(1).expect("usage: scopegate-written FILE");
    let mut file = BufWriter::new(File::create(&path).expect("a file that can be written"));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let issuer = Issuer::new("");
    for number in 0..CONFIGURATIONS {
        let line = line(number, &issuer);
        for refusal in &line.refusals {
            *counts.entry(refusal.case).or_default() += 1;
            if let Some(challenge) = &refusal.expected.challenge {
                strict::gives_back(&refusal.written, challenge)
                    .unwrap_or_else(|problem| panic!("{number}: {problem}"));
            }
        }
        serde_json::to_writer(&mut file, &line).expect("room");
        file.write_all(b"\n").expect("room");
    }
    file.flush().expect("room");
    assert_eq!(counts, BTreeMap::from(REFUSALS));
}

fn line(number: usize, issuer: &Issuer) -> Line {
    let configuration = Configuration::draw(number);
    let config = configuration.to_json(issuer);
    let server = ResourceServer::from_json(&config.to_string())
        .unwrap_or_else(|error| panic!("{number}: {config}\n{error}"));
    let metadata_target = metadata_target(&configuration);
    let metadata_url = format!("{}{metadata_target}", configuration.authority);
    let claims = json!({"aud": configuration.resource(), "scope": configuration.granted.join(" ")});
    let scene = Scene {
        configuration: &configuration,
        server: &server,
        issuer,
        metadata_url: &metadata_url,
        authorization: &issuer.authorization(&claims),
    };
    let refusals = scene.refusals();
    let written = server.well_known(&Request::new("GET", &metadata_target));
    let written = written.unwrap_or_else(|| panic!("{number}: nothing at {metadata_target}")).into();
    let document = Document { expected: expected_document(&configuration, issuer), written };
    Line { number, config, metadata_url, metadata_target, document, refusals }
}

/// RFC 9728 section 3.1: between host and path; only a path that is one slash is dropped.
fn metadata_target(configuration: &Configuration) -> String {
    let path = if configuration.path == "/" { "" } else { &configuration.path };
    format!("{WELL_KNOWN}{path}{}", configuration.query)
}

/// The members in their order; what is empty is left out (RFC 9728 section 3.2).
fn expected_document(configuration: &Configuration, issuer: &Issuer) -> Value {
    let mut document = json!({
        "resource": configuration.resource(),
        "authorization_servers": configuration.advertised(issuer),
        "scopes_supported": configuration.scopes_supported.clone().unwrap_or_default(),
        "bearer_methods_supported": ["header"],
    });
    let members = document.as_object_mut().expect("an object");
    members.extend(configuration.members.clone());
    members.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    });
    document
}
