//! The tokens, key sets and thumbprints of the RFCs, and 92 tokens made from two of them by breaking one thing each (T01,
//! T02, T06 to T08, T16, T19, T20, T23, T24).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::testing::{ImportedKey, verify_jws};
use scopegate_core::{Algorithm, ResourceServer};
use serde_json::{Value, json};

use crate::corpora::{folder, json as read_json, list, text};
use crate::resource_server::{authorize, server};
use crate::tally::{Tally, outcome};

/// A second before the tokens of RFC 7515 expire.
const NOW: i64 = 1_300_819_379;

fn document() -> Option<Value> {
    folder("rfc").map(|folder| read_json(&folder.join("rfc_vectors.json")))
}

/// The key of one of the tokens.
fn key(document: &Value, id: &str) -> Value {
    let token = list(document, "jws").iter().find(|token| token["id"] == id).expect("a token of this name");
    token["jwk"].clone()
}

/// The keys under which the broken tokens were made.
fn two_keys(document: &Value) -> [Value; 2] {
    [key(document, "rfc7515-A.2"), key(document, "rfc7515-A.3")]
}

/// A token in compact form; the one that has none is tried as the JSON text that it is.
fn compact(token: &Value) -> String {
    token["compact"].as_str().map_or_else(|| token["json"].to_string(), str::to_owned)
}

/// Each token, what becomes of its signature, and what a resource server says that trusts its issuer and its key. Only the
/// first three have claims.
const TOKENS: &[(&str, &str, &str)] = &[
    ("rfc7515-A.1", "algorithm_not_allowed", "algorithm_not_allowed"),
    ("rfc7515-A.2", "accepted", "missing_claim"),
    ("rfc7515-A.3", "accepted", "missing_claim"),
    ("rfc7515-A.4", "accepted", "malformed_token"),
    ("rfc7515-A.5", "algorithm_not_allowed", "algorithm_not_allowed"),
    ("rfc7515-A.6", "malformed_token", "multiple_credentials"),
    ("rfc8037-A.4", "accepted", "malformed_token"),
    ("rfc7797-4.2", "malformed_token", "malformed_token"),
    ("rfc7520-4.1", "accepted", "malformed_token"),
    ("rfc7520-4.2", "accepted", "malformed_token"),
    ("rfc7520-4.3", "accepted", "malformed_token"),
    ("rfc7520-4.4", "algorithm_not_allowed", "malformed_token"),
];

#[test]
fn tokens_of_the_rfcs_are_verified_or_refused_and_none_is_an_access_token() {
    let Some(document) = document() else { return };
    let mut outcomes = Vec::new();
    for token in list(&document, "jws") {
        let keys = if token["jwk"].is_null() { vec![] } else { vec![token["jwk"].clone()] };
        // A key without `alg` serves the first algorithm that fits it.
        let algorithm = Algorithm::from_name(text(token, "alg"));
        let algorithms = algorithm.map_or(Algorithm::ALL.to_vec(), |algorithm| vec![algorithm]);
        let verified = verify_jws(&json!({"keys": keys}).to_string(), &algorithms, &compact(token));
        let authorized = authorize(&server("joe", &keys), &compact(token), NOW);
        outcomes.push((text(token, "id"), outcome(&verified), outcome(&authorized)));
    }
    assert_eq!(outcomes, TOKENS);
}

#[test]
fn broken_tokens_are_refused_for_what_is_broken() {
    let Some(document) = document() else { return };
    let jwks = json!({"keys": two_keys(&document)}).to_string();
    let (mut verified, mut authorized) = (Tally::default(), Tally::default());
    let server = server("joe", &two_keys(&document));
    for token in list(&document, "derived_negative") {
        let (id, token) = (text(token, "id"), text(token, "compact"));
        let (of_signature, of_server) =
            (verify_jws(&jwks, Algorithm::ALL, token), authorize(&server, token, NOW));
        verified.add_result(&of_signature);
        authorized.add_result(&of_server);
        assert_eq!(outcome(&of_signature), expected(id), "{id}");
    }
    verified.expect(&[("algorithm_not_allowed", 72), ("bad_signature", 5), ("malformed_token", 15)]);
    // A blank more between scheme and token belongs to neither.
    authorized.expect(&[
        ("algorithm_not_allowed", 72),
        ("bad_signature", 5),
        ("malformed_token", 14),
        ("missing_claim", 1),
    ]);
}

