//! One JWK -> a prepared key, or why it was skipped (RFC 7517, RFC 7518 section 6, RFC 8037).

use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{self as sig, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, KeyKind};
use super::roca;

/// What an authorization server's keys must be like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyRules {
    /// The accepted algorithms, the preferred first.
    pub(crate) algorithms: Vec<Algorithm>,
    /// The largest RSA modulus in bits, 2048..=8192.
    pub(crate) rsa_max_bits: usize,
}

/// Why a JWK was skipped.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Skip {
    /// Not a JSON object, or a member of another type than it must have.
    Malformed,
    /// A symmetric key: it has no place in a published set.
    Symmetric,
    /// `kty` or `crv` that none of the accepted algorithms uses.
    KeyType,
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    NotForVerifying,
    /// `alg` is not an accepted algorithm, or does not fit the key.
    Algorithm,
    /// A `kid` that is empty or longer than 256 bytes.
    Kid,
    /// An RSA modulus or exponent out of range, even, or with a leading zero byte.
    WeakRsa,
    /// An RSA modulus made by a generator with a known flaw (CVE-2017-15361).
    Roca,
    /// Coordinates of the wrong length, or a point off the curve.
    InvalidPoint,
    /// An Ed25519 key of small order or in a non-canonical encoding.
    WeakEd25519,
}

impl Skip {
    /// The name in the health report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Skip::Malformed => "malformed",
            Skip::Symmetric => "symmetric",
            Skip::KeyType => "key_type",
            Skip::NotForVerifying => "not_for_verifying",
            Skip::Algorithm => "algorithm",
            Skip::Kid => "kid",
            Skip::WeakRsa => "weak_rsa",
            Skip::Roca => "roca",
            Skip::InvalidPoint => "invalid_point",
            Skip::WeakEd25519 => "weak_ed25519",
        }
    }
}

/// A public key bound to one algorithm, parsed when its set arrived.
pub(crate) struct PreparedKey {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    /// The JWK thumbprint by SHA-256 (RFC 7638).
    pub(crate) thumbprint: [u8; 32],
    /// The required members of the JWK, as the thumbprint is made from them (RFC 7638 section 3).
    members: String,
    key: ParsedPublicKey,
}

/// The key, its name and its algorithm.
impl PartialEq for PreparedKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.kid, self.algorithm, &self.thumbprint) == (&other.kid, other.algorithm, &other.thumbprint)
    }
}

impl std::fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Members that only a private or symmetric key has.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Whether a JWK of a published set gives away private parts.
pub(crate) fn has_private_members(jwk: &Value) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some())
}

impl PreparedKey {
    /// Prepares one JWK of a set. Private members, `x5c` and unknown members are left aside.
    ///
    /// A JWK without `alg` is bound to the first of the server's algorithms that fits it, so that one key never
    /// serves two (RFC 8725 section 3.1).
    pub(crate) fn from_jwk(jwk: &Value, rules: &KeyRules) -> Result<PreparedKey, Skip> {
        let members = jwk.as_object().ok_or(Skip::Malformed)?;
        let jwk = typed(members)?;
        check_purpose(&jwk)?;
        if jwk.common.key_id.as_ref().is_some_and(|kid| !(1..=MAX_KID_BYTES).contains(&kid.len())) {
            return Err(Skip::Kid);
        }
        let kind = key_kind(&jwk.algorithm)?;
        let algorithm = algorithm(members, kind, rules)?;
        let (key, members) = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => rsa_key(&rsa.n, &rsa.e, algorithm, rules)?,
            AlgorithmParameters::EllipticCurve(point) => elliptic_key(&point.x, &point.y, kind)?,
            AlgorithmParameters::OctetKeyPair(pair) => ed25519_key(&pair.x)?,
            _ => return Err(Skip::KeyType),
        };
        let thumbprint = thumbprint(&members);
        Ok(PreparedKey { kid: jwk.common.key_id, algorithm, thumbprint, members, key })
    }

    /// The key as a JWK that names its algorithm. It holds no other member than a public key needs.
    pub(crate) fn public_jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.members).unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.extend(self.kid.as_ref().map(|kid| ("kid".to_owned(), kid.as_str().into())));
            members.insert("alg".to_owned(), self.algorithm.name().into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    }

    /// Whether `signature` is this key's over `message`. ECDSA signatures have the fixed-length form of RFC 7518
    /// section 3.4.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm.digest() {
            // Hashed in one go: without the context that the whole would allocate.
            Some(algorithm) => {
                self.key.verify_digest_sig(&digest::digest(algorithm, message), signature).is_ok()
            }
            None => self.key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// The parameters of the public and symmetric keys that are told apart; all are text.
