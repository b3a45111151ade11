//! Compact syntax and header of a token.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scopegate_core::{Reason, Request, ResourceServer};
use serde_json::{Value, json};

use crate::answer;
use crate::fields::Fields;
use crate::issuer::{self, NOW};
use crate::outcome::{self, Outcome};

/// Input: a form. `0`: a token as it stands. `1`: a header, to be signed with good claims. `2`: a header and a payload, to
/// be signed. `3`: where a good token is damaged (two digits of base 256), and the byte put there.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let token = match fields.choice(4) {
        0 => fields.rest().to_vec(),
        1 => issuer::sign(fields.rest(), GOOD_CLAIMS.as_bytes()).into_bytes(),
        2 => {
            let header = fields.next();
            issuer::sign(header, fields.rest()).into_bytes()
        }
        _ => return damage_is_noticed(fields.rest()),
    };
    let outcome = judge(&token);
    let syntax = Syntax::of(&token);
    match outcome {
        Outcome::Accepted(accepted) => {
            let Syntax::Token { header, payload, text } = syntax else { panic!("{syntax:?} is accepted") };
            let algorithm = header["alg"].as_str().expect("alg is a string");
            assert!(["EdDSA", "Ed25519", "ES256", "RS256", "PS256"].contains(&algorithm));
            let typ =
                header.get("typ").map(|typ| typ.as_str().expect("typ is a string").to_ascii_lowercase());
            let fits = |typ: String| ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str());
            assert!(typ.is_none_or(fits));
            assert!(
                header
                    .get("kid")
                    .is_none_or(|kid| ["ed-a", "ec-a", "rsa-a"].contains(&kid.as_str().unwrap_or("")))
            );
            assert_eq!(accepted.names[0].as_deref(), payload["iss"].as_str());
            assert_eq!(
                accepted.names[6].as_deref(),
                Some(&*text),
                "the claims are not those that were signed"
            );
        }
        Outcome::Refused(reason, _) => match syntax {
            Syntax::Missing => assert_eq!(reason, Reason::MissingToken),
            Syntax::Several => assert_eq!(reason, Reason::MultipleCredentials),
            Syntax::TooLarge => assert_eq!(reason, Reason::TokenTooLarge),
            Syntax::Malformed => assert_eq!(reason, Reason::MalformedToken),
            Syntax::MalformedOrCritical => {
                assert!(matches!(reason, Reason::MalformedToken | Reason::CriticalHeader), "{reason}");
            }
            // What plain readers accept may still repeat a member, or be too deep.
            Syntax::Token { .. } => assert_ne!(reason, Reason::MissingToken),
        },
        other => panic!("{other:?}"),
    }
}

static SERVER: LazyLock<ResourceServer> = LazyLock::new(|| issuer::server(json!({})));
static GOOD_CLAIMS: LazyLock<String> = LazyLock::new(|| issuer::claims("mcp:read").to_string());

fn judge(token: &[u8]) -> Outcome {
    let line = [b"Bearer ", token].concat();
    let lines = [line.as_slice()];
    let request = Request::new("GET", "/mcp").authorization(&lines).now(NOW);
    let first = SERVER.authorize(&request);
    let outcome = Outcome::of_result(first.as_ref().map_err(|rejection| &**rejection));
    assert_eq!(outcome, outcome::explained(&SERVER, &request), "the same token, another answer");
    match &first {
        Ok(token) => assert_eq!(format!("{token:?}"), "AccessToken { .. }"),
        Err(rejection) => {
            answer::is_in_the_table(rejection);
            let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').chain([token]).collect();
            answer::shows_none_of(rejection, &parts);
        }
    }
    outcome
}

/// Any other byte anywhere in a good token makes it a bad one.
fn damage_is_noticed(input: &[u8]) {
    let good = issuer::sign(issuer::HEADER.as_bytes(), GOOD_CLAIMS.as_bytes()).into_bytes();
    let [high, low, byte, ..] = *input else { return };
    let at = (usize::from(high) << 8 | usize::from(low)) % good.len();
    let mut damaged = good.clone();
    damaged[at] = byte;
    assert_eq!(matches!(judge(&damaged), Outcome::Accepted(_)), damaged == good, "byte {at} is {byte}");
}

/// What a plain reading of a token finds first.
#[derive(Debug)]
enum Syntax {
    Missing,
    Several,
    TooLarge,
    Malformed,
    /// Which of the two depends on what this reading does not look at.
    MalformedOrCritical,
    Token {
        header: Value,
        payload: Value,
        text: String,
    },
}

impl Syntax {
    fn of(token: &[u8]) -> Syntax {
        let end = token.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
        let start = token.iter().position(|byte| *byte != b' ').unwrap_or(end).min(end);
        let token = &token[start..end];
        if token.is_empty() {
            return Syntax::Missing;
        }
        if token.len() > 16 * 1024 {
            return Syntax::TooLarge;
        }
        if token.contains(&b',') {
            return Syntax::Several;
        }
        let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
        let [header, payload, signature] = parts[..] else { return Syntax::Malformed };
        let decode = |part: &[u8]| URL_SAFE_NO_PAD.decode(part).ok();
        let (Some(header), Some(payload), Some(_)) = (decode(header), decode(payload), decode(signature))
        else {
            return Syntax::Malformed;
        };
        if header.is_empty() || header.len() > 4096 {
            return Syntax::Malformed;
        }
        let Ok(header @ Value::Object(_)) = serde_json::from_slice::<Value>(&header) else {
            return Syntax::Malformed;
        };
        let has = |name: &str| header.get(name).is_some();
        let is_text = |name: &str| header.get(name).is_none_or(Value::is_string);
        let kid_fits =
            header.get("kid").is_none_or(|kid| (1..=256).contains(&kid.as_str().unwrap_or("").len()));
        if !has("alg") || !is_text("alg") || !is_text("typ") || !kid_fits || has("enc") || has("zip") {
            return Syntax::Malformed;
        }
        let payload = String::from_utf8(payload).ok().and_then(|text| {
            let payload = serde_json::from_str(&text).ok().filter(Value::is_object)?;
            Some((payload, text))
        });
        match (has("crit") || has("b64"), payload) {
            (true, Some(_)) => Syntax::MalformedOrCritical,
            (true, None) if token.split(|byte| *byte == b'.').nth(1) == Some(b"") => Syntax::Malformed,
            (true, None) => Syntax::MalformedOrCritical,
            (false, Some((payload, text))) => Syntax::Token { header, payload, text },
            (false, None) => Syntax::Malformed,
        }
    }
}
