//! Strict JSON: no duplicate member, a bounded depth, nothing after the end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Objects and lists may be nested this deep in tokens, key sets and metadata.
pub(crate) const MAX_DEPTH: usize = 32;

/// Why a text is not JSON that we read. Holds no part of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads one JSON text (RFC 8259): UTF-8 without a byte order mark, every member name once in its object after
/// unescaping, at most `max_depth` levels, and nothing but blanks after it. Numbers beyond the range of `f64` and
/// unpaired surrogates are refused.
pub(crate) fn parse(text: &[u8], max_depth: usize) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth_left: max_depth }.deserialize(&mut reader).map_err(describe)?;
    reader.end().map_err(describe)?;
    Ok(value)
}

/// [`parse`] for a text that must be an object.
pub(crate) fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(text, MAX_DEPTH)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonError("not a JSON object".to_owned())),
    }
}

fn describe(error: serde_json::Error) -> JsonError {
    let what = match error.classify() {
        serde_json::error::Category::Data => "duplicate member or nested too deep",
        serde_json::error::Category::Eof => "ends too early",
        _ => "not JSON",
    };
    JsonError(format!("{what}, line {} column {}", error.line(), error.column()))
}

/// The member under which serde_json hands over numbers when some crate of the program switched its feature
/// `arbitrary_precision` on.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<Strict, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom("depth"))?;
        Ok(Strict { depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.is_empty() && name == NUMBER_TOKEN {
                return plain_number(&members.next_value::<String>()?);
            }
            if object.contains_key(&name) {
                return Err(A::Error::custom("duplicate"));
            }
            object.insert(name, members.next_value_seed(self.deeper()?)?);
        }
        // An empty object or list is a level of its own.
        self.deeper::<A::Error>().map(|_| Value::Object(object))
    }
}

fn plain_number<E: Error>(text: &str) -> Result<Value, E> {
    if let Ok(integer) = text.parse::<i64>() {
        return Ok(Value::Number(integer.into()));
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Ok(Value::Number(integer.into()));
    }
    let float = text.parse::<f64>().ok().and_then(Number::from_f64);
    float.map(Value::Number).ok_or_else(|| E::custom("number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_member_may_stand_once_whatever_its_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"b":1,"b":2}}]"#] {
            assert!(parse(text.as_bytes(), 8).is_err(), "{text}");
        }
        assert!(parse(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#, 8).is_ok());
    }

    #[test]
    fn depth_counts_every_object_and_list() {
        assert!(parse(nested(32).as_bytes(), 32).is_ok());
        assert!(parse(nested(33).as_bytes(), 32).is_err());
        assert!(parse(br#"{"a":{"b":1.5}}"#, 2).is_ok());
        assert!(parse(br#"{"a":{"b":{}}}"#, 2).is_err());
        assert!(parse(br#"{"a":{"b":[]}}"#, 2).is_err());
    }

    #[test]
    fn one_text_and_nothing_after_it() {
        let refused: [&[u8]; 10] = [
            b"",
            b" ",
            b"{} x",
            b"{}{}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\xff}",
            b"{\"a\":\"\\ud800\"}",
            b"[01]",
            b"[1e999]",
            b"[NaN]",
        ];
        for text in refused {
            assert!(parse(text, 8).is_err(), "{}", String::from_utf8_lossy(text));
        }
        assert!(parse(b" {} \n", 8).is_ok());
    }

    #[test]
    fn numbers_read_the_same_when_handed_over_as_text() {
        for text in ["1", "-1", "1.5", "18446744073709551615", "9007199254740993", "1e3"] {
            let direct: Value = serde_json::from_str(text).unwrap();
            assert_eq!(plain_number::<serde_json::Error>(text).unwrap(), direct, "{text}");
        }
        assert!(plain_number::<serde_json::Error>("1e999").is_err());
    }

    #[test]
    fn an_error_holds_no_part_of_the_text() {
        let error = parse(br#"{"secret-name":"secret-value","secret-name":1}"#, 8).unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