const PARAMETERS: [&str; 6] = ["crv", "x", "y", "n", "e", "k"];

/// The longest `kid`, in bytes.
pub(crate) const MAX_KID_BYTES: usize = 256;

/// The JWK as jsonwebtoken's type, less what is read by ourselves (`alg`: the type does not know every name) or not
/// at all (`x5*`: a malformed certificate must not cost the key).
fn typed(members: &Map<String, Value>) -> Result<Jwk, Skip> {
    let ours = |name: &str| name == "alg" || name.starts_with("x5");
    let kept =
        members.iter().filter(|(name, _)| !ours(name)).map(|(name, value)| (name.clone(), value.clone()));
    let kty = members.get("kty").and_then(Value::as_str).ok_or(Skip::Malformed)?;
    // jsonwebtoken takes a known type with such a parameter for an unknown type.
    if PARAMETERS.iter().any(|name| members.get(*name).is_some_and(|value| !value.is_string())) {
        return Err(Skip::Malformed);
    }
    serde_json::from_value(Value::Object(kept.collect())).map_err(|_| match kty {
        "RSA" | "EC" | "OKP" | "oct" => Skip::Malformed,
        _ => Skip::KeyType,
    })
}

fn check_purpose(jwk: &Jwk) -> Result<(), Skip> {
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    // Once: repeated operations are forbidden (RFC 7517 section 4.3).
    let names_verify_once = |operations: &Vec<KeyOperations>| {
        operations.iter().filter(|operation| **operation == KeyOperations::Verify).count() == 1
    };
    let verifies = jwk.common.key_operations.as_ref().is_none_or(names_verify_once);
    if signs && verifies { Ok(()) } else { Err(Skip::NotForVerifying) }
}

fn key_kind(parameters: &AlgorithmParameters) -> Result<KeyKind, Skip> {
    match parameters {
        AlgorithmParameters::RSA(_) => Ok(KeyKind::Rsa),
        AlgorithmParameters::EllipticCurve(point) => match point.curve {
            EllipticCurve::P256 => Ok(KeyKind::P256),
            EllipticCurve::P384 => Ok(KeyKind::P384),
            EllipticCurve::P521 => Ok(KeyKind::P521),
            _ => Err(Skip::KeyType),
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Ok(KeyKind::Ed25519)
        }
        AlgorithmParameters::OctetKey(_) => Err(Skip::Symmetric),
        _ => Err(Skip::KeyType),
    }
}

fn algorithm(members: &Map<String, Value>, kind: KeyKind, rules: &KeyRules) -> Result<Algorithm, Skip> {
    let fits = |algorithm: &Algorithm| algorithm.key_kind() == kind && rules.algorithms.contains(algorithm);
    match members.get("alg") {
        None => rules.algorithms.iter().copied().find(fits),
        Some(Value::String(name)) => Algorithm::from_name(name).filter(fits),
        Some(_) => return Err(Skip::Malformed),
    }
    .ok_or(Skip::Algorithm)
}

/// A key, and the canonical JSON of its required members.
type Prepared = (ParsedPublicKey, String);

fn rsa_key(n: &str, e: &str, algorithm: Algorithm, rules: &KeyRules) -> Result<Prepared, Skip> {
    let (modulus, exponent) = (decode(n)?, decode(e)?);
    let parameters = algorithm.rsa_parameters().ok_or(Skip::Algorithm)?;
    if !is_sound_modulus(&modulus, rules.rsa_max_bits) || !is_sound_exponent(&exponent) {
        return Err(Skip::WeakRsa);
    }
    if roca::has_fingerprint(&modulus) {
        return Err(Skip::Roca);
    }
    let components = PublicKeyComponents { n: &modulus, e: &exponent };
    let key = components.to_parsed_public_key(parameters).map_err(|_| Skip::WeakRsa)?;
    Ok((key, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)))
}

/// Odd, of 2048 bits up to the limit, without a leading zero byte. aws-lc checks none of this when it parses.
fn is_sound_modulus(modulus: &[u8], max_bits: usize) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else { return false };
    let bits = modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize);
    *first != 0 && last % 2 == 1 && (2048..=max_bits).contains(&bits)
}

/// Odd and 65537 <= e < 2^33 (FIPS 186-5 sets the lower bound).
fn is_sound_exponent(exponent: &[u8]) -> bool {
    let value = exponent.iter().take(6).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    exponent.len() <= 5 && exponent.first() != Some(&0) && value % 2 == 1 && (65537..1 << 33).contains(&value)
}

