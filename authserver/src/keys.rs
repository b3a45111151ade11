//! Signing keys and the key set that an issuer publishes (RFC 7517).

use std::collections::VecDeque;
use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pkcs8::PrivateKeyInfoRef;
use serde::Serialize;

/// Retired keys that stay in the key set; the oldest leaves first.
const MAX_RETIRED_KEYS: usize = 8;

/// A key could not be made or used. The cause is left out: it could only speak of the key.
#[derive(Debug, thiserror::Error)]
#[error("a signing key could not be made or used")]
pub struct KeyError;

/// How the tokens of a resource are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    /// RSA 2048, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// ECDSA on P-256, SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// The algorithm with this JWA name (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }

    fn jwa(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// A private key with its public JWK.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    private: EncodingKey,
    kid: String,
    public: Jwk,
}

impl SigningKey {
    /// Makes a key. RSA takes long enough to keep it off an event loop.
    pub(crate) fn generate(algorithm: SignatureAlgorithm) -> Result<Self, KeyError> {
        let private = generate_private_key(algorithm).map_err(|_| KeyError)?;
        let algorithm = algorithm.jwa();
        let mut public = Jwk::from_encoding_key(&private, algorithm).map_err(|_| KeyError)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError)?; // RFC 7638
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { algorithm, private, kid, public })
    }

    /// The claims as a signed JWT access token (RFC 9068 section 2.1).
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|_| KeyError)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The key that signs, and the retired ones that are still published. Of a retired key only the public half
/// is kept.
#[derive(Debug)]
pub(crate) struct KeyRing {
    current: SigningKey,
    retired: VecDeque<Jwk>,
}

impl KeyRing {
    pub(crate) fn new(current: SigningKey) -> Self {
        Self { current, retired: VecDeque::new() }
    }

    pub(crate) fn current(&self) -> &SigningKey {
        &self.current
    }

    /// Signs with `next` from now on. With `overlap` the key that signed until now stays published, so that
    /// its tokens remain valid; without, it and every key retired earlier are gone at once.
    pub(crate) fn rotate(&mut self, next: SigningKey, overlap: bool) {
        let previous = std::mem::replace(&mut self.current, next);
        if overlap {
            self.retired.push_front(previous.public);
            self.retired.truncate(MAX_RETIRED_KEYS);
        } else {
            self.retired.clear();
        }
    }

    /// The key identifiers of the key set, the signing key first.
    pub(crate) fn published(&self) -> impl Iterator<Item = &str> {
        let retired = self.retired.iter().filter_map(|jwk| jwk.common.key_id.as_deref());
        std::iter::once(self.current.kid.as_str()).chain(retired)
    }

    pub(crate) fn jwk_set(&self) -> JwkSet {
        JwkSet { keys: std::iter::once(&self.current.public).chain(&self.retired).cloned().collect() }
    }
}

fn generate_private_key(algorithm: SignatureAlgorithm) -> Result<EncodingKey, Unspecified> {
    let random = SystemRandom::new();
    Ok(match algorithm {
        SignatureAlgorithm::Rs256 => {
            let der: Pkcs8V1Der<'_> = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?.as_der()?;
            let info = PrivateKeyInfoRef::try_from(der.as_ref()).map_err(|_| Unspecified)?;
            EncodingKey::from_rsa_der(info.private_key.as_bytes())
        }
        SignatureAlgorithm::Es256 => EncodingKey::from_ec_der(
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?.as_ref(),
        ),
        // Version 1 of PKCS #8: jsonwebtoken knows an Ed25519 key by the length of this form.
        SignatureAlgorithm::EdDsa => {
            EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random)?.as_ref())
        }
    })
}
