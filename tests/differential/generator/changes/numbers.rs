//! Numbers that no claim of ours is, but that the parser must read, or refuse, as a part of the whole; and sizes.

use crate::change::Good;
use crate::change::{Change, Part, Step};
use crate::profile::Base;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for part in [Part::Header, Part::Payload] {
        for number in NUMBERS.iter().map(|number| (*number).to_owned()).chain([
            "1".repeat(100),
            "1".repeat(400),
            format!("0.{}", "1".repeat(400)),
            format!("1e{}", "0".repeat(100)),
        ]) {
            let what = format!("{}: a member x that is {}", part.name(), super::values::shortened(&number));
            let step = Step::members(part, move |members| members.set("x", &number));
            changes.push(Change::new("json-numbers", what, step));
        }
    }
    changes.extend(sizes(base));
    changes
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "0e0",
    "0E-0",
    "1e1",
    "1E+1",
    "0.1",
    "1e308",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1e309",
    "-1e309",
    "1E400",
    "1e-400",
    "5e-324",
    "1e99999",
    "1e-99999",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "01",
    "-01",
    "00",
    "+1",
    "-",
    ".5",
    "1.",
    "1.e1",
    "1e",
    "1e+",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1,000",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "1f",
    "1n",
    "\u{661}",
    "--1",
    "1-1",
    "1 2",
];

/// Tokens and headers at the lengths where someone draws a line.
fn sizes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for length in [384_usize, 385, 512, 1024, 2048, 4095, 4096, 4097, 8192] {
        let what = format!("header: {length} bytes");
        let pad = move |text: &mut Vec<u8>| {
            let filler = length.saturating_sub(text.len() + br#","x":"""#.len());
            text.pop();
            text.extend(format!(r#","x":"{}"}}"#, "x".repeat(filler)).bytes());
        };
        changes.push(Change::new("size", what, Step::text(Part::Header, pad)));
    }
    let header = base.header.text().len().div_ceil(3) * 4;
    let rest = Good::signature_code_length(base.scheme) + 2;
    for length in [
        4096, 8000, 8192, 16_000, 16_380, 16_381, 16_382, 16_383, 16_384, 16_385, 16_386, 16_387, 16_388,
        20_000, 65_536,
    ] {
        let what = format!("a token of about {length} bytes");
        let bytes = (length - rest - header) * 3 / 4;
        let pad = move |text: &mut Vec<u8>| text.resize(bytes, b' ');
        changes.push(Change::new("size", what, Step::text(Part::Payload, pad)));
    }
    changes
}