fn elliptic_key(x: &str, y: &str, kind: KeyKind) -> Result<Prepared, Skip> {
    let (curve, length, verification): (_, _, &'static sig::EcdsaVerificationAlgorithm) = match kind {
        KeyKind::P256 => ("P-256", 32, &sig::ECDSA_P256_SHA256_FIXED),
        KeyKind::P384 => ("P-384", 48, &sig::ECDSA_P384_SHA384_FIXED),
        KeyKind::P521 => ("P-521", 66, &sig::ECDSA_P521_SHA512_FIXED),
        _ => return Err(Skip::KeyType),
    };
    let (x_bytes, y_bytes) = (decode(x)?, decode(y)?);
    if x_bytes.len() != length || y_bytes.len() != length {
        return Err(Skip::InvalidPoint);
    }
    let point = [&[4_u8], x_bytes.as_slice(), y_bytes.as_slice()].concat();
    let key = ParsedPublicKey::new(verification, point).map_err(|_| Skip::InvalidPoint)?;
    Ok((key, format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)))
}

fn ed25519_key(x: &str) -> Result<Prepared, Skip> {
    let bytes = <[u8; 32]>::try_from(decode(x)?).map_err(|_| Skip::InvalidPoint)?;
    if !is_sound_ed25519(bytes) {
        return Err(Skip::WeakEd25519);
    }
    let key = ParsedPublicKey::new(&sig::ED25519, bytes).map_err(|_| Skip::InvalidPoint)?;
    Ok((key, format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// Canonical (y below 2^255 - 19) and not one of the points of order 1, 2, 4 or 8, under whose "signatures" any
/// message can be made to verify. aws-lc accepts both.
fn is_sound_ed25519(mut bytes: [u8; 32]) -> bool {
    // Big-endian y without the sign bit of x, so that arrays compare as numbers.
    bytes[31] &= 0x7f;
    bytes.reverse();
    bytes < ED25519_PRIME && !ED25519_SMALL_ORDER_Y.contains(&bytes)
}

/// 2^255 - 19, big-endian.
const ED25519_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0x7f;
    prime[31] = 0xed;
    prime
};

/// The y of the eight points of small order, big-endian: 0, 1, -1, and the two of order 8.
const ED25519_SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[31] = 1;
        one
    },
    {
        let mut minus_one = ED25519_PRIME;
        minus_one[31] = 0xec;
        minus_one
    },
    [
        0x05, 0xfc, 0x53, 0x6d, 0x88, 0x02, 0x38, 0xb1, 0x39, 0x33, 0xc6, 0xd3, 0x05, 0xac, 0xdf, 0xd5, 0xf0,
        0x98, 0xef, 0xf2, 0x89, 0xf4, 0xc3, 0x45, 0xb0, 0x27, 0xb2, 0xc2, 0x8f, 0x95, 0xe8, 0x26,
    ],
    [
        0x7a, 0x03, 0xac, 0x92, 0x77, 0xfd, 0xc7, 0x4e, 0xc6, 0xcc, 0x39, 0x2c, 0xfa, 0x53, 0x20, 0x2a, 0x0f,
        0x67, 0x10, 0x0d, 0x76, 0x0b, 0x3c, 0xba, 0x4f, 0xd8, 0x4d, 0x3d, 0x70, 0x6a, 0x17, 0xc7,
    ],
];

/// Canonical base64url without padding.
fn decode(text: &str) -> Result<Vec<u8>, Skip> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Skip::Malformed)
}

