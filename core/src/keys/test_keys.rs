//! Key sets for tests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A JWK Set with an Ed25519 key for each kid. They are test-only: nobody has their private halves.
#[cfg(test)]
pub(crate) fn jwks(kids: &[&str]) -> String {
    let keys: Vec<_> = kids.iter().map(|kid| (*kid, *kid)).collect();
    jwks_with_material(&keys)
}

/// A JWK Set of kids and the names of their key material: one name is one key.
pub(crate) fn jwks_with_material(keys: &[(&str, &str)]) -> String {
    let keys: Vec<String> = keys.iter().map(|(kid, material)| jwk(kid, material)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwk(kid: &str, material: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, material.as_bytes());
    let mut point: Vec<u8> = digest.as_ref().to_vec();
    // Below 2^254, so that the encoding is canonical.
    point[31] &= 0x3f;
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(point))
}
