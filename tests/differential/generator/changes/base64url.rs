//! The base64url of each part: padding, the other alphabet, unused bits, foreign characters, impossible lengths.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::change::{Change, Part, Step};
use crate::profile::Base;

const CLASS: &str = "base64url";

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for part in [Part::Header, Part::Payload, Part::Signature] {
        changes.extend(ends(part));
        changes.extend(foreign(part));
        changes.extend(unused_bits(base, part));
    }
    changes.extend([Part::Header, Part::Payload].map(other_alphabet));
    changes.extend(signature_in_the_other_alphabet(base));
    changes
}

fn code(part: Part, what: &str, edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Change {
    Change::new(CLASS, format!("{}: {what}", part.name()), Step::code(part, edit))
}

/// What is added to the end or taken from it.
fn ends(part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for after in ["=", "==", "===", "====", "A", "AA", "AAA", "AAAA", "-", "_", "%3D", "=A"] {
        changes.push(code(part, &format!("{after:?} after"), move |code| code.extend(after.bytes())));
    }
    // Of a signature no more: by chance the rest would be the canonical form of fewer bytes.
    for less in 1..=(if part == Part::Signature { 2 } else { 4 }) {
        let edit = move |code: &mut Vec<u8>| code.truncate(code.len().saturating_sub(less));
        changes.push(code(part, &format!("{less} characters less"), edit));
    }
    changes.push(code(part, "correct padding", |code| {
        while !code.len().is_multiple_of(4) {
            code.push(b'=');
        }
    }));
    changes.push(code(part, "encoded twice", |code| *code = URL_SAFE_NO_PAD.encode(&code).into_bytes()));
    changes.push(code(part, "not encoded", |code| *code = URL_SAFE_NO_PAD.decode(&code).unwrap_or_default()));
    changes.push(code(part, "empty", Vec::clear));
    changes.push(code(part, "in hexadecimal", |code| {
        let bytes = URL_SAFE_NO_PAD.decode(&code).unwrap_or_default();
        *code = bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    }));
    changes.push(code(part, "in lower case", |code| code.make_ascii_lowercase()));
    changes
}

/// Characters outside the alphabet, before, amid and after. What stands around the whole token is in `parts`.
fn foreign(part: Part) -> Vec<Change> {
    let characters: [&[u8]; 23] = [
        b" ",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x0b",
        b"\x0c",
        b"\0",
        b"\xa0",
        b"\xff",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
        b"\x7f",
        b"+",
        b"/",
        b"~",
        b"!",
        b"*",
        b"%20",
        b"\\",
        b"\"",
        b"|",
        b":",
    ];
    let mut changes = Vec::new();
    for character in characters {
        let shown = character.escape_ascii();
        if part != Part::Header {
            let before = move |code: &mut Vec<u8>| *code = [character, code].concat();
            changes.push(code(part, &format!("{shown} before"), before));
        }
        let amid = move |code: &mut Vec<u8>| {
            let middle = code.len() / 2;
            code.splice(middle..middle, character.iter().copied());
        };
        changes.push(code(part, &format!("{shown} amid"), amid));
        if part != Part::Signature {
            changes.push(code(part, &format!("{shown} after"), move |code| code.extend(character)));
        }
    }
    changes
}

/// Every way to set the bits of the last character that stand for nothing. Blanks after the JSON bring about both lengths.
fn unused_bits(base: &Base, part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    let lengths: &[usize] = if part == Part::Signature { &[1] } else { &[1, 2] };
    for over in lengths.iter().copied() {
        let bits = if over == 1 { 4 } else { 2 };
        for value in 1..1_u8 << bits {
            let set = move |code: &mut Vec<u8>| {
                if code.len() % 4 == over + 1 {
                    set_bits(code, value);
                }
            };
            let mut change = code(part, &format!("unused bits {value:0bits$b}"), set);
            if part != Part::Signature {
                change.steps.push(Step::text(part, move |text| {
                    while text.len() % 3 != over {
                        text.push(b' ');
                    }
                }));
            }
            changes.push(change);
        }
    }
    assert_eq!(if base.scheme.is_rsa() { 256 } else { 64 } % 3, 1, "a signature leaves four bits unused");
    changes
}

fn set_bits(code: &mut [u8], value: u8) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = |last: &u8| ALPHABET.iter().position(|character| character == last);
    if let Some(last) = code.last_mut()
        && let Some(place) = place(last)
    {
        *last = ALPHABET[place | usize::from(value)];
    }
}

/// `+` and `/` for `-` and `_`, which a member is there to bring about.
fn other_alphabet(part: Part) -> Change {
    let mut change = code(part, "the standard alphabet", to_standard);
    change.steps.push(Step::members(part, |members| members.put_first(r#""x""#, r#""???>>>~~~\u00ff""#)));
    change.steps.push(Step::text(part, |text| {
        let spread = ["???>>>", "~~~~~~", ">>>>>>"].concat();
        *text = String::from_utf8_lossy(text).replacen("???>>>", &spread, 1).into_bytes();
    }));
    change
}

fn to_standard(code: &mut Vec<u8>) {
    for character in code {
        match character {
            b'-' => *character = b'+',
            b'_' => *character = b'/',
            _ => (),
        }
    }
}

/// Where signatures of one text differ, one is drawn that holds both characters.
fn signature_in_the_other_alphabet(base: &Base) -> Option<Change> {
    if !base.scheme.is_random() {
        return None;
    }
    let (key, scheme) = (Arc::clone(&base.key), base.scheme);
    let mut change = code(Part::Signature, "the standard alphabet", to_standard);
    change.steps.push(Step::sign(move |input| {
        loop {
            let signature = key.sign(scheme, input);
            let code = URL_SAFE_NO_PAD.encode(&signature);
            if code.contains('-') && code.contains('_') {
                return signature;
            }
        }
    }));
    Some(change)
}
