//! Keys of one run and signatures by them. The keys are made anew for each run: no verdict depends on their bytes.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// How a signature is made, by its JWA name; `Es256Der` is ECDSA in the form of X.509, which no JWS has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es256Der,
    EdDsa,
}

impl Scheme {
    pub(crate) const ACCEPTED: [Scheme; 4] = [Scheme::Rs256, Scheme::Ps256, Scheme::Es256, Scheme::EdDsa];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Scheme::Rs256 => "RS256",
            Scheme::Rs384 => "RS384",
            Scheme::Rs512 => "RS512",
            Scheme::Ps256 => "PS256",
            Scheme::Ps384 => "PS384",
            Scheme::Ps512 => "PS512",
            Scheme::Es256 | Scheme::Es256Der => "ES256",
            Scheme::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn is_rsa(self) -> bool {
        !matches!(self, Scheme::Es256 | Scheme::Es256Der | Scheme::EdDsa)
    }

    /// Whether two signatures of one text differ.
    pub(crate) fn is_random(self) -> bool {
        matches!(self, Scheme::Ps256 | Scheme::Es256)
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Scheme::Rs384 => &RSA_PKCS1_SHA384,
            Scheme::Rs512 => &RSA_PKCS1_SHA512,
            Scheme::Ps256 => &RSA_PSS_SHA256,
            Scheme::Ps384 => &RSA_PSS_SHA384,
            Scheme::Ps512 => &RSA_PSS_SHA512,
            _ => &RSA_PKCS1_SHA256,
        }
    }
}

/// A private key with its name.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(rsa::KeyPair),
    /// The same key twice: aws-lc-rs binds one to the form of its signatures.
    Ec {
        fixed: EcdsaKeyPair,
        der: EcdsaKeyPair,
    },
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    pub(crate) fn generate(kid: &str, scheme: Scheme) -> SigningKey {
        let made = "a key can be made";
        let pair = match scheme {
            Scheme::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect(made)),
            Scheme::Es256 | Scheme::Es256Der => {
                let pkcs8 =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                        .expect(made);
                let read = |form| EcdsaKeyPair::from_pkcs8(form, pkcs8.as_ref()).expect(made);
                Pair::Ec {
                    fixed: read(&ECDSA_P256_SHA256_FIXED_SIGNING),
                    der: read(&ECDSA_P256_SHA256_ASN1_SIGNING),
                }
            }
            _ => Pair::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect(made)),
        };
        SigningKey { kid: kid.to_owned(), pair }
    }

    /// The public key; `more` holds further members.
    pub(crate) fn jwk(&self, more: &[(&str, &str)]) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => json!({"kty": "RSA", "n": encode(modulus(pair)), "e": "AQAB"}),
            Pair::Ec { fixed, .. } => {
                let (x, y) = fixed.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        };
        jwk["kid"] = json!(self.kid);
        for (name, value) in more {
            jwk[*name] = json!(value);
        }
        jwk
    }

    /// Forms of the public key that a careless server takes for a secret.
    pub(crate) fn public_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let (raw, x509) = match &self.pair {
            Pair::Rsa(pair) => (modulus(pair).to_vec(), x509(pair.public_key())),
            Pair::Ec { fixed, .. } => (fixed.public_key().as_ref().to_vec(), x509(fixed.public_key())),
            Pair::Ed(pair) => (pair.public_key().as_ref().to_vec(), x509(pair.public_key())),
        };
        let pem = pem(&x509);
        vec![
            ("the JWK", self.jwk(&[]).to_string().into_bytes()),
            ("the raw key", raw),
            ("the DER form", x509),
            ("the PEM form", format!("{pem}\n").into_bytes()),
            ("the PEM form without its last line feed", pem.into_bytes()),
            ("nothing", Vec::new()),
        ]
    }

    pub(crate) fn sign(&self, scheme: Scheme, input: &[u8]) -> Vec<u8> {
        let (signed, random) = ("the key signs", SystemRandom::new());
        match (&self.pair, scheme) {
            (Pair::Rsa(pair), _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(scheme.encoding(), &random, input, &mut signature).expect(signed);
                signature
            }
            (Pair::Ec { der, .. }, Scheme::Es256Der) => {
                der.sign(&random, input).expect(signed).as_ref().to_vec()
            }
            (Pair::Ec { fixed, .. }, _) => fixed.sign(&random, input).expect(signed).as_ref().to_vec(),
            (Pair::Ed(pair), _) => pair.sign(input).as_ref().to_vec(),
        }
    }
}

/// The modulus in an RSAPublicKey (RFC 8017 appendix A.1.1) of 2048 bits: behind the heads of the sequence and the
/// integer and the integer's zero byte.
fn modulus(pair: &rsa::KeyPair) -> &[u8] {
    let der = pair.public_key().as_ref();
    assert_eq!(der[..9], [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00], "an RSA key of 2048 bits");
    &der[9..9 + 256]
}

fn x509(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().expect("a public key has a DER form").as_ref().to_vec()
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"))
}
