//! Who signs what: the right key over something else, other keys, secrets that are none, and other algorithms.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::change::{Change, Step};
use crate::profile::Base;
use crate::signing::{Scheme, SigningKey};

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = other_inputs(base);
    changes.extend(other_keys(base));
    changes.extend(secrets(base));
    if base.scheme.is_rsa() {
        changes.extend(other_algorithms(base));
    }
    changes
}

/// The right key over something else.
fn other_inputs(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for what in [
        "the header",
        "the payload",
        "nothing",
        "a dot after it",
        "the decoded parts",
        "a colon for the dot",
        "upper case",
    ] {
        let (key, scheme) = (Arc::clone(&base.key), base.scheme);
        let sign = move |input: &[u8]| {
            let dot = input.iter().position(|byte| *byte == b'.').unwrap_or(input.len());
            let (header, payload) = (&input[..dot], &input[(dot + 1).min(input.len())..]);
            let decoded = |code: &[u8]| URL_SAFE_NO_PAD.decode(code).unwrap_or_default();
            let signed = match what {
                "the header" => header.to_vec(),
                "the payload" => payload.to_vec(),
                "a dot after it" => [input, b"."].concat(),
                "the decoded parts" => [&decoded(header), &b"."[..], &decoded(payload)].concat(),
                "a colon for the dot" => [header, b":", payload].concat(),
                "upper case" => input.to_ascii_uppercase(),
                _ => Vec::new(),
            };
            key.sign(scheme, &signed)
        };
        changes.push(Change::new("signature-input", format!("signature: over {what}"), Step::sign(sign)));
    }
    changes
}

fn other_keys(base: &Base) -> Vec<Change> {
    let scheme = base.scheme;
    let (other, unknown) = (Arc::clone(&base.other_key), Arc::new(SigningKey::generate("unknown", scheme)));
    let (renamed, nameless) = (Arc::clone(&other), Arc::clone(&base.key));
    let kid = base.other_key.kid.clone();
    vec![
        Change::new(
            "signature-key",
            "signature: by another key",
            Step::sign(move |input| other.sign(scheme, input)),
        ),
        Change::new(
            "signature-key",
            "signature: by an unknown key",
            Step::sign(move |input| unknown.sign(scheme, input)),
        ),
        Change {
            class: "signature-key",
            what: "signature: by another key, which kid names".into(),
            steps: vec![
                Step::header(move |members| members.set("kid", &format!("{kid:?}"))),
                Step::sign(move |input| renamed.sign(scheme, input)),
            ],
        },
        Change {
            class: "signature-key",
            what: "signature: by the key, which no kid names".into(),
            steps: vec![
                Step::header(|members| members.remove("kid")),
                Step::sign(move |input| nameless.sign(scheme, input)),
            ],
        },
    ]
}

/// HMAC with what everyone may know (RFC 8725 section 2.1).
fn secrets(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        let known = base.key.public_forms().into_iter().chain([
            ("the set's own secret", b"secret-secret-secret-secret".to_vec()),
            ("the kid", base.key.kid.clone().into_bytes()),
        ]);
        for (form, secret) in known {
            for (is_renamed, kid) in [(true, None), (false, None), (true, Some(r#""oct""#))] {
                let key = hmac::Key::new(algorithm, &secret);
                let mut steps = vec![Step::sign(move |input| hmac::sign(&key, input).as_ref().to_vec())];
                if is_renamed {
                    steps.push(Step::header(move |members| {
                        members.set("alg", &format!("{name:?}"));
                        if let Some(kid) = kid {
                            members.set("kid", kid);
                        }
                    }));
                }
                let what = format!(
                    "signature: {name} with {form}, the header says {}{}",
                    if is_renamed { "so" } else { "the old algorithm" },
                    kid.map_or(String::new(), |kid| format!(", kid {kid}"))
                );
                changes.push(Change { class: "signature-secret", what, steps });
            }
        }
    }
    changes
}

/// Every other algorithm of RSA by the same key.
fn other_algorithms(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    let schemes = [Scheme::Rs256, Scheme::Rs384, Scheme::Rs512, Scheme::Ps256, Scheme::Ps384, Scheme::Ps512];
    for scheme in schemes.into_iter().filter(|scheme| *scheme != base.scheme) {
        for (is_renamed, how) in [(true, "as the header says"), (false, "the header says the old one")] {
            let key = Arc::clone(&base.key);
            let mut steps = vec![Step::sign(move |input| key.sign(scheme, input))];
            if is_renamed {
                steps.push(Step::header(move |members| members.set("alg", &format!("{:?}", scheme.name()))));
            }
            let what = format!("signature: {} by the same key, {how}", scheme.name());
            changes.push(Change { class: "signature-algorithm", what, steps });
        }
    }
    changes
}
