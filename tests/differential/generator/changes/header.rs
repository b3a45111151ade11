//! Members of the header: those that are read, those that must refuse a token, and those that must not matter.

use super::values::member;
use crate::change::{Change, Part, Step};
use crate::members::quoted;
use crate::profile::Base;

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = algorithm(base);
    changes.extend(key_id(base));
    changes.extend(kind(base));
    changes.extend(critical(base));
    changes.extend(keys_inside(base));
    changes.extend(encryption(base));
    changes.extend(without_meaning(base));
    changes
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| quoted(value)).collect()
}

/// Signed by the same key as before, whatever the header calls it.
fn algorithm(base: &Base) -> Vec<Change> {
    let name = base.scheme.name();
    let mut values = strings(&[
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256",
        "HS384",
        "HS512",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "Ed25519",
        "Ed448",
        "ESP256",
        "ML-DSA-44",
        "dir",
        "RSA-OAEP",
        "RSA-OAEP-256",
        "ECDH-ES",
        "A128GCM",
        "RS1",
        "eddsa",
        "ED25519",
    ]);
    values.extend(strings(&[
        &name.to_lowercase(),
        &format!(" {name}"),
        &format!("{name} "),
        &format!("{name}\0"),
        &format!("{name},none"),
        &format!("{name}\u{200b}"),
        &name.replace('S', "\u{ff33}"),
    ]));
    member("header-alg", base, Part::Header, "alg", &values)
}

fn key_id(base: &Base) -> Vec<Change> {
    let kid = &base.key.kid;
    let mut values = strings(&[
        &base.other_key.kid,
        &kid.to_uppercase(),
        &format!(" {kid}"),
        &format!("{kid} "),
        &format!("{kid}\0"),
        &kid.replace('-', "\u{2010}"),
        "nobody",
        "0",
        "oct",
        "rs256-1",
        "ps256-1",
        "es256-1",
        "eddsa-1",
        "../../../etc/passwd",
        "' OR 1=1 --",
        "__proto__",
        "constructor",
        "toString",
        "*",
        "http://127.0.0.1/jwks",
        "\u{1f511}",
    ]);
    values.extend(strings(&[
        "a".repeat(255).as_str(),
        &"a".repeat(256),
        &"a".repeat(257),
        &"\u{e9}".repeat(129),
    ]));
    member("header-kid", base, Part::Header, "kid", &values)
}

fn kind(base: &Base) -> Vec<Change> {
    let values = strings(&[
        "at+jwt",
        "AT+JWT",
        "At+Jwt",
        "application/at+jwt",
        "Application/AT+JWT",
        "application/AT+jwt",
        "JWT",
        "jwt",
        "Jwt",
        "application/jwt",
        "id+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "at+jwt ",
        " at+jwt",
        "at+jwt;charset=utf-8",
        "text/at+jwt",
        "application//at+jwt",
        "/at+jwt",
        "application/",
        "at jwt",
        "at+JWS",
        "JOSE",
        "JOSE+JSON",
        "at+jwt\0",
        "a\u{200b}t+jwt",
        "refresh+jwt",
        "entity-statement+jwt",
        "JWS",
        "JWE",
        "vnd.example+jwt",
        "at-jwt",
        "kb+jwt",
        "sd+jwt",
    ]);
    member("header-typ", base, Part::Header, "typ", &values)
}

fn critical(base: &Base) -> Vec<Change> {
    let values = [
        r#"["alg"]"#,
        r#"["kid"]"#,
        r#"["typ"]"#,
        r#"["exp"]"#,
        r#"["b64"]"#,
        r#"["b64","b64"]"#,
        r#"["crit"]"#,
        r#"["none"]"#,
        r#"["http://example.com/UNDEFINED"]"#,
        r#"["iss"]"#,
        r#"[""]"#,
        r#"["alg","alg"]"#,
        r#""b64""#,
        r#""alg""#,
        r#"["jwk"]"#,
        r#"["cty"]"#,
    ]
    .map(str::to_owned);
    let mut changes = member("header-crit", base, Part::Header, "crit", &values);
    changes.extend(member("header-b64", base, Part::Header, "b64", &[]));
    for (crit, name, value) in [
        (r#"["b64"]"#, "b64", "true"),
        (r#"["b64"]"#, "b64", "false"),
        (r#"["b64"]"#, "b64", "null"),
        (r#"["exp"]"#, "exp", "1"),
        (r#"["x"]"#, "x", "1"),
        (r#"["cty"]"#, "cty", r#""JWT""#),
        (r#"["jku"]"#, "jku", r#""https://evil.test/jwks""#),
        (r#"["urn:example"]"#, "urn:example", "null"),
    ] {
        let text = format!("header: crit {crit} with {name} {value}");
        let step = Step::header(move |members| {
            members.set("crit", crit);
            members.set(name, value);
        });
        changes.push(Change::new("header-crit", text, step));
    }
    changes
}

/// Keys, and places to find keys, that a token brings along.
fn keys_inside(base: &Base) -> Vec<Change> {
    let jwk = base.key.jwk(&[("alg", base.scheme.name())]).to_string();
    let other = base.other_key.jwk(&[("alg", base.scheme.name())]).to_string();
    let urls = strings(&[
        "https://evil.test/jwks",
        "https://issuer.test/jwks",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "jwks",
    ]);
    let certificates = [r#"["MIIB"]"#.to_owned(), r#"["MIIB","MIIC"]"#.to_owned(), r#""MIIB""#.to_owned()];
    let prints = strings(&["AAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
    let mut changes = member("header-keys", base, Part::Header, "jwk", &[jwk, other.clone()]);
    changes.extend(member("header-keys", base, Part::Header, "jku", &urls));
    changes.extend(member("header-keys", base, Part::Header, "x5u", &urls));
    changes.extend(member("header-keys", base, Part::Header, "x5c", &certificates));
    changes.extend(member("header-keys", base, Part::Header, "x5t", &prints));
    changes.extend(member("header-keys", base, Part::Header, "x5t#S256", &prints));
    for with_kid in [true, false] {
        let (other, key, scheme) = (other.clone(), base.other_key.clone(), base.scheme);
        let text = format!(
            "header: jwk is another key, which signs, {} kid",
            if with_kid { "with" } else { "without" }
        );
        let put = Step::header(move |members| {
            members.set("jwk", &other);
            if !with_kid {
                members.remove("kid");
            }
        });
        let sign = Step::sign(move |input| key.sign(scheme, input));
        changes.push(Change { class: "header-keys", what: text, steps: vec![put, sign] });
    }
    changes
}

fn encryption(base: &Base) -> Vec<Change> {
    let mut changes =
        member("header-enc", base, Part::Header, "enc", &strings(&["A256GCM", "A128CBC-HS256", "none"]));
    changes.extend(member("header-zip", base, Part::Header, "zip", &strings(&["DEF", "GZIP", "none"])));
    changes
}

/// Members that are defined and not read, and members that no one defines.
fn without_meaning(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in
        ["cty", "iss", "aud", "exp", "nonce", "epk", "apu", "p2c", "url", "ppt", "x", "__proto__", "\u{e9}"]
    {
        changes.extend(member("header-other", base, Part::Header, name, &strings(&["JWT", "at+jwt"])));
    }
    changes
}
