//! Dots and parts: none to five of them, empty ones, other serialisations, and what may stand around a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::change::{Change, Step};
use crate::profile::Base;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = shapes();
    changes.extend(other_serialisations());
    changes.extend(around());
    changes.extend(unsigned(base));
    changes
}

fn token(class: &'static str, what: &str, edit: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Change {
    Change::new(class, format!("token: {what}"), Step::token(edit))
}

/// The parts, as far as there are three.
fn split(token: &[u8]) -> [Vec<u8>; 3] {
    let mut parts = token.splitn(3, |byte| *byte == b'.').map(<[u8]>::to_vec);
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

/// `h`, `p` and `s` stand for the parts, all else for itself.
const SHAPES: &[&str] = &[
    "",
    "h",
    "p",
    "s",
    "hps",
    ".",
    "h.",
    ".h",
    "h.p",
    "p.s",
    "h.s",
    "..",
    "h..",
    ".p.",
    "..s",
    "h.p.",
    "h..s",
    ".p.s",
    "...",
    "h.p.s.",
    ".h.p.s",
    "h..p.s",
    "h.p..s",
    "h.p.s.s",
    "h.p.p.s",
    "h.p.s.A",
    "....",
    "h.p.s..",
    "..h.p.s",
    "h.p.s.s.s",
    "h..p..s",
    "h.p.s.A.A",
    "h....",
    ".....",
    "h.p.s...",
    "h.p.s.A.A.A",
    "p.h.s",
    "s.p.h",
    "h.s.p",
    "h.h.s",
    "p.p.s",
    "h.p.h",
    "h.p.p",
    "h.p.sh.p.s",
    "h.p.s.h.p.s",
    "h p s",
    "h,p,s",
    "h:p:s",
    "h/p/s",
    "h%2Ep%2Es",
    "h-p-s",
    "h.p,s",
    "h\u{ff0e}p\u{ff0e}s",
    "h.p~s",
    "h. p.s",
    "h .p.s",
    "h.p .s",
    "h\n.p.s",
    "h.\np.s",
    "h.p\n.s",
];

fn shapes() -> Vec<Change> {
    SHAPES
        .iter()
        .map(|shape| {
            token("parts", &format!("{shape:?}"), move |token| {
                let [header, payload, signature] = split(token);
                *token = shape
                    .chars()
                    .flat_map(|letter| match letter {
                        'h' => header.clone(),
                        'p' => payload.clone(),
                        's' => signature.clone(),
                        other => other.to_string().into_bytes(),
                    })
                    .collect();
            })
        })
        .collect()
}

/// The JSON serialisations of RFC 7515 section 7.2, plain and in base64url.
fn other_serialisations() -> Vec<Change> {
    let mut changes = Vec::new();
    for is_encoded in [false, true] {
        let how = if is_encoded { " in base64url" } else { "" };
        for form in ["flattened", "general", "a JSON string", "a list"] {
            changes.push(token("parts", &format!("as {form}{how}"), move |token| {
                let whole = String::from_utf8_lossy(token).into_owned();
                let [header, payload, signature] = split(token).map(|part| String::from_utf8_lossy(&part).into_owned());
                let text = match form {
                    "flattened" => {
                        format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#)
                    }
                    "general" => format!(
                        r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
                    ),
                    "a list" => format!(r#"["{header}","{payload}","{signature}"]"#),
                    _ => format!("{whole:?}"),
                };
                *token = if is_encoded { URL_SAFE_NO_PAD.encode(text).into_bytes() } else { text.into_bytes() };
            }));
        }
    }
    changes
}

/// What copying or a careless client may put around a token. White space that belongs to the field value is in `lines`.
const AROUND: &[(&str, &str)] = &[
    ("\t", ""),
    ("\n", ""),
    ("", "\n"),
    ("", "\r"),
    ("", "\r\n"),
    ("", "\u{b}"),
    ("", "\u{c}"),
    ("\0", ""),
    ("", "\0"),
    ("\u{feff}", ""),
    ("\u{a0}", ""),
    ("", "\u{200b}"),
    ("\"", "\""),
    ("'", "'"),
    ("<", ">"),
    ("(", ")"),
    ("", ","),
    ("", ";"),
    ("", "+"),
    ("", "/"),
    ("", " x"),
    ("x ", ""),
    ("Bearer ", ""),
    ("bearer ", ""),
    ("Bearer:", ""),
    ("token=", ""),
    ("access_token=", ""),
    ("urn:ietf:params:oauth:token-type:jwt:", ""),
    ("data:,", ""),
    ("", "#x"),
    ("", "?x"),
    ("", "&x=1"),
    ("", "%00"),
    ("", "%20"),
    ("", "~"),
    ("", "\u{1}"),
    ("", "\u{7f}"),
    ("", "\u{e9}"),
];

fn around() -> Vec<Change> {
    let mut changes = Vec::new();
    for (before, after) in AROUND {
        let edit = move |token: &mut Vec<u8>| *token = [before.as_bytes(), token, after.as_bytes()].concat();
        changes.push(token("around", &format!("{before:?} before, {after:?} after"), edit));
    }
    changes.push(token("around", "upper case", |token| token.make_ascii_uppercase()));
    changes.push(token("around", "lower case", |token| token.make_ascii_lowercase()));
    changes.push(token("around", "backwards", |token| token.reverse()));
    changes.push(token("around", "twice with a comma", |token| *token = [token, &b","[..], token].concat()));
    changes.push(token("around", "twice with a blank", |token| *token = [token, &b" "[..], token].concat()));
    changes
}

/// Tokens that say that they are not signed, with and without a signature.
fn unsigned(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "", "null", "HS256"] {
        for with_kid in [true, false] {
            let header = Step::header(move |members| {
                members.set("alg", &format!("{alg:?}"));
                if !with_kid {
                    members.remove("kid");
                }
            });
            let what = format!("alg {alg:?}, no signature{}", if with_kid { "" } else { ", no kid" });
            changes.push(Change {
                class: "unsigned",
                what,
                steps: vec![header, Step::signature(Vec::clear)],
            });
        }
    }
    for what in ["no signature", "no signature and no dot before it"] {
        let is_cut = what.len() > 12;
        let edit = move |token: &mut Vec<u8>| {
            let [header, payload, _] = split(token);
            let dot: &[u8] = if is_cut { b"" } else { b"." };
            *token = [&header, &b"."[..], &payload, dot].concat();
        };
        let name = format!("token: {what}, {}", base.scheme.name());
        changes.push(Change::new("unsigned", name, Step::token(edit)));
    }
    changes
}