fn thumbprint(canonical: &str) -> [u8; 32] {
    let mut thumbprint = [0; 32];
    thumbprint.copy_from_slice(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    thumbprint
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> KeyRules {
        KeyRules { algorithms: Algorithm::ALL.to_vec(), rsa_max_bits: 4096 }
    }

    fn skip(jwk: Value) -> Skip {
        PreparedKey::from_jwk(&jwk, &rules()).unwrap_err()
    }

    /// RFC 8037 appendix A.2 and A.3.
    fn rfc_8037_key() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn hex(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn thumbprint_is_that_of_the_rfcs() {
        let key = PreparedKey::from_jwk(&rfc_8037_key(), &rules()).unwrap();
        assert_eq!(hex(&key.thumbprint), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let rsa = json!({"kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB", "n": concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs",
            "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI",
            "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")});
        let key = PreparedKey::from_jwk(&rsa, &rules()).unwrap();
        assert_eq!(hex(&key.thumbprint), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_key_without_alg_serves_the_first_algorithm_that_fits() {
        let one = |algorithms: &[Algorithm]| {
            let rules = KeyRules { algorithms: algorithms.to_vec(), rsa_max_bits: 4096 };
            PreparedKey::from_jwk(&rfc_8037_key(), &rules).map(|key| key.algorithm)
        };
        assert_eq!(one(&[Algorithm::RS256, Algorithm::EdDSA]).unwrap(), Algorithm::EdDSA);
        assert_eq!(one(&[Algorithm::RS256]).unwrap_err(), Skip::Algorithm);
    }

    #[test]
    fn a_key_for_something_else_is_skipped() {
        let with = |name: &str, value: Value| {
            let mut jwk = rfc_8037_key();
            jwk[name] = value;
            skip(jwk)
        };
        assert_eq!(with("use", json!("enc")), Skip::NotForVerifying);
        assert_eq!(with("key_ops", json!(["sign"])), Skip::NotForVerifying);
        assert_eq!(with("alg", json!("ES256")), Skip::Algorithm);
        assert_eq!(with("alg", json!("HS256")), Skip::Algorithm);
        assert_eq!(with("alg", json!(7)), Skip::Malformed);
        assert_eq!(with("kid", json!("")), Skip::Kid);
        assert_eq!(with("kid", json!(5)), Skip::Malformed);
        assert_eq!(with("crv", json!("X25519")), Skip::KeyType);
        assert_eq!(with("x", json!("AAAA")), Skip::InvalidPoint);
        assert_eq!(with("x", json!(["AAAA"])), Skip::Malformed);
        assert_eq!(with("crv", Value::Null), Skip::Malformed);
        assert_eq!(skip(json!({"kty": "oct", "k": "AAAA"})), Skip::Symmetric);
        assert_eq!(skip(json!({"kty": "XYZ"})), Skip::KeyType);
        assert_eq!(skip(json!([])), Skip::Malformed);
    }

    #[test]
    fn rsa_keys_outside_the_bounds_are_skipped() {
        let modulus = |bytes: usize, first: u8, last: u8| {
            let mut modulus = vec![0xa5; bytes];
            modulus[0] = first;
            modulus[bytes - 1] = last;
            modulus
        };
        let rsa = |n: &[u8], e: &[u8]| {
            PreparedKey::from_jwk(&json!({"kty": "RSA", "n": hex(n), "e": hex(e)}), &rules()).err()
        };
        let good = modulus(256, 0x80, 1);
        assert_eq!(rsa(&good, &[1, 0, 1]), None);
        assert_eq!(rsa(&good, &[1, 255, 255, 255, 255]), None);
        assert_eq!(rsa(&modulus(512, 0xff, 1), &[1, 0, 1]), None);
        for n in [
            modulus(256, 0x7f, 1),
            modulus(256, 0x80, 2),
            modulus(513, 1, 1),
            modulus(257, 0, 1),
            modulus(128, 0x80, 1),
        ] {
            assert_eq!(rsa(&n, &[1, 0, 1]), Some(Skip::WeakRsa));
        }
        for e in [&[1_u8][..], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[2, 0, 0, 0, 1], &[1; 6], &[]] {
            assert_eq!(rsa(&good, e), Some(Skip::WeakRsa), "{e:?}");
        }
    }

    #[test]
    fn ed25519_keys_of_small_order_or_odd_spelling_are_skipped() {
        let prime_le: [u8; 32] = std::array::from_fn(|at| ED25519_PRIME[31 - at]);
        let mut encodings: Vec<[u8; 32]> =
            ED25519_SMALL_ORDER_Y.iter().map(|y| std::array::from_fn(|at| y[31 - at])).collect();
        encodings.extend([prime_le, [0xff; 32]]);
        for encoding in encodings {
            for sign in [0, 0x80] {
                let mut bytes = encoding;
                bytes[31] |= sign;
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": hex(&bytes)});
                assert_eq!(skip(jwk), Skip::WeakEd25519, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_key_is_shown_in_its_public_form_with_the_algorithm_that_it_was_bound_to() {
        let mut jwk = rfc_8037_key();
        jwk["kid"] = json!("a");
        jwk["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        jwk["x5c"] = json!(["AA"]);
        let key = PreparedKey::from_jwk(&jwk, &rules()).unwrap();
        let mut shown = rfc_8037_key();
        shown["kid"] = json!("a");
        shown["alg"] = json!("EdDSA");
        shown["use"] = json!("sig");
        assert_eq!(key.public_jwk(), shown);
        let again = PreparedKey::from_jwk(&shown, &rules()).unwrap();
        assert_eq!((again.thumbprint, again.algorithm), (key.thumbprint, key.algorithm));
    }

    #[test]
    fn private_members_are_noticed() {
        assert!(!has_private_members(&rfc_8037_key()));
        assert!(has_private_members(&json!({"kty": "OKP", "d": 1})));
    }
}
