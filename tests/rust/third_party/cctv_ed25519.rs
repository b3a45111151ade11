//! The edge cases of Ed25519 that the Community Cryptography Test Vectors collect (T15).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::Algorithm;
use scopegate_core::testing::ImportedKey;
use serde_json::json;

use crate::corpora::{bytes, folder, json as read_json, text};
use crate::tally::Tally;

#[test]
fn nothing_verifies_under_a_key_of_small_order_or_in_another_encoding() {
    let Some(folder) = folder("cctv-ed25519") else { return };
    let document = read_json(&folder.join("ed25519vectors.json"));
    let mut tally = Tally::default();
    for case in document.as_array().expect("a list") {
        let flags: Vec<_> =
            case["flags"].as_array().into_iter().flatten().filter_map(|flag| flag.as_str()).collect();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(bytes(case, "key"))});
        match ImportedKey::from_jwk(&jwk, &[Algorithm::EdDSA]) {
            Err(skip) => tally.add(skip),
            Ok(key) if key.verifies(text(case, "msg").as_bytes(), &bytes(case, "sig")) => {
                let never = ["low_order_A", "non_canonical_A", "non_canonical_R", "low_order_residue"];
                assert!(!never.iter().any(|flag| flags.contains(flag)), "{}: {flags:?}", case["number"]);
                tally.add("accepted");
            }
            Ok(_) => tally.add("refused"),
        }
    }
    tally.expect(&[("accepted", 86), ("refused", 302), ("weak_ed25519", 526)]);
}
