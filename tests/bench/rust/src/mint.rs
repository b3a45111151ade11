//! Makes the keys and the tokens: for each algorithm a token that comes again and again, as many distinct ones as a cold run
//! needs, and tokens with one fault each.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::sample::Sample;

const ISSUER: &str = "https://as.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";
const SCOPE: &str = "mcp:tools:weather";
const SUBJECT: &str = "user-4d7f9a1c2b3e";

/// Scopegate keeps 10,000 by default, and lets go of each before 20,000 others came: one that comes round again is new.
const DISTINCT: usize = 24_576;
/// For a library that takes no at+jwt, and needs longer for each.
const DISTINCT_PLAIN: usize = 1024;

pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let signers = signers()?;
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk.clone()).collect();
    let mut algorithms = serde_json::Map::new();
    for signer in &signers {
        let mut forms = serde_json::Map::new();
        for (typ, count) in [("at+jwt", DISTINCT), ("JWT", DISTINCT_PLAIN)] {
            let pool = format!("{}.{}.tokens", signer.algorithm, typ.replace('+', "-"));
            fs::write(folder.join(&pool), signer.distinct(typ, count).join("\n"))?;
            let good = signer.token(typ, &claims("0"));
            let form = json!({"good": good, "faulty": signer.faulty(typ), "pool": pool});
            forms.insert(typ.to_owned(), form);
        }
        let key = json!({"jwk": signer.jwk, "pem": signer.pem, "forms": forms});
        algorithms.insert(signer.algorithm.to_owned(), key);
    }
    let sample = json!({
        "issuer": ISSUER, "audience": AUDIENCE, "scope": SCOPE, "subject": SUBJECT,
        "jwks": {"keys": keys}, "algorithms": algorithms,
    });
    fs::write(folder.join("sample.json"), sample.to_string())?;
    Sample::read(folder)?.write_plainly(folder)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

/// What RFC 9068 asks for, and `nbf`.
fn claims(id: &str) -> Value {
    let now = now();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT, "client_id": "client-7c1e5a90", "iat": now - 60,
        "nbf": now - 60, "exp": now + 86_400, "jti": format!("f3a9c1d2-7b64-4e0f-9a55-{id:0>12}"),
        "scope": format!("{SCOPE} mcp:tools:search mcp:resources:read mcp:prompts:read profile"),
    })
}

/// The claims with one changed, or taken out.
fn but(name: &str, value: Value) -> Value {
    let mut claims = claims("0");
    claims[name] = value;
    claims
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8> + Sync>;

struct Signer {
    algorithm: &'static str,
    jwk: Value,
    pem: String,
    sign: Sign,
}

impl Signer {
    fn token(&self, typ: &str, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm, "typ": typ, "kid": self.jwk["kid"]});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = (self.sign)(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn distinct(&self, typ: &str, count: usize) -> Vec<String> {
        let numbers: Vec<usize> = (1..=count).collect();
        std::thread::scope(|scope| {
            let halves = numbers.chunks(count.div_ceil(2)).map(|half| {
                scope.spawn(move || {
                    half.iter().map(|id| self.token(typ, &claims(&id.to_string()))).collect::<Vec<_>>()
                })
            });
            let started: Vec<_> = halves.collect();
            started.into_iter().flat_map(|half| half.join().expect("a signer")).collect()
        })
    }

    /// What a resource server should refuse; who asks a library for a check sees whether it is made.
    fn faulty(&self, typ: &str) -> Value {
        let now = now();
        let other_typ = if typ == "JWT" { "at+jwt" } else { "JWT" };
        json!({
            "signature": forged(&self.token(typ, &claims("0"))),
            "issuer": self.token(typ, &but("iss", "https://other.example.com".into())),
            "audience": self.token(typ, &but("aud", "https://other.example.com/mcp".into())),
            "expired": self.token(typ, &but("exp", (now - 3600).into())),
            "not yet valid": self.token(typ, &but("nbf", (now + 86_000).into())),
            "scope": self.token(typ, &but("scope", "profile".into())),
            "typ": self.token(other_typ, &claims("0")),
        })
    }
}

/// The same with one bit of the signature turned.
fn forged(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("a JWS");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn signers() -> Result<Vec<Signer>, Box<dyn Error>> {
    Ok(vec![rsa("RS256", &RSA_PKCS1_SHA256)?, rsa("PS256", &RSA_PSS_SHA256)?, p256()?, ed25519()?])
}

fn rsa(algorithm: &'static str, encoding: &'static dyn RsaEncoding) -> Result<Signer, Box<dyn Error>> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let [n, e] = [pair.public_key().modulus(), pair.public_key().exponent()]
        .map(|number| URL_SAFE_NO_PAD.encode(number.big_endian_without_leading_zero()));
    Ok(Signer {
        algorithm,
        jwk: jwk(algorithm, &json!({"kty": "RSA", "n": n, "e": e})),
        pem: pem(pair.public_key())?,
        sign: Box::new(move |message| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("a signature");
            signature
        }),
    })
}

fn p256() -> Result<Signer, Box<dyn Error>> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    Ok(Signer {
        algorithm: "ES256",
        jwk: jwk("ES256", &json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})),
        pem: pem(pair.public_key())?,
        sign: Box::new(move |message| {
            pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
        }),
    })
}

fn ed25519() -> Result<Signer, Box<dyn Error>> {
    let pair = Ed25519KeyPair::generate()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Ok(Signer {
        algorithm: "EdDSA",
        jwk: jwk("EdDSA", &json!({"kty": "OKP", "crv": "Ed25519", "x": x})),
        pem: pem(pair.public_key())?,
        sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
    })
}

fn jwk(algorithm: &str, members: &Value) -> Value {
    let mut jwk = json!({"kid": format!("2026-{algorithm}"), "use": "sig", "alg": algorithm});
    for (name, value) in members.as_object().expect("an object") {
        jwk[name] = value.clone();
    }
    jwk
}

fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<String, Box<dyn Error>> {
    let text = STANDARD.encode(key.as_der()?.as_ref());
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line));
    Ok(format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.collect::<Vec<_>>().join("\n")
    ))
}