/// The reason for a broken token, by its name.
fn expected(id: &str) -> &'static str {
    let bad_signature = ["sig-empty", "sig-truncated", "ec-psychic-fixed", "ec-psychic-der", "ec-der-valid"];
    if bad_signature.contains(&id) {
        "bad_signature"
    } else if id.starts_with("confusion-") || (id.starts_with("alg-'")) {
        "algorithm_not_allowed"
    } else {
        "malformed_token"
    }
}

#[test]
fn the_other_signature_with_the_same_r_is_as_good() {
    let Some(document) = document() else { return };
    let [token] = list(&document, "derived_positive") else { panic!("one token") };
    let jwks = json!({"keys": two_keys(&document)}).to_string();
    let original = list(&document, "jws").iter().find(|token| token["id"] == "rfc7515-A.3").expect("a token");
    assert_ne!(original["compact"], token["compact"]);
    let payload =
        |token: &Value| verify_jws(&jwks, Algorithm::ALL, text(token, "compact")).expect("a good signature");
    assert_eq!(payload(original), payload(token));
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let Some(document) = document() else { return };
    let thumbprints = list(&document, "thumbprints");
    assert_eq!(thumbprints.len(), 2);
    for vector in thumbprints {
        let key = ImportedKey::from_jwk(&vector["jwk"], Algorithm::ALL).expect("a key");
        assert_eq!(URL_SAFE_NO_PAD.encode(key.thumbprint()), text(vector, "sha256"), "{}", vector["id"]);
    }
}

/// Each key of the sets: its algorithm, or why it is skipped.
const KEYS: &[(&str, &str)] = &[
    ("rfc7517-A.1", "not_for_verifying"),
    ("rfc7517-A.1", "RS256"),
    ("rfc7517-A.2", "not_for_verifying"),
    ("rfc7517-A.2", "RS256"),
    ("rfc7517-A.3", "symmetric"),
    ("rfc7517-A.3", "symmetric"),
    ("rfc7517-B", "RS256"),
];

#[test]
fn key_sets_of_the_rfcs_give_their_usable_keys() {
    let Some(document) = document() else { return };
    let mut imports = Vec::new();
    for set in list(&document, "jwks") {
        for jwk in list(&set["jwks"], "keys") {
            let import = ImportedKey::from_jwk(jwk, Algorithm::ALL);
            imports.push((text(set, "id"), import.map_or_else(|skip| skip, |key| key.algorithm().name())));
        }
    }
    assert_eq!(imports, KEYS);
}

#[test]
fn private_members_are_told_and_appear_nowhere() {
    let Some(document) = document() else { return };
    let set = list(&document, "jwks").iter().find(|set| set["id"] == "rfc7517-A.2").expect("a set");
    let config = json!({
        "resource": "https://mcp.test/mcp",
        "authorization_servers": [{"issuer": "https://issuer.test", "jwks": set["jwks"]}],
    });
    let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
    let said = format!("{:?} {:?} {}", server.stats(), server.health(), server.export_keys());
    let secrets = list(&set["jwks"], "keys")
        .iter()
        .flat_map(|key| ["d", "p", "q", "dp", "dq", "qi"].map(|name| key[name].as_str()));
    let secrets: Vec<_> = secrets.flatten().collect();
    assert_eq!(secrets.len(), 7);
    assert!(secrets.iter().all(|secret| !said.contains(secret)));
}
