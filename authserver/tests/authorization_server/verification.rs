//! Verifying a token with nothing but the published key set, as a resource server does.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

/// Header and claims, if the key that the header names is published and made the signature.
pub(crate) fn verify(token: &str, key_set: &Value) -> Option<Verified> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Value = serde_json::from_slice(&decode(header)).ok()?;
    let key = key_set["keys"].as_array()?.iter().find(|key| key["kid"] == header["kid"])?;
    assert_eq!(key["alg"], header["alg"]);
    let signature = decode(signature);
    let member = |name: &str| decode(key[name].as_str().unwrap());
    match header["alg"].as_str()? {
        "RS256" => RsaPublicKeyComponents { n: member("n"), e: member("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .ok()?,
        "ES256" => {
            let point = [vec![4], member("x"), member("y")].concat();
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
            key.verify(signed.as_bytes(), &signature).ok()?;
        }
        "EdDSA" => {
            UnparsedPublicKey::new(&ED25519, member("x")).verify(signed.as_bytes(), &signature).ok()?;
        }
        other => panic!("unexpected algorithm {other}"),
    }
    Some(Verified { header, claims: serde_json::from_slice(&decode(claims)).ok()? })
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
