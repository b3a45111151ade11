//! Compact JWS: from bytes to a header, a payload and a signature (RFC 7515 section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::memory::Owned;
use crate::json;
use crate::keys::jwk::MAX_KID_BYTES;
use crate::reason::Reason;
use crate::refusal::Refusal;

/// The largest decoded header, in bytes: one that holds keys or certificates is longer, and none of them is used.
const MAX_HEADER_BYTES: usize = 4096;

/// A token whose syntax is right. Nothing in it is verified.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) header: Header,
    /// The payload as signed.
    pub(crate) payload: String,
    pub(crate) claims: Map<String, Value>,
    pub(crate) signature: Vec<u8>,
    /// What the signature is over: header, dot, payload.
    pub(crate) signing_input: &'a [u8],
}

/// The header members that are read. `jku`, `x5u`, `jwk` and `x5c` are not: keys come from the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
}

impl<'a> Jws<'a> {
    /// Checks 7 to 9: the syntax of the token, its header and its payload.
    pub(crate) fn parse(token: &'a [u8]) -> Result<Jws<'a>, Refusal> {
        let parts = split(token)?;
        let header = decode(parts.header, "header")?;
        if header.len() > MAX_HEADER_BYTES {
            return Err(malformed("expected a header of at most 4096 bytes"));
        }
        let payload = decode(parts.payload, "payload")?;
        let signature = decode(parts.signature, "signature")?;
        let header = Header::parse(&header)?;
        let claims = json::parse_object(&payload).map_err(|error| {
            malformed(format!("expected the payload to be a strict JSON object: {error}"))
        })?;
        let payload =
            String::from_utf8(payload).map_err(|_| malformed("expected the payload to be UTF-8"))?;
        Ok(Jws { header, payload, claims, signature, signing_input: parts.signing_input })
    }
}

struct Parts<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    signing_input: &'a [u8],
}

/// Exactly two dots, found without making a list of what is between them; only the signature may be empty.
fn split(token: &[u8]) -> Result<Parts<'_>, Refusal> {
    let foreign = |byte: &u8| !matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if token.iter().any(foreign) {
        return Err(malformed("expected only base64url characters and dots"));
    }
    let dots = || malformed("expected three parts: header, payload and signature");
    let first = token.iter().position(|byte| *byte == b'.').ok_or_else(dots)?;
    let last = token.iter().rposition(|byte| *byte == b'.').ok_or_else(dots)?;
    let (signing_input, signature) = (token.get(..last), token.get(last + 1..));
    let (header, payload) = (token.get(..first), token.get(first + 1..last));
    match (header, payload, signature, signing_input) {
        (Some(header), Some(payload), Some(signature), Some(signing_input)) if !payload.contains(&b'.') => {
            if header.is_empty() || payload.is_empty() {
                return Err(malformed("expected a header and a payload that are not empty"));
            }
            Ok(Parts { header, payload, signature, signing_input })
        }
        _ => Err(dots()),
    }
}

/// Canonical base64url: no padding, unused bits zero (RFC 7515 section 2).
fn decode(part: &[u8], name: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed(format!("expected the {name} in canonical base64url")))
}

impl Header {
    fn parse(text: &[u8]) -> Result<Header, Refusal> {
        let members = json::parse_object(text)
            .map_err(|error| malformed(format!("expected the header to be a strict JSON object: {error}")))?;
        let string = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(format!("expected the header's {name} to be a string"))),
        };
        let (alg, typ, kid) = (string("alg")?, string("typ")?, string("kid")?);
        let alg = alg.ok_or_else(|| malformed("expected an alg in the header"))?;
        if kid.as_ref().is_some_and(|kid| !(1..=MAX_KID_BYTES).contains(&kid.len())) {
            return Err(malformed("expected a kid of 1 to 256 bytes"));
        }
        if members.contains_key("enc") || members.contains_key("zip") {
            return Err(malformed("expected a signed token, not an encrypted or compressed one"));
        }
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(Refusal::new(Reason::CriticalHeader, "expected a header without crit and b64"));
        }
        Ok(Header { alg, typ, kid })
    }

    /// Whether `typ` is that of an RFC 9068 access token, in any case and with or without its prefix.
    pub(crate) fn is_access_token_type(&self) -> bool {
        self.has_type("at+jwt") || self.has_type("application/at+jwt")
    }

    /// Whether `typ` is this one, in any case.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.typ.as_ref().is_some_and(|typ| typ.eq_ignore_ascii_case(name))
    }
}

impl Owned for Header {
    fn owned(&self) -> usize {
        self.alg.owned() + self.typ.owned() + self.kid.owned()
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Reason::MalformedToken, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    fn reason(token: &str) -> Reason {
        Jws::parse(token.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn parts_are_what_was_signed() {
        let text = token(r#"{"alg":"ES256","kid":"k","typ":"AT+jwt"}"#, r#"{"iss":"x"}"#);
        let jws = Jws::parse(text.as_bytes()).unwrap();
        assert_eq!(jws.payload, r#"{"iss":"x"}"#);
        assert_eq!(jws.signature, b"sig");
        assert_eq!(jws.signing_input, text.rsplit_once('.').unwrap().0.as_bytes());
        assert!(jws.header.is_access_token_type());
    }

    #[test]
    fn syntax_is_strict() {
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        let mut bad =
            vec![good.replacen('.', "", 1), format!("{good}."), format!(".{good}"), format!("{good}=")];
        bad.extend(["a", "", ".", "..", "a..c", ".b.c", "a.b.c"].map(str::to_owned));
        bad.push(good.replace("e30", "e31"));
        for text in bad {
            assert_eq!(reason(&text), Reason::MalformedToken, "{text}");
        }
    }

    #[test]
    fn header_members_have_their_types() {
        for header in [
            "{}",
            r#"{"alg":1}"#,
            r#"{"alg":"ES256","typ":null}"#,
            r#"{"alg":"ES256","kid":""}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","enc":null,"crit":1}"#,
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"["ES256"]"#,
        ] {
            assert_eq!(reason(&token(header, "{}")), Reason::MalformedToken, "{header}");
        }
        for header in [r#"{"alg":"ES256","crit":[]}"#, r#"{"alg":"ES256","b64":true}"#] {
            assert_eq!(reason(&token(header, "[]")), Reason::CriticalHeader, "{header}");
        }
    }
}
