//! JSONTestSuite: 318 texts in the place of everything that is read as strict JSON (T24, T25). A text whose name begins with
//! `y` is JSON, with `n` is none, with `i` a parser may decide.

use std::collections::BTreeSet;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{Reason, Request, ResourceServer};
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

use crate::corpora::{folder, read};
use crate::tally::Tally;

const ISSUER: &str = "https://issuer.test";
const RESOURCE: &str = "https://mcp.test/mcp";
const NOW: i64 = 1_800_000_000;

/// Named as JSON, and refused: they repeat a member.
const REFUSED: [&str; 2] = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

/// Left to the parser, and read.
const READ: [&str; 5] = [
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
];

struct Text {
    name: String,
    text: Vec<u8>,
}

fn texts() -> Option<Vec<Text>> {
    let folder = folder("jsontestsuite")?.join("test_parsing");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    let texts: Vec<_> =
        names.into_iter().map(|name| Text { text: read(&folder.join(&name)), name }).collect();
    let mut kinds = Tally::default();
    texts.iter().for_each(|text| kinds.add(&text.name[..1]));
    kinds.expect(&[("y", 95), ("n", 188), ("i", 35)]);
    Some(texts)
}

/// Fails unless exactly those texts were read that should be.
#[track_caller]
fn expect_strict(texts: &[Text], read: impl Fn(&Text) -> bool) {
    let found: BTreeSet<&str> =
        texts.iter().filter(|text| read(text)).map(|text| text.name.as_str()).collect();
    let names = texts.iter().map(|text| text.name.as_str());
    let json = names.filter(|name| name.starts_with('y') && !REFUSED.contains(name));
    let expected: BTreeSet<&str> = json.chain(READ.iter().copied()).collect();
    assert_eq!(found, expected);
}

/// The text as the value of one more member of an object that is written without its last brace.
fn as_member(object: &Value, text: &[u8]) -> Vec<u8> {
    let object = object.to_string();
    let open = object.strip_suffix('}').expect("an object");
    [open.as_bytes(), br#","x":"#, text, b"}"].concat()
}

/// An authorization server's key.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Signer {
        Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("random numbers"))
    }

    fn jwks(&self) -> Value {
        // 4, x, y.
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y}]})
    }

    fn token(&self, header: &[u8], claims: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).expect("random numbers");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A server that holds this key.
    fn server(&self) -> ResourceServer {
        let entry = json!({"issuer": ISSUER, "jwks": self.jwks()});
        server(&entry)
    }
}

fn server(entry: &Value) -> ResourceServer {
    let config = json!({"resource": RESOURCE, "authorization_servers": [entry]});
    ResourceServer::from_json(&config.to_string()).expect("a configuration")
}

fn header() -> Value {
    json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"})
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "client", "exp": NOW + 60})
}

fn authorize(server: &ResourceServer, token: &str) -> Result<(), Reason> {
    let authorization = format!("Bearer {token}");
    let lines = [authorization.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines).now(NOW);
    server.authorize(&request).map(|_| ()).map_err(|refusal| refusal.reason())
}

#[test]
fn key_sets_are_strict_json() {
    let Some(texts) = texts() else { return };
    let signer = Signer::new();
    let server = signer.server();
    // As a whole, each text is no key set; the error says whether it was read.
    let is_read = |text: &Text| {
        let Ok(jwks) = std::str::from_utf8(&text.text) else { return false };
        let error = server.replace_keys(ISSUER, jwks).expect_err("no key set").to_string();
        assert!(["expected strict JSON", "expected a JWK Set"].iter().any(|start| error.starts_with(start)));
        error.starts_with("expected a JWK Set")
    };
    expect_strict(&texts, is_read);
    let is_held = |text: &Text| {
        let jwks = as_member(&signer.jwks(), &text.text);
        std::str::from_utf8(&jwks).is_ok_and(|jwks| server.replace_keys(ISSUER, jwks).is_ok())
    };
    expect_strict(&texts, is_held);
}

#[test]
fn claims_are_strict_json() {
    let Some(texts) = texts() else { return };
    let signer = Signer::new();
    let server = signer.server();
    let token = |claims: &[u8]| signer.token(header().to_string().as_bytes(), claims);
    expect_strict(&texts, |text| authorize(&server, &token(&as_member(&claims(), &text.text))).is_ok());
    let mut whole = Tally::default();
    texts.iter().for_each(|text| whole.add_result(&authorize(&server, &token(&text.text))));
    // Ten are objects, and name no issuer.
    whole.expect(&[("malformed_token", 306), ("missing_claim", 10), ("token_too_large", 2)]);
}

#[test]
fn headers_are_strict_json() {
    let Some(texts) = texts() else { return };
    let signer = Signer::new();
    let server = signer.server();
    let token = |header: &[u8]| signer.token(header, claims().to_string().as_bytes());
    expect_strict(&texts, |text| authorize(&server, &token(&as_member(&header(), &text.text))).is_ok());
    let mut whole = Tally::default();
    texts.iter().for_each(|text| whole.add_result(&authorize(&server, &token(&text.text))));
    whole.expect(&[("malformed_token", 316), ("token_too_large", 2)]);
}

#[test]
fn metadata_is_strict_json() {
    let Some(texts) = texts() else { return };
    let (signer, stub) = (Signer::new(), Stub::start().expect("a free port"));
    stub.answer("/jwks", Answer::ok(signer.jwks().to_string()));
    let token = signer.token(header().to_string().as_bytes(), claims().to_string().as_bytes());
    let with_metadata = |document: Vec<u8>| {
        stub.answer("/metadata", Answer::ok(document));
        server(&json!({"issuer": ISSUER, "discovery_url": stub.url("/metadata")}))
    };
    let metadata = json!({"issuer": ISSUER, "jwks_uri": stub.url("/jwks")});
    expect_strict(&texts, |text| authorize(&with_metadata(as_member(&metadata, &text.text)), &token).is_ok());
    // As a whole, none is metadata of the issuer; the error says whether an object was read.
    let mut whole = Tally::default();
    for text in &texts {
        let errors = with_metadata(text.text.clone()).warm_up().expect_err("no metadata");
        errors.iter().for_each(|(_, error)| whole.add(&error.to_string()));
    }
    whole.expect(&[
        ("HTTP: metadata: larger than 65536 bytes", 2),
        ("parse: metadata: expected a strict JSON object", 306),
        ("parse: metadata: its `issuer` is not the one that is configured (`metadata_issuer` names another)", 10),
    ]);
}

#[test]
fn configurations_are_strict_json() {
    let Some(texts) = texts() else { return };
    let signer = Signer::new();
    let config =
        json!({"resource": RESOURCE, "authorization_servers": [{"issuer": ISSUER, "jwks": signer.jwks()}]});
    // The member is unknown in any case; a text that is not strict JSON is a mistake of the whole document.
    expect_strict(&texts, |text| {
        let config = as_member(&config, &text.text);
        let Ok(config) = std::str::from_utf8(&config) else { return false };
        let error = ResourceServer::from_json(config).expect_err("an unknown member");
        error.mistakes()[0].path == "x"
    });
}
