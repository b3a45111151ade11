//! Values of a request as operators are shown them.

use memchr::memmem;
use serde_json::Value;

/// The most bytes of one value.
const MAX_BYTES: usize = 128;

/// The most items of one list.
const MAX_ITEMS: usize = 8;

/// A value that shares this many bytes in a row with the `Authorization` field is not shown.
const TELLTALE: usize = 12;

/// Shows values: escaped, cut, and nothing that is a part of what must not be shown.
pub(super) struct Shown<'a> {
    /// The lines of the `Authorization` field.
    pub(super) secrets: &'a [&'a [u8]],
}

impl Shown<'_> {
    /// In quotes. Whatever is not a visible ASCII character or a blank is escaped: letters that look alike are told apart.
    pub(super) fn text(&self, text: &str) -> String {
        let ends = text.char_indices().map(|(start, letter)| start + letter.len_utf8());
        let end = ends.take_while(|end| *end <= MAX_BYTES).last().unwrap_or_default();
        let shown = text.get(..end).unwrap_or_default();
        if self.is_secret(shown) {
            return "(not shown: it repeats a part of the token)".to_owned();
        }
        let mut quoted = String::with_capacity(shown.len() + 2);
        quoted.push('"');
        for letter in shown.chars() {
            match letter {
                '"' | '\\' => quoted.extend(['\\', letter]),
                ' '..='~' => quoted.push(letter),
                _ => quoted.extend(letter.escape_unicode()),
            }
        }
        quoted.push('"');
        if shown.len() < text.len() {
            quoted += &format!(" (the first {} of {} bytes)", shown.len(), text.len());
        }
        quoted
    }

    /// Each in quotes.
    pub(super) fn list<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts: Vec<&str> = texts.into_iter().collect();
        let mut shown: Vec<String> = texts.iter().take(MAX_ITEMS).map(|text| self.text(text)).collect();
        if let Some(more) = texts.len().checked_sub(MAX_ITEMS + 1) {
            shown.push(format!("and {} more", more + 1));
        }
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    }

    /// A value of a claim: texts, lists of texts and whole numbers as they are, of others the type.
    pub(super) fn value(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.text(text),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Array(items) => match items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>() {
                Some(texts) => format!("a list: {}", self.list(texts)),
                None => type_of(value).to_owned(),
            },
            _ => type_of(value).to_owned(),
        }
    }

    fn is_secret(&self, text: &str) -> bool {
        let mut pieces = text.as_bytes().windows(TELLTALE);
        pieces.any(|piece| {
            let finder = memmem::Finder::new(piece);
            self.secrets.iter().any(|secret| finder.find(secret).is_some())
        })
    }
}

/// The JSON type, where the value itself is not to be shown.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_deceive_a_reader_is_escaped() {
        let shown = Shown { secrets: &[] };
        assert_eq!(shown.text("a\"b\\c\n\u{1b}[0m\u{202e}é"), r#""a\"b\\c\u{a}\u{1b}[0m\u{202e}\u{e9}""#);
        assert_eq!(shown.value(&json!("")), "\"\"");
    }

    #[test]
    fn long_values_are_cut_between_letters() {
        let shown = Shown { secrets: &[] };
        let text = shown.text(&format!("{}é", "a".repeat(127)));
        assert_eq!(text, format!("\"{}\" (the first 127 of 129 bytes)", "a".repeat(127)));
        let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert!(shown.list(many.iter().map(String::as_str)).ends_with("\"7\", and 2 more"));
        assert_eq!(shown.list([]), "none");
    }

    #[test]
    fn what_repeats_the_token_is_not_shown() {
        let shown = Shown { secrets: &[b"Bearer aaaabbbbccccdddd.e"] };
        assert!(shown.text("xxaaaabbbbccccxx").starts_with("(not shown"));
        assert_eq!(shown.text("aaaabbbbccc"), "\"aaaabbbbccc\"");
    }

    #[test]
    fn of_values_that_may_hold_anything_only_the_type_is_shown() {
        let shown = Shown { secrets: &[] };
        for (value, text) in [
            (json!(17), "17"),
            (json!(1.5), "a number"),
            (json!(true), "true"),
            (json!(null), "null"),
            (json!({"a": 1}), "an object"),
            (json!(["a", 1]), "a list"),
            (json!(["a", "b"]), "a list: \"a\", \"b\""),
        ] {
            assert_eq!(shown.value(&value), text);
        }
    }
}
