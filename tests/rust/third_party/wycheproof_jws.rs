//! Wycheproof's JSON Web Signatures and Encryptions (T05, T06, T19, T21).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::Algorithm;
use scopegate_core::testing::{ImportedKey, verify_jws};
use serde_json::{Value, json};

use crate::corpora::{folder, json as read_json, list, text};
use crate::resource_server::{authorize, server};
use crate::tally::{Tally, outcome};

/// The labels that we do not follow, by number: what comes out, and why. All others are followed.
const DEVIATIONS: &[(u64, &str, &str)] = &[
    (1, "algorithm_not_allowed", "HMAC"),
    (259, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (264, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (268, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (272, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (320, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (325, "malformed_token", "an empty payload holds no claims; the signature is good"),
    (346, "unknown_key", "the key is for PS256 and the token says PS384"),
    (347, "unknown_key", "the key is for ES521, which is no algorithm"),
    (348, "algorithm_not_allowed", "HMAC"),
    (350, "unknown_key", "the key is for PS256 and the token says PS384"),
    (351, "unknown_key", "the key is for ES521, which is no algorithm"),
    (352, "algorithm_not_allowed", "HMAC"),
    (357, "algorithm_not_allowed", "HMAC"),
    (358, "algorithm_not_allowed", "HMAC"),
    (359, "algorithm_not_allowed", "HMAC"),
    (372, "malformed_token", "a foreign character in the header is labelled valid"),
    (373, "malformed_token", "a foreign character in the payload is labelled valid"),
    (376, "algorithm_not_allowed", "HMAC"),
    (377, "algorithm_not_allowed", "HMAC"),
];

/// Labelled invalid, and the same bytes as 357, which is labelled valid.
const SAME_AS_357: [u64; 2] = [367, 370];

struct Case<'a> {
    number: u64,
    label: &'a str,
    token: &'a str,
    key: &'a Value,
}

fn cases(document: &Value) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for group in list(document, "testGroups") {
        let key = group.get("public").unwrap_or(&group["private"]);
        for case in list(group, "tests") {
            let number = case["tcId"].as_u64().expect("a number");
            cases.push(Case { number, label: text(case, "result"), token: text(case, "jws"), key });
        }
    }
    assert_eq!(document["numberOfTests"], json!(cases.len()));
    cases
}

#[test]
fn signatures_are_accepted_by_their_labels_but_for_listed_ones() {
    let Some(folder) = folder("wycheproof") else { return };
    let document = read_json(&folder.join("json_web_signature_test.json"));
    let (mut tally, mut deviations) = (Tally::default(), Vec::new());
    for case in cases(&document) {
        let jwks = json!({"keys": [case.key]}).to_string();
        let result = verify_jws(&jwks, Algorithm::ALL, case.token);
        tally.add_result(&result);
        if result.is_ok() {
            assert_eq!(case.label, "valid", "{}", case.number);
        } else if case.label == "valid" {
            deviations.push((case.number, outcome(&result)));
        }
    }
    let listed: Vec<_> = DEVIATIONS.iter().map(|(number, outcome, _)| (*number, *outcome)).collect();
    assert_eq!(deviations, listed);
    tally.expect(&[
        ("accepted", 26),
        ("algorithm_not_allowed", 20),
        ("bad_signature", 293),
        ("malformed_token", 47),
        ("unknown_key", 15),
    ]);
}

#[test]
fn two_tokens_labelled_invalid_are_one_labelled_valid() {
    let Some(folder) = folder("wycheproof") else { return };
    let document = read_json(&folder.join("json_web_signature_test.json"));
    let cases = cases(&document);
    let token = |number: u64| cases.iter().find(|case| case.number == number).expect("a case").token;
    assert!(SAME_AS_357.iter().all(|number| token(*number) == token(357)));
}

#[test]
fn signatures_over_empty_payloads_are_good_all_the_same() {
    let Some(folder) = folder("wycheproof") else { return };
    let document = read_json(&folder.join("json_web_signature_test.json"));
    let is_empty = |case: &Case<'_>| case.label == "valid" && case.token.contains("..");
    let empty: Vec<_> = cases(&document).into_iter().filter(is_empty).collect();
    assert_eq!(empty.len(), 6);
    for case in empty {
        let key = ImportedKey::from_jwk(case.key, Algorithm::ALL).expect("a key");
        let (signed, signature) = case.token.rsplit_once('.').expect("a token");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        assert!(key.verifies(signed.as_bytes(), &signature), "{}", case.number);
    }
}

#[test]
fn no_signature_makes_foreign_text_an_access_token() {
    let Some(folder) = folder("wycheproof") else { return };
    let document = read_json(&folder.join("json_web_signature_test.json"));
    let mut tally = Tally::default();
    for case in cases(&document) {
        let server = server("https://issuer.test", std::slice::from_ref(case.key));
        tally.add_result(&authorize(&server, case.token, 1_800_000_000));
    }
    tally.expect(&[("malformed_token", 397), ("missing_token", 3), ("multiple_credentials", 1)]);
}

#[test]
fn every_encrypted_token_is_malformed() {
    let Some(folder) = folder("wycheproof") else { return };
    let document = read_json(&folder.join("json_web_encryption_test.json"));
    let (mut verified, mut authorized) = (Tally::default(), Tally::default());
    let server = server("https://issuer.test", &[]);
    for group in list(&document, "testGroups") {
        for case in list(group, "tests") {
            let token = text(case, "jwe");
            verified.add_result(&verify_jws(r#"{"keys":[]}"#, Algorithm::ALL, token));
            authorized.add_result(&authorize(&server, token, 1_800_000_000));
        }
    }
    verified.expect(&[("malformed_token", 139)]);
    // One is in JSON, which has commas.
    authorized.expect(&[("malformed_token", 138), ("multiple_credentials", 1)]);
}
