//! Keys and signatures without claims, for the test vectors of others: their tokens say nothing that a decision needs, so
//! that no resource server would accept one whole.

use serde_json::Value;

use crate::decision::accepted_algorithm;
use crate::keys::algorithm::Algorithm;
use crate::keys::jwk::{KeyRules, PreparedKey};
use crate::keys::key_set::{KeySet, Selected};
use crate::reason::Reason;
use crate::token::jws::Jws;

/// The largest RSA key that a configuration can allow.
const RSA_MAX_BITS: usize = 8192;

/// One key as it is held once an authorization server has published it.
#[derive(Debug)]
pub struct ImportedKey(PreparedKey);

impl ImportedKey {
    /// Imports a JWK as a key of a server that accepts these algorithms, the preferred first, with RSA keys of up to 8192
    /// bits. Fails with the name under which a key set's report counts a key that it skipped.
    pub fn from_jwk(jwk: &Value, algorithms: &[Algorithm]) -> Result<ImportedKey, &'static str> {
        PreparedKey::from_jwk(jwk, &rules(algorithms)).map(ImportedKey).map_err(|skip| skip.name())
    }

    /// The one algorithm that it is used with (RFC 8725 section 3.1).
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Its JWK thumbprint by SHA-256 (RFC 7638).
    pub fn thumbprint(&self) -> [u8; 32] {
        self.0.thumbprint
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifies(message, signature)
    }
}

/// The payload of a compact JWS whose signature is good: checks 7, 8, 11, 14 and 15, as a resource server makes them that
/// holds this JWK Set and accepts these algorithms.
///
/// Not checked: what the payload is, and everything that claims and `typ` decide. A document that is no key set is
/// [`Reason::KeysUnavailable`].
pub fn verify_jws(jwks_json: &str, algorithms: &[Algorithm], token: &str) -> Result<Vec<u8>, Reason> {
    let keys = KeySet::parse(jwks_json.as_bytes(), &rules(algorithms));
    let keys = keys.map_err(|_| Reason::KeysUnavailable)?;
    let jws = Jws::parse_any(token.as_bytes()).map_err(|refusal| refusal.reason)?;
    let algorithm = accepted_algorithm(&jws.header, algorithms).map_err(|refusal| refusal.reason)?;
    match keys.select(algorithm, jws.header.kid.as_deref()) {
        Selected::One(key) if key.verifies(jws.signing_input, &jws.signature) => Ok(jws.payload),
        Selected::One(_) => Err(Reason::BadSignature),
        Selected::None => Err(Reason::UnknownKey),
        Selected::Ambiguous => Err(Reason::AmbiguousKey),
    }
}

fn rules(algorithms: &[Algorithm]) -> KeyRules {
    KeyRules { algorithms: algorithms.to_vec(), rsa_max_bits: RSA_MAX_BITS }
}
