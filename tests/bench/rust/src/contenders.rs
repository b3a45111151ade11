//! Who is timed: each takes an Authorization value and says whether it is good and of that subject.

use std::error::Error;
use std::hint::black_box;

use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use scopegate_core::{Request, ResourceServer};
use serde::Deserialize;
use serde_json::Value;

use crate::sample::Sample;

pub(crate) type Check = Box<dyn Fn(&str) -> bool + Sync>;
pub(crate) type Made = Result<Check, Box<dyn Error>>;

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// `ours`, `rival`, `limit` or `piece`.
    pub(crate) kind: &'static str,
    /// For an algorithm.
    pub(crate) make: fn(&Sample, &str) -> Made,
}

pub(crate) const CONTENDERS: [Contender; 5] = [
    Contender {
        name: "Scopegate",
        kind: "ours",
        make: |sample, algorithm| scopegate(sample, algorithm, true),
    },
    Contender {
        name: "Scopegate, cache off",
        kind: "ours",
        make: |sample, algorithm| scopegate(sample, algorithm, false),
    },
    Contender { name: "jsonwebtoken", kind: "rival", make: jsonwebtoken },
    Contender { name: "signature alone", kind: "limit", make: signature },
    Contender { name: "SHA-256 of the token", kind: "piece", make: digest },
];

fn scopegate(sample: &Sample, algorithm: &str, keep: bool) -> Made {
    let gate = ResourceServer::from_json(&sample.configuration(algorithm, keep))?;
    let subject = sample.subject.clone();
    Ok(Box::new(move |authorization| {
        let lines = [authorization.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines);
        gate.authorize(&request).is_ok_and(|token| token.subject() == Some(&subject))
    }))
}

/// What a server goes on to read; jsonwebtoken reads it all the same.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[allow(dead_code)]
    client_id: String,
    #[allow(dead_code)]
    scope: String,
}

fn jsonwebtoken(sample: &Sample, algorithm: &str) -> Made {
    let jwk: Jwk = serde_json::from_value(sample.algorithms[algorithm].jwk.clone())?;
    let key = DecodingKey::from_jwk(&jwk)?;
    let mut validation = Validation::new(algorithm.parse::<Algorithm>()?);
    validation.set_issuer(&[&sample.issuer]);
    validation.set_audience(&[&sample.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.validate_nbf = true;
    let subject = sample.subject.clone();
    Ok(Box::new(move |authorization| {
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        jsonwebtoken::decode::<Claims>(token, &key, &validation).is_ok_and(|data| data.claims.sub == subject)
    }))
}

/// The limit: what no validator can be faster than without keeping what it verified. Message and signature are at hand.
fn signature(sample: &Sample, algorithm: &str) -> Made {
    let key = parsed(algorithm, &sample.algorithms[algorithm].jwk)?;
    let parts = |authorization: &str| {
        let (message, signature) = authorization.strip_prefix("Bearer ")?.rsplit_once('.')?;
        Some((message.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).ok()?))
    };
    let good = format!("Bearer {}", sample.good(algorithm));
    let (message, signature) = parts(&good).ok_or("expected a JWS")?;
    Ok(Box::new(move |authorization| {
        if authorization == good {
            return key.verify_sig(black_box(&message), black_box(&signature)).is_ok();
        }
        parts(authorization).is_some_and(|(message, signature)| key.verify_sig(&message, &signature).is_ok())
    }))
}

fn parsed(algorithm: &str, jwk: &Value) -> Result<ParsedPublicKey, Box<dyn Error>> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default());
    Ok(match algorithm {
        "ES256" => {
            let point = [vec![4], part("x")?, part("y")?].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?
        }
        "EdDSA" => ParsedPublicKey::new(&ED25519, part("x")?)?,
        _ => {
            let checks =
                if algorithm == "RS256" { &RSA_PKCS1_2048_8192_SHA256 } else { &RSA_PSS_2048_8192_SHA256 };
            PublicKeyComponents { n: part("n")?, e: part("e")? }.to_parsed_public_key(checks)?
        }
    })
}

fn digest(_: &Sample, _: &str) -> Made {
    Ok(Box::new(|authorization| {
        black_box(digest::digest(&digest::SHA256, authorization.as_bytes()));
        true
    }))
}
