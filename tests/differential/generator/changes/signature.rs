//! The bytes of the signature: every one of them, how many there are, and the numbers that they stand for.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::change::{Change, Step};
use crate::profile::Base;
use crate::signing::Scheme;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = bits(base);
    changes.extend(lengths(base));
    changes.extend(constants());
    match base.scheme {
        Scheme::Ps256 => changes.push(without_a_leading_zero(base)),
        Scheme::Es256 => changes.extend(ecdsa(base)),
        Scheme::EdDsa => changes.extend(ed25519()),
        _ => (),
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
    // Nothing, or so much that by chance no two are the same, and no leading zero byte of an RSA signature gets lost.
    for left in [0, 16, 24, 31, 32, 33, length / 2, length - 32, length - 3, length - 2, length - 1] {
        changes.push(signature("signature-length", format!("the first {left} bytes"), move |signature| {
            signature.truncate(left)
        }));
        if left + 16 <= length {
            changes.push(signature("signature-length", format!("the last {left} bytes"), move |signature| {
                signature.drain(..signature.len().saturating_sub(left));
            }));
        }
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

/// The same number in fewer bytes than the modulus has. A signature that begins with a zero byte is drawn for it.
fn without_a_leading_zero(base: &Base) -> Change {
    let (key, scheme) = (Arc::clone(&base.key), base.scheme);
    let sign = move |input: &[u8]| loop {
        if let [0, rest @ ..] = key.sign(scheme, input).as_slice() {
            return rest.to_vec();
        }
    };
    Change::new("signature-zero", "signature: without the zero byte that it begins with", Step::sign(sign))
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
