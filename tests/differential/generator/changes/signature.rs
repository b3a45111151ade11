//! The signature: every byte of it, its length and form, other keys and other algorithms.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::change::{Change, Step};
use crate::profile::Base;
use crate::signing::{Scheme, SigningKey};

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = bits(base);
    changes.extend(lengths(base));
    changes.extend(constants());
    changes.extend(other_inputs(base));
    changes.extend(other_keys(base));
    changes.extend(secrets(base));
    match base.scheme {
        Scheme::Es256 => changes.extend(ecdsa(base)),
        Scheme::EdDsa => changes.extend(ed25519()),
        _ => changes.extend(other_rsa_algorithms(base)),
    }
    changes
}

fn signature(
    class: &'static str,
    what: impl Into<String>,
    edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
) -> Change {
    Change::new(class, format!("signature: {}", what.into()), Step::signature(edit))
}

/// Each bit of a short signature, two bits of each byte of a long one.
fn bits(base: &Base) -> Vec<Change> {
    let (bytes, step) = if base.scheme.is_rsa() { (256, 4) } else { (64, 1) };
    let places = (0..bytes).flat_map(move |byte| (byte % step..8).step_by(step).map(move |bit| (byte, bit)));
    places
        .map(|(byte, bit)| {
            signature("signature-bits", format!("bit {bit} of byte {byte} flipped"), move |signature| {
                if let Some(byte) = signature.get_mut(byte) {
                    *byte ^= 1 << bit;
                }
            })
        })
        .collect()
}

fn lengths(base: &Base) -> Vec<Change> {
    let length = if base.scheme.is_rsa() { 256 } else { 64 };
    let mut changes = Vec::new();
    for left in [0, 1, 2, 31, 32, 33, length / 2, length - 32, length - 3, length - 2, length - 1] {
        changes.push(signature("signature-length", format!("the first {left} bytes"), move |signature| {
            signature.truncate(left)
        }));
        changes.push(signature("signature-length", format!("the last {left} bytes"), move |signature| {
            signature.drain(..signature.len().saturating_sub(left));
        }));
    }
    for more in [1, 2, 3, 32, 64, 256] {
        for (name, byte) in [("zero", 0), ("0xff", 0xff)] {
            let after = move |signature: &mut Vec<u8>| signature.extend(vec![byte; more]);
            changes.push(signature("signature-length", format!("{more} {name} bytes after"), after));
            let before =
                move |signature: &mut Vec<u8>| *signature = [&vec![byte; more][..], signature].concat();
            changes.push(signature("signature-length", format!("{more} {name} bytes before"), before));
        }
    }
    changes.push(signature("signature-length", "twice", |signature| signature.extend_from_within(..)));
    changes
}

/// Signatures of the right length that are made of nothing.
fn constants() -> Vec<Change> {
    let mut changes = Vec::new();
    for byte in [0, 1, 0x7f, 0x80, 0xff] {
        changes.push(signature("signature-form", format!("all bytes {byte}"), move |signature| {
            signature.fill(byte)
        }));
    }
    changes.push(signature("signature-form", "the last byte 1, all others 0", |signature| {
        signature.fill(0);
        if let Some(last) = signature.last_mut() {
            *last = 1;
        }
    }));
    changes.push(signature("signature-form", "backwards", |signature| signature.reverse()));
    changes.push(signature("signature-form", "halves swapped", |signature| {
        let half = signature.len() / 2;
        signature.rotate_left(half);
    }));
    changes.push(signature("signature-form", "in base64url once more", |signature| {
        *signature = URL_SAFE_NO_PAD.encode(&signature).into_bytes();
    }));
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

fn other_rsa_algorithms(base: &Base) -> Vec<Change> {
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

/// The order of the group of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn ecdsa(base: &Base) -> Vec<Change> {
    let key = Arc::clone(&base.key);
    let der = Step::sign(move |input| key.sign(Scheme::Es256Der, input));
    let mut changes = vec![
        Change::new("signature-form", "signature: in DER", der),
        // Valid: ECDSA has two signatures for each, and JWS forbids neither.
        signature("signature-twin", "n - s for s", |signature| {
            if let Some(s) = signature.get_mut(32..64) {
                s.copy_from_slice(&difference(&ORDER, s));
            }
        }),
        signature("signature-form", "n - r for r", |signature| {
            if let Some(r) = signature.get_mut(..32) {
                r.copy_from_slice(&difference(&ORDER, r));
            }
        }),
    ];
    let numbers = [
        ("0", [0; 32]),
        ("1", one()),
        ("n", ORDER),
        ("n - 1", difference(&ORDER, &one())),
        ("2^256 - 1", [0xff; 32]),
    ];
    for (r_name, r) in numbers {
        for (s_name, s) in numbers {
            let edit = move |signature: &mut Vec<u8>| *signature = [r, s].concat();
            changes.push(signature("signature-form", format!("r = {r_name}, s = {s_name}"), edit));
        }
        let half =
            move |signature: &mut Vec<u8>| signature.splice(..32.min(signature.len()), r).for_each(drop);
        changes.push(signature("signature-form", format!("r = {r_name}"), half));
        let half =
            move |signature: &mut Vec<u8>| signature.splice(32.min(signature.len()).., r).for_each(drop);
        changes.push(signature("signature-form", format!("s = {r_name}"), half));
    }
    changes
}

fn one() -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    one
}

/// The difference of two numbers of 32 bytes, the highest first.
fn difference(from: &[u8; 32], less: &[u8]) -> [u8; 32] {
    let mut result = [0; 32];
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from(from[place]) - i16::from(less[place]) - borrow;
        borrow = i16::from(digit < 0);
        result[place] = digit.rem_euclid(256) as u8;
    }
    result
}

/// The order of the group of Ed25519, the lowest byte first.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn ed25519() -> Vec<Change> {
    let mut changes = Vec::new();
    for times in 1..=8 {
        let edit = move |signature: &mut Vec<u8>| (0..times).for_each(|_| add_order(signature));
        changes.push(signature("signature-form", format!("S + {times} L for S"), edit));
    }
    let mut identity = [0; 32];
    identity[0] = 1;
    let points = [
        ("the neutral element", identity),
        ("zero", [0; 32]),
        ("2^255 - 1", [0xff; 32]),
        ("L", ED25519_ORDER),
    ];
    for (name, point) in points {
        let edit =
            move |signature: &mut Vec<u8>| signature.splice(..32.min(signature.len()), point).for_each(drop);
        changes.push(signature("signature-form", format!("R is {name}"), edit));
        let edit = move |signature: &mut Vec<u8>| *signature = [point, [0; 32]].concat();
        changes.push(signature("signature-form", format!("R is {name}, S is 0"), edit));
    }
    changes
}

fn add_order(signature: &mut [u8]) {
    let mut carry = 0;
    for (digit, more) in signature.iter_mut().skip(32).zip(ED25519_ORDER) {
        let sum = u16::from(*digit) + u16::from(more) + carry;
        carry = sum >> 8;
        *digit = sum.to_le_bytes()[0];
    }
}
