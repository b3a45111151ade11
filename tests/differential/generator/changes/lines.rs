//! Authorization lines around a good token. Of the others only oauth4webapi reads lines, and RFC 9068 alone.

use crate::change::{Change, Step};
use crate::profile::Base;

/// $ stands for the token, a line feed begins another line.
const FORMS: &[&str] = &[
    "Bearer $",
    "bearer $",
    "BEARER $",
    "bEaReR $",
    "Bearer  $",
    "Bearer    $",
    "Bearer\t$",
    "Bearer \t$",
    "Bearer\t $",
    " Bearer $",
    "\tBearer $",
    "Bearer $ ",
    "Bearer $\t",
    "  Bearer   $  ",
    "Bearer$",
    "Bearer",
    "Bearer ",
    "",
    " ",
    "$",
    "Bearer:$",
    "Bearer: $",
    "Bearer=$",
    "Bearer,$",
    "Bearer \"$\"",
    "Bearer '$'",
    "Bearer token=$",
    "Bearer token=\"$\"",
    "Bearer Bearer $",
    "Bearer $ Bearer $",
    "Bearer $, Bearer $",
    "Bearer $,Bearer $",
    "Bearer $,",
    "Bearer ,$",
    "Bearer $;x",
    "Bearer $ x",
    "Bearer x $",
    "Bearer $ x=y",
    "Bearer $, x=y",
    "DPoP $",
    "dpop $",
    "Basic $",
    "Basic dXNlcjpwYXNz",
    "Token $",
    "JWT $",
    "OAuth $",
    "Negotiate $",
    "MAC $",
    "Bear $",
    "Bearers $",
    "Bearer-Token $",
    "X-Bearer $",
    "Bearer\u{a0}$",
    "Bearer \u{a0}$",
    "Bearer\u{e9} $",
    "\u{e9}Bearer $",
    "Bearer/$",
    "Bearer\u{c}$",
    "Bearer\u{b}$",
    "\"Bearer\" $",
    "Authorization: Bearer $",
    "Bearer $\u{e9}",
    "Bearer $=",
    "Bearer $==",
    "Bearer $.",
    "Bearer .$",
    "Bearer\n$",
    "Bearer $\nBearer $",
    "Bearer $\nBasic dXNlcjpwYXNz",
    "Basic dXNlcjpwYXNz\nBearer $",
    "Bearer $\n",
    "\nBearer $",
    "Bearer\nBearer $",
    "Bearer $\nDPoP $",
    "Bearer $\nBearer x\nBearer y",
    "Bearer undefined",
    "Bearer null",
    "Bearer [object Object]",
];

pub(super) fn changes(base: &Base) -> Vec<Change> {
    if !base.profile.is_rfc9068() {
        return Vec::new();
    }
    FORMS
        .iter()
        .map(|form| {
            let lines = move |token: &[u8]| form.split('\n').map(|line| filled(line, token)).collect();
            Change::new("lines", format!("lines: {form:?}"), Step::Lines(Box::new(lines)))
        })
        .collect()
}

/// The line as bytes (Latin-1), with the token for the dollar sign.
fn filled(line: &str, token: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for letter in line.chars() {
        match letter {
            '$' => bytes.extend(token),
            other => bytes.push(u8::try_from(u32::from(other)).expect("Latin-1")),
        }
    }
    bytes
}
