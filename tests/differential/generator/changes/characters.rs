//! The characters of header and payload: byte order marks, other encodings than UTF-8, bytes that are none, and strings
//! that readers take differently.

use super::json::{member, replaced, text};
use crate::change::{Change, Part};
use crate::members::Members;
use crate::profile::Base;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for part in [Part::Header, Part::Payload] {
        changes.extend(byte_order_marks(part));
        changes.extend(wide_encodings(part));
        changes.extend(not_utf8(part));
        changes.extend(strings(base, part));
    }
    changes
}

fn byte_order_marks(part: Part) -> Vec<Change> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    vec![
        text("json-encoding", part, "UTF-8 byte order mark", |text| *text = [MARK, text].concat()),
        text("json-encoding", part, "two byte order marks", |text| *text = [MARK, MARK, text].concat()),
        text("json-encoding", part, "byte order mark after", |text| text.extend(MARK)),
    ]
}

/// UTF-16 and UTF-32 in both orders, with and without a byte order mark.
fn wide_encodings(part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for bytes in [2, 4] {
        for is_big in [false, true] {
            for mark in [None, Some('\u{feff}')] {
                let order = if is_big { "BE" } else { "LE" };
                let with = if mark.is_some() { " with a byte order mark" } else { "" };
                let what = format!("UTF-{}{order}{with}", bytes * 8);
                let edit = move |text: &mut Vec<u8>| {
                    let characters = mark.into_iter().chain(text.iter().copied().map(char::from));
                    *text = characters.flat_map(|character| wide(character, bytes, is_big)).collect();
                };
                changes.push(text("json-encoding", part, &what, edit));
            }
        }
    }
    changes
}

fn wide(character: char, bytes: usize, is_big: bool) -> Vec<u8> {
    let unit = u32::from(character);
    if is_big { unit.to_be_bytes()[4 - bytes..].to_vec() } else { unit.to_le_bytes()[..bytes].to_vec() }
}

/// Sequences of bytes that are not UTF-8; the last one is.
const SEQUENCES: &[&[u8]] = &[
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"\xc3",
    b"\xc0\xaf",
    b"\xc1\x81",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xed\xb0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe2\x82",
    b"\xe9",
    b"\xc3\xa9",
];

fn not_utf8(part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for sequence in SEQUENCES.iter().copied() {
        let shown = sequence.escape_ascii();
        for (place, from) in [("in a value", r#":""#), ("at the start of a name", r#",""#)] {
            let edit = move |text: &mut Vec<u8>| {
                *text = replaced(text, from, &[from.as_bytes(), sequence].concat());
            };
            changes.push(text("json-encoding", part, &format!("{shown} {place}"), edit));
        }
        let unread = move |text: &mut Vec<u8>| {
            *text = [&text[..text.len() - 1], br#","x":""#, sequence, br#""}"#].concat();
        };
        changes.push(text("json-encoding", part, &format!("{shown} in an unread member"), unread));
    }
    changes
}

const STRINGS: &[&str] = &[
    r#""\ud800""#,
    r#""\udc00""#,
    r#""\ud83d\ude00""#,
    r#""\ude00\ud83d""#,
    r#""\ud800\ud800""#,
    r#""\uD800x""#,
    r#""\u0000""#,
    r#""\u0001""#,
    r#""\u007f""#,
    r#""\/""#,
    r#""\b\f\n\r\t""#,
    r#""\x41""#,
    r#""\a""#,
    r#""\u12""#,
    r#""\u{41}""#,
    r#""\U0041""#,
    r#""\""#,
    "\"\u{1}\"",
    "\"\t\"",
    "\"\n\"",
    "\"\u{7f}\"",
    "\"\u{fffe}\"",
    "\"\u{feff}\"",
    r#""\ufeff""#,
    r#""\ufffd""#,
    "'x'",
    "\u{201c}x\u{201d}",
];

/// Characters in strings: escapes, lone surrogates, U+0000, controls.
fn strings(base: &Base, part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for written in STRINGS.iter().copied() {
        let shown = written.escape_debug();
        let put = move |members: &mut Members| members.set("x", written);
        changes.push(member("json-strings", part, &format!("a member x that is {shown}"), put));
        let name = move |members: &mut Members| members.put_last(written, "1");
        changes.push(member("json-strings", part, &format!("a name that is {shown}"), name));
        for read in if part == Part::Header { ["kid", "typ"] } else { ["sub", "jti"] } {
            let put = move |members: &mut Members| members.set(read, written);
            changes.push(member("json-strings", part, &format!("{read} is {shown}"), put));
        }
    }
    let members = if part == Part::Header { &base.header } else { &base.payload };
    for name in members.names() {
        let escaped: String =
            name.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
        let what = format!("{name} written in escapes");
        let rename = move |members: &mut Members| members.rename(&name, &format!("\"{escaped}\""));
        changes.push(member("json-strings", part, &what, rename));
    }
    changes
}
