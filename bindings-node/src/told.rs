//! What a verified token says -> one text for JavaScript, and the numbers that take it apart.
//!
//! A crossing for each member would cost more than all else, and so would a handle of the token: the garbage collector tells
//! late that nobody uses it, and by then its memory is cold.

use std::slice::ChunksExactMut;

use napi::{Error, Result};
use scopegate_core::AccessToken;

/// The text of each member, one after the other. Into `numbers` go the length of each in UTF-16, -1 where it is absent, and
/// then the times, -1 and NaN likewise: each a double in this machine's order of bytes. `lib/access-token.js` reads them in
/// this order.
pub(crate) fn told(token: &AccessToken, numbers: &mut [u8]) -> Result<String> {
    let mut telling =
        Telling { text: String::with_capacity(room(token)), numbers: numbers.chunks_exact_mut(8) };
    telling.text(Some(token.issuer()))?;
    telling.text(token.subject())?;
    telling.text(token.client_id())?;
    telling.text(token.token_id())?;
    telling.scopes(Some(token.scopes()))?;
    telling.scopes(Some(token.effective_scopes()).filter(|effective| *effective != token.scopes()))?;
    telling.text(Some(token.resource()))?;
    telling.text(token.principal())?;
    telling.text(Some(&audience(token)?))?;
    telling.text(Some(token.claims_json()))?;
    telling.number(token.expires_at() as f64)?;
    telling.number(token.issued_at().map_or(f64::NAN, |at| at as f64))?;
    Ok(telling.text)
}

/// Enough for usual tokens, so that the text is allocated once.
fn room(token: &AccessToken) -> usize {
    2 * token.claims_json().len() + token.resource().len() + token.issuer().len()
}

/// As a JSON array: a name may hold any character.
fn audience(token: &AccessToken) -> Result<String> {
    serde_json::to_string(token.audience()).map_err(|_| Error::from_reason("an audience that is no JSON"))
}

struct Telling<'a> {
    text: String,
    numbers: ChunksExactMut<'a, u8>,
}

impl Telling<'_> {
    fn text(&mut self, part: Option<&str>) -> Result<()> {
        let Some(part) = part else { return self.number(ABSENT) };
        self.text.push_str(part);
        self.number(utf16_length(part))
    }

    /// With single blanks between them: no scope holds one (RFC 6749 section 3.3).
    fn scopes(&mut self, scopes: Option<&[String]>) -> Result<()> {
        let Some(scopes) = scopes else { return self.number(ABSENT) };
        let start = self.text.len();
        for (at, scope) in scopes.iter().enumerate() {
            if at > 0 {
                self.text.push(' ');
            }
            self.text.push_str(scope);
        }
        let length = utf16_length(self.text.get(start..).unwrap_or_default());
        self.number(length)
    }

    fn number(&mut self, number: f64) -> Result<()> {
        let place = self.numbers.next().ok_or_else(|| Error::from_reason("too little room for numbers"))?;
        place.copy_from_slice(&number.to_ne_bytes());
        Ok(())
    }
}

const ABSENT: f64 = -1.0;

/// Exact: no text is that long.
fn utf16_length(text: &str) -> f64 {
    let length = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    length as f64
}
