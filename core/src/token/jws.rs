//! Compact JWS: from bytes to a header, a payload and a signature (RFC 7515 section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::{memchr, memrchr};
use serde_json::{Map, Value};

use super::memory::Owned;
use crate::json::{self, Json, Object};
use crate::keys::algorithm::Algorithm;
use crate::keys::jwk::MAX_KID_BYTES;
use crate::reason::Reason;
use crate::refusal::Refusal;

/// The largest decoded header, in bytes: one that holds keys or certificates is longer, and none of them is used.
const MAX_HEADER_BYTES: usize = 4096;

/// A token whose syntax is right. Nothing in it is verified.
#[derive(Debug)]
pub(crate) struct Jws<'a, Payload = String> {
    pub(crate) header: Header,
    /// The payload as signed.
    pub(crate) payload: Payload,
    pub(crate) signature: Vec<u8>,
    /// What the signature is over: header, dot, payload.
    pub(crate) signing_input: &'a [u8],
}

/// The header members that are read. `jku`, `x5u`, `jwk` and `x5c` are not: keys come from the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// `None` for a name that is not known.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) media_type: MediaType,
    pub(crate) kid: Option<String>,
}

/// What `typ` says, in any case (RFC 7515 section 4.1.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MediaType {
    Absent,
    /// An access token of RFC 9068, with or without `application/`.
    AccessToken,
    Jwt,
    Other,
}

impl<'a> Jws<'a, Vec<u8>> {
    /// Checks 7 and 8: the syntax of the token and its header. The payload may be anything.
    pub(crate) fn parse_any(token: &'a [u8]) -> Result<Self, Refusal> {
        let parts = split(token)?;
        let header = decode(parts.header, "header")?;
        if header.len() > MAX_HEADER_BYTES {
            return Err(malformed("expected a header of at most 4096 bytes"));
        }
        let payload = decode(parts.payload, "payload")?;
        let signature = decode(parts.signature, "signature")?;
        let header = Header::parse(&header)?;
        Ok(Jws { header, payload, signature, signing_input: parts.signing_input })
    }
}

impl<'a> Jws<'a> {
    /// [`Jws::parse_any`], of a payload that is text.
    pub(crate) fn parse(token: &'a [u8]) -> Result<Self, Refusal> {
        let Jws { header, payload, signature, signing_input } = Jws::parse_any(token)?;
        let payload =
            String::from_utf8(payload).map_err(|_| malformed("expected the payload to be UTF-8"))?;
        Ok(Jws { header, payload, signature, signing_input })
    }

    /// Check 9: the claims in the payload.
    pub(crate) fn claims(&self) -> Result<Object<'_>, Refusal> {
        json::read_object(&self.payload)
            .map_err(|error| malformed(format!("expected the payload to be a strict JSON object: {error}")))
    }
}

/// The header members of a token whose syntax is right, to be shown.
pub(crate) fn header_members(token: &[u8]) -> Option<Map<String, Value>> {
    let header = decode(split(token).ok()?.header, "header").ok()?;
    json::parse_object(&header).ok()
}

struct Parts<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    signing_input: &'a [u8],
}

/// Exactly two dots, found without making a list of what is between them; only the signature may be empty.
fn split(token: &[u8]) -> Result<Parts<'_>, Refusal> {
    let dots = || malformed("expected three parts: header, payload and signature");
    let first = memchr(b'.', token).ok_or_else(dots)?;
    let last = memrchr(b'.', token).ok_or_else(dots)?;
    let (signing_input, signature) = (token.get(..last), token.get(last + 1..));
    let (header, payload) = (token.get(..first), token.get(first + 1..last));
    match (header, payload, signature, signing_input) {
        (Some(header), Some(payload), Some(signature), Some(signing_input))
            if memchr(b'.', payload).is_none() =>
        {
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
    // Memory that need not be zero: what glibc gives for zeros passes by its fastest lists.
    let mut decoded = Vec::with_capacity(part.len() / 4 * 3 + 3);
    match URL_SAFE_NO_PAD.decode_vec(part, &mut decoded) {
        Ok(()) => Ok(decoded),
        Err(_) => Err(malformed(format!("expected the {name} in canonical base64url"))),
    }
}

impl Header {
    fn parse(text: &[u8]) -> Result<Header, Refusal> {
        let text = std::str::from_utf8(text).map_err(|_| malformed("expected the header to be UTF-8"))?;
        let members = json::read_object(text)
            .map_err(|error| malformed(format!("expected the header to be a strict JSON object: {error}")))?;
        let (alg, typ) = (text_member(&members, "alg")?, text_member(&members, "typ")?);
        let kid = text_member(&members, "kid")?;
        let alg = alg.ok_or_else(|| malformed("expected an alg in the header"))?;
        if kid.is_some_and(|kid| !(1..=MAX_KID_BYTES).contains(&kid.len())) {
            return Err(malformed("expected a kid of 1 to 256 bytes"));
        }
        if members.has("enc") || members.has("zip") {
            return Err(malformed("expected a signed token, not an encrypted or compressed one"));
        }
        if members.has("crit") || members.has("b64") {
            return Err(Refusal::new(Reason::CriticalHeader, "expected a header without crit and b64"));
        }
        Ok(Header {
            algorithm: Algorithm::from_name(alg),
            media_type: typ.map_or(MediaType::Absent, MediaType::of),
            kid: kid.map(str::to_owned),
        })
    }
}

fn text_member<'a>(members: &'a Object<'_>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("expected the header's {name} to be a string"))),
    }
}

impl MediaType {
    fn of(typ: &str) -> MediaType {
        let is = |name: &str| typ.eq_ignore_ascii_case(name);
        if is("at+jwt") || is("application/at+jwt") {
            MediaType::AccessToken
        } else if is("JWT") {
            MediaType::Jwt
        } else {
            MediaType::Other
        }
    }
}

impl Owned for Header {
    fn owned(&self) -> usize {
        self.kid.owned()
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
        assert_eq!(jws.header.media_type, MediaType::AccessToken);
    }

    #[test]
    fn syntax_is_strict() {
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        let mut bad =
            vec![good.replacen('.', "", 1), format!("{good}."), format!(".{good}"), format!("{good}=")];
        bad.extend(["a", "", ".", "..", "a..c", ".b.c", "a.b.c"].map(str::to_owned));
        bad.push(good.replace("e30", "e31"));
        for foreign in ["+", "/", "=", " ", "\n", "\0", "é"] {
            let places = [0, 1, good.find('.').unwrap(), good.len() / 2, good.len() - 1, good.len()];
            bad.extend(places.map(|place| format!("{}{foreign}{}", &good[..place], &good[place..])));
        }
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
