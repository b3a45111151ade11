//! The members of one JSON object and the elements of one array, as raw text.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{CallError, without_nul};

/// A required string from its raw text; `otherwise` says what is wrong when it is absent or something else.
pub(super) fn string<'a>(raw: Option<&'a str>, otherwise: &'static str) -> Result<Cow<'a, str>, CallError> {
    let raw = raw.filter(|raw| raw.starts_with('"')).ok_or(CallError::NotARequest(otherwise))?;
    let text = decode(raw)?;
    without_nul(&text)?;
    Ok(text)
}

pub(super) fn decode(raw: &str) -> Result<Cow<'_, str>, CallError> {
    serde_json::from_str::<Text<'_>>(raw).map(|Text(text)| text).map_err(|_| CallError::NotJson)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of one JSON object that a call is read from, as raw text: numbers stay unread, and so no feature of
/// serde_json that another crate switches on changes what we see.
pub(super) struct Members<'a, const N: usize> {
    texts: [Option<&'a str>; N],
    ambiguity: Option<&'static str>,
}

impl<'a, const N: usize> Members<'a, N> {
    /// Reads the text of an object to its end.
    pub(super) fn of(object: &'a str, names: [&'static str; N]) -> Result<Self, CallError> {
        let mut json = serde_json::Deserializer::from_str(object);
        let members = json.deserialize_map(Wanted(names)).map_err(|_| CallError::NotJson)?;
        json.end().map_err(|_| CallError::NotJson)?;
        Ok(members)
    }

    /// The wanted members in the order of their names, unless some parser would find others.
    pub(super) fn unambiguous(self) -> Result<[Option<&'a str>; N], CallError> {
        match self.ambiguity {
            None => Ok(self.texts),
            Some(ambiguity) => Err(CallError::NotARequest(ambiguity)),
        }
    }
}

struct Wanted<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Wanted<N> {
    type Value = Members<'de, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { texts: [None; N], ambiguity: None };
        let mut seen = HashSet::new();
        while let Some(Text(name)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            for (wanted, text) in self.0.iter().zip(&mut members.texts) {
                if name == *wanted {
                    *text = Some(value.get());
                } else if folds_to(&name, wanted) {
                    members.ambiguity = Some("a member's name is written in another case");
                }
            }
            if name == "__proto__" || name.contains('\0') {
                members.ambiguity = Some("a member's name is __proto__ or holds U+0000");
            }
            if !seen.insert(name) {
                members.ambiguity = Some("a member appears twice");
            }
        }
        Ok(members)
    }
}

/// The elements of a JSON array as raw text, up to a limit.
pub(super) struct Elements<'a>(Option<Vec<&'a str>>);

impl<'a> Elements<'a> {
    /// Reads the text of an array to its end, and keeps at most `limit` elements.
    pub(super) fn of(array: &'a str, limit: usize) -> Result<Self, CallError> {
        let mut json = serde_json::Deserializer::from_str(array);
        let elements = json.deserialize_seq(UpTo(limit)).map_err(|_| CallError::NotJson)?;
        json.end().map_err(|_| CallError::NotJson)?;
        Ok(elements)
    }

    /// All elements, None when there are more than the limit.
    pub(super) fn all(self) -> Option<Vec<&'a str>> {
        self.0
    }
}

struct UpTo(usize);

impl<'de> Visitor<'de> for UpTo {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Some(Vec::new());
        while let Some(element) = array.next_element::<&'de RawValue>()? {
            match &mut elements {
                Some(kept) if kept.len() < self.0 => kept.push(element.get()),
                _ => elements = None,
            }
        }
        Ok(Elements(elements))
    }
}

/// Whether a parser that ignores case could take `name` for `wanted`, which is ASCII.
fn folds_to(name: &str, wanted: &str) -> bool {
    name.chars().map(folded).eq(wanted.chars().map(folded))
}

/// Lower case, with those characters beyond ASCII that a case mapping of Unicode turns into ASCII letters.
pub(crate) fn folded(character: char) -> char {
    match character {
        '\u{017F}' => 's',
        '\u{212A}' => 'k',
        '\u{0130}' | '\u{0131}' => 'i',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_folds_beyond_ascii() {
        for (name, wanted) in [("URI", "uri"), ("ur\u{131}", "uri"), ("UR\u{130}", "uri"), ("\u{212a}", "k")]
        {
            assert!(folds_to(name, wanted), "{name}");
        }
        for (name, wanted) in [("uris", "uri"), ("ur", "uri"), ("", "uri"), ("ürí", "uri")] {
            assert!(!folds_to(name, wanted), "{name}");
        }
    }
}
