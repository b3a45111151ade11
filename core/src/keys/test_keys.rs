//! Key sets for tests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A JWK Set with an Ed25519 key for each kid. They are test-only: nobody has their private halves.
pub(crate) fn jwks(kids: &[&str]) -> String {
    let keys: Vec<String> = kids.iter().map(|kid| jwk(kid)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwk(kid: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, kid.as_bytes());
    let mut point: Vec<u8> = digest.as_ref().to_vec();
    // Below 2^254, so that the encoding is canonical.
    point[31] &= 0x3f;
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(point))
}
