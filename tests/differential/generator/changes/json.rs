//! The JSON of header and payload: blanks, repeated members, depth, and texts that are not one JSON object.

use crate::change::{Change, Part, Step};
use crate::members::Members;
use crate::profile::Base;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for part in [Part::Header, Part::Payload] {
        changes.extend(blanks(part));
        changes.extend(repeated(base, part));
        changes.extend(nested(part));
        changes.extend(other_texts(part));
    }
    changes
}

pub(super) fn text(
    class: &'static str,
    part: Part,
    what: &str,
    edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
) -> Change {
    Change::new(class, format!("{}: {what}", part.name()), Step::text(part, edit))
}

pub(super) fn member(
    class: &'static str,
    part: Part,
    what: &str,
    edit: impl Fn(&mut Members) + Send + Sync + 'static,
) -> Change {
    Change::new(class, format!("{}: {what}", part.name()), Step::members(part, edit))
}

pub(super) fn replaced(text: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    match text.windows(from.len()).position(|window| window == from.as_bytes()) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// Blanks of JSON and others, at both ends and between.
fn blanks(part: Part) -> Vec<Change> {
    let blanks: [&[u8]; 12] = [
        b" ",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n\t ",
        b"\x0b",
        b"\x0c",
        b"\0",
        b"\xc2\xa0",
        b"\xe2\x80\xa8",
        b"\xe3\x80\x80",
        b"\x1f",
    ];
    let mut changes = Vec::new();
    for blank in blanks {
        let name = blank.escape_ascii();
        let before = move |text: &mut Vec<u8>| *text = [blank, text].concat();
        changes.push(text("json-blanks", part, &format!("{name} before"), before));
        let after = move |text: &mut Vec<u8>| text.extend(blank);
        changes.push(text("json-blanks", part, &format!("{name} after"), after));
        for (place, from) in
            [("after the brace", "{"), ("before a colon", ":"), ("after a comma", ","), ("in a name", "a")]
        {
            let edit = move |text: &mut Vec<u8>| {
                let to = if place == "before a colon" {
                    [blank, from.as_bytes()].concat()
                } else {
                    [from.as_bytes(), blank].concat()
                };
                *text = replaced(text, from, &to);
            };
            changes.push(text("json-blanks", part, &format!("{name} {place}"), edit));
        }
    }
    changes
}

/// Every member of the good token twice: the same or another value, first or last, escaped or in another case.
fn repeated(base: &Base, part: Part) -> Vec<Change> {
    let members = if part == Part::Header { &base.header } else { &base.payload };
    let mut changes = Vec::new();
    for name in members.names() {
        let value = members.get(&name).unwrap_or("null").to_owned();
        let (first, rest) = name.split_at(1);
        let escaped = format!(r#""\u{:04x}{rest}""#, u32::from(first.as_bytes()[0]));
        let upper = format!(r#""\u{:04X}{rest}""#, u32::from(first.as_bytes()[0]));
        for (spelling, written) in
            [("plain", format!("{name:?}")), ("escaped", escaped), ("escaped in capitals", upper)]
        {
            for other in [value.as_str(), "null", r#""x""#, "0", r#"["x"]"#] {
                let (written, other_text) = (written.clone(), other.to_owned());
                let (again, other_again) = (written.clone(), other_text.clone());
                let what = format!("{name} ({spelling}) again as {}", super::values::shortened(other));
                let last = move |members: &mut Members| members.put_last(&written, &other_text);
                changes.push(member("json-repeated", part, &format!("{what}, last"), last));
                let first = move |members: &mut Members| members.put_first(&again, &other_again);
                changes.push(member("json-repeated", part, &format!("{what}, first"), first));
            }
        }
    }
    for inner in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"a":1,"a":1}]"#,
        r#"{"b":{"a":1,"a":1}}"#,
        r#"{"":1,"":1}"#,
        r#"{"a":1,"A":1}"#,
        r#"{"__proto__":1,"__proto__":2}"#,
    ] {
        let put = move |members: &mut Members| members.set("x", inner);
        changes.push(member("json-repeated", part, &format!("a member x that is {inner}"), put));
    }
    changes
}

