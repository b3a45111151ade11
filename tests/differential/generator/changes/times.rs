//! The borders of time: each second, and less, around where a token begins and ceases to be good; and borders of numbers.

use crate::change::{Change, Step};
use crate::profile::{Base, LEEWAY, MAX_AGE};

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let now = base.profile.now;
    let mut changes = Vec::new();
    for (claim, border) in
        [("exp", now - LEEWAY), ("nbf", now + LEEWAY), ("iat", now + LEEWAY), ("iat", now - MAX_AGE - LEEWAY)]
    {
        for second in border - 5..=border + 5 {
            changes.push(at(claim, second.to_string()));
            for fraction in ["0", "000000001", "25", "5", "75", "999999", "9999999999999999"] {
                changes.push(at(claim, format!("{second}.{fraction}")));
            }
            for text in exponents(second) {
                changes.push(at(claim, text));
            }
        }
        let moments = [
            now,
            now - 1,
            now + 1,
            now - LEEWAY,
            now + LEEWAY,
            now - 86_400,
            now + 86_400,
            now * 1000,
            now / 1000,
        ];
        changes.extend(moments.map(|time| at(claim, time.to_string())));
    }
    for claim in ["exp", "nbf", "iat"] {
        changes.extend(BORDERS.iter().map(|number| at(claim, (*number).to_owned())));
        changes.push(at(claim, "9".repeat(400)));
        changes.push(at(claim, format!("{now}.{}", "0".repeat(400))));
        changes.push(at(claim, format!("0.{}1", "0".repeat(400))));
    }
    let mut seen = std::collections::BTreeSet::new();
    changes.retain(|change| seen.insert(change.what.clone()));
    changes
}

/// The same number with an exponent.
fn exponents(second: i64) -> [String; 4] {
    let digits = second.to_string();
    let (first, rest) = digits.split_at(1);
    [
        format!("{first}.{rest}e9"),
        format!("{first}.{rest}E+9"),
        format!("{digits}e0"),
        format!("{digits}0e-1"),
    ]
}

const BORDERS: &[&str] = &[
    "-0",
    "-0.0",
    "0.0",
    "0e0",
    "0.5",
    "-0.5",
    "-1",
    "-1e300",
    "1e-400",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "253402300799",
    "253402300800",
    "8640000000000",
    "8640000000001",
    "9007199254740990",
    "9007199254740991",
    "9007199254740991.0",
    "9007199254740992",
    "9007199254740993",
    "9.007199254740991e15",
    "9.007199254740992e15",
    "1e15",
    "1e16",
    "1e18",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e309",
    "-1e309",
    "1e999999",
    "NaN",
    "Infinity",
    "-Infinity",
];

fn at(claim: &'static str, time: String) -> Change {
    let what = format!("payload: {claim} is {}", super::values::shortened(&time));
    Change::new("time-borders", what, Step::payload(move |members| members.set(claim, &time)))
}
