//! The JOSE cookbook (RFC 7520) with its extensions for RFC 7797 and RFC 8037, in every serialisation (T05, T21, T23).

use std::path::Path;

use scopegate_core::testing::{ImportedKey, verify_jws};
use scopegate_core::{Algorithm, Reason};
use serde_json::{Value, json};

use crate::corpora::{folder, json as read_json};
use crate::resource_server::{authorize, server};
use crate::tally::{Tally, outcome};

/// The examples that have a compact form, and what becomes of it. The forms in JSON are all malformed_token.
const COMPACT: &[(&str, &str)] = &[
    ("6.nesting_signatures_and_encryption.json", "accepted"),
    ("6.nesting_signatures_and_encryption.json", "malformed_token"),
    ("jws/4_1.rsa_v15_signature.json", "accepted"),
    ("jws/4_2.rsa-pss_signature.json", "accepted"),
    ("jws/4_3.ecdsa_signature.json", "accepted"),
    ("jws/4_4.hmac-sha2_integrity_protection.json", "algorithm_not_allowed"),
    ("jws/4_5.signature_with_detached_content.json", "malformed_token"),
    ("jwe/5_9.compressed_content.json", "malformed_token"),
    ("rfc7797/hmac-sha2_b64_false.json", "malformed_token"),
    ("curve25519/ecdh-es.json", "malformed_token"),
    ("curve25519/jws.json", "accepted"),
];

/// Each key: the algorithm that it serves first, or why it is skipped.
const KEYS: &[(&str, &str)] = &[
    ("jwk/3_1.ec_public_key.json", "ES512"),
    ("jwk/3_2.ec_private_key.json", "ES512"),
    ("jwk/3_3.rsa_public_key.json", "RS256"),
    ("jwk/3_4.rsa_private_key.json", "RS256"),
    ("jwk/3_5.symmetric_key_mac_computation.json", "symmetric"),
    ("jwk/3_6.symmetric_key_encryption.json", "not_for_verifying"),
];

fn files(folder: &Path, below: &str) -> Vec<(String, Value)> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join(below))
        .unwrap_or_else(|error| panic!("{below}: {error}"))
        .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.ends_with(".json"))
        .map(|name| format!("{below}{name}"))
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), read_json(&folder.join(&name)))).collect()
}

#[test]
fn examples_are_verified_or_refused_and_none_is_an_access_token() {
    let Some(folder) = folder("rfc7520-cookbook") else { return };
    let folders = ["", "jws/", "jwe/", "rfc7797/", "curve25519/"];
    let (mut compact, mut in_json) = (Vec::new(), Tally::default());
    for (name, example) in folders.iter().flat_map(|below| files(&folder, below)) {
        // One example is signed and then encrypted.
        let steps = match example.get("sign") {
            Some(sign) => vec![sign.clone(), example["encrypt"].clone()],
            None => vec![example],
        };
        for step in steps {
            for (form, token) in step["output"].as_object().expect("outputs") {
                let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
                let result = verify(&step["input"], &token);
                match form.as_str() {
                    "compact" => compact.push((name.clone(), outcome(&result))),
                    _ => in_json.add_result(&result),
                }
            }
        }
    }
    let compact: Vec<_> = compact.iter().map(|(name, outcome)| (name.as_str(), *outcome)).collect();
    assert_eq!(compact, COMPACT);
    in_json.expect(&[("malformed_token", 27)]);
}

/// The outcome under the example's own keys, which a resource server refuses all the same.
fn verify(input: &Value, token: &str) -> Result<Vec<u8>, Reason> {
    let keys = match &input["key"] {
        Value::Array(keys) => keys.clone(),
        key => vec![key.clone()],
    };
    assert!(authorize(&server("hobbiton.example", &keys), token, 1_300_819_379).is_err());
    let algorithm = input["alg"].as_str().and_then(Algorithm::from_name);
    let algorithms = algorithm.map_or(Algorithm::ALL.to_vec(), |algorithm| vec![algorithm]);
    verify_jws(&json!({"keys": keys}).to_string(), &algorithms, token)
}

#[test]
fn keys_are_imported_or_skipped() {
    let Some(folder) = folder("rfc7520-cookbook") else { return };
    let imports: Vec<_> = files(&folder, "jwk/")
        .into_iter()
        .map(|(name, jwk)| {
            let import = ImportedKey::from_jwk(&jwk, Algorithm::ALL);
            (name, import.map_or_else(|skip| skip, |key| key.algorithm().name()))
        })
        .collect();
    let imports: Vec<_> = imports.iter().map(|(name, import)| (name.as_str(), *import)).collect();
    assert_eq!(imports, KEYS);
}