/// Lists and objects in one another. The object of the part is the first level.
fn nested(part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for depth in [1, 2, 8, 16, 29, 30, 31, 32, 33, 34, 63, 64, 65, 100, 127, 128, 129, 200] {
        for (open, middle, close) in
            [("[", "", "]"), (r#"{"x":"#, "1", "}"), (r#"[{"x":"#, "[]", "}]"), ("[", "1", "]")]
        {
            let value = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            let put = move |members: &mut Members| members.set("x", &value);
            changes.push(member("json-nested", part, &format!("{depth} times {open}{middle}{close}"), put));
        }
    }
    changes
}

/// In place of the object.
const WHOLE_TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "true",
    "false",
    "0",
    "1.5",
    r#""x""#,
    "[]",
    "{}",
    "[{}]",
    "{",
    "}",
    "{}{}",
    "{},{}",
    "{{}}",
    "()",
    "{1:1}",
    r#"{"x"}"#,
    r#"{"x":}"#,
    r#"{:1}"#,
    r#"{"x":1,}"#,
    r#"{,"x":1}"#,
    r#"{"x" 1}"#,
    r#"{"x";1}"#,
    r#"{"x"=1}"#,
    "{x:1}",
    "undefined",
    "<x/>",
    "x: 1",
    "%7B%7D",
    "e30",
];

/// What stands before and after the object.
const SURROUNDED: &[(&str, &str, &str)] = &[
    ("in a list", "[", "]"),
    ("in two lists", "[[", "]]"),
    ("in parentheses", "(", ")"),
    ("with a semicolon", "", ";"),
    ("with a comma", "", ","),
    ("with another brace", "", "}"),
    ("with an object after it", "", "{}"),
    ("with a word after it", "", "x"),
    ("with a comment after it", "", "//x"),
    ("with a comment before it", "/*x*/", ""),
    ("with a hash comment before it", "#x\n", ""),
    ("with )]}' before it", ")]}'\n", ""),
    ("with a zero byte after it", "", "\0"),
    ("with zero bytes after it", "", "\0\0\0\0"),
    ("with a record separator before it", "\u{1e}", "\n"),
    ("as a member", r#"{"x":"#, "}"),
];

/// What is replaced in the object, where it stands first, and by what.
const REPLACED: &[(&str, &str, &str)] = &[
    ("a comma before the first member", "{", "{,"),
    ("two commas", ",", ",,"),
    ("no comma", ",", " "),
    ("two colons", ":", "::"),
    ("equals for a colon", ":", "="),
    ("single quotes", "\"", "'"),
    ("a quote less", "\"", ""),
    ("a comment inside", ",", ",/*x*/"),
    ("a line comment inside", ",", ",//x\n"),
    ("an unquoted member", "{", "{x:1,"),
    ("a member that is undefined", "{", r#"{"x":undefined,"#),
    ("a member that is True", "{", r#"{"x":True,"#),
    ("a member that is nil", "{", r#"{"x":nil,"#),
    ("a member that is TRUE", "{", r#"{"x":TRUE,"#),
    ("a list with a comma at its end", "{", r#"{"x":[1,],"#),
    ("a list without its end", "{", r#"{"x":[1,"#),
];

/// What is not one JSON object, or is one only to some.
fn other_texts(part: Part) -> Vec<Change> {
    let mut changes = Vec::new();
    for whole in WHOLE_TEXTS {
        let edit = move |text: &mut Vec<u8>| *text = whole.as_bytes().to_vec();
        changes.push(text("json-shape", part, &format!("the text {whole:?}"), edit));
    }
    for (what, before, after) in SURROUNDED.iter().copied() {
        let edit = move |text: &mut Vec<u8>| *text = [before.as_bytes(), text, after.as_bytes()].concat();
        changes.push(text("json-shape", part, what, edit));
    }
    for (what, from, to) in REPLACED.iter().copied() {
        changes.push(text("json-shape", part, what, move |text| *text = replaced(text, from, to.as_bytes())));
    }
    changes.push(text("json-shape", part, "a comma after the last member", |text| {
        *text = [&text[..text.len() - 1], b",}"].concat();
    }));
    for less in 1..=8 {
        let edit = move |text: &mut Vec<u8>| text.truncate(text.len().saturating_sub(less));
        changes.push(text("json-shape", part, &format!("{less} bytes less"), edit));
    }
    changes
}
