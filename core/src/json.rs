//! Strict JSON: no duplicate member, a bounded depth, nothing after the end.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Objects and lists may be nested this deep in tokens, key sets and metadata.
pub(crate) const MAX_DEPTH: usize = 32;

/// A JSON value. Texts without an escape are those of the document.
#[derive(Clone, Debug)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// The members of an object, in their order; no name twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a>(Vec<Member<'a>>);

#[derive(Clone, Debug)]
struct Member<'a> {
    tag: [u8; 4],
    name: Cow<'a, str>,
    value: Json<'a>,
}

/// What most names differ in already: how long they are, and three of their bytes.
fn tag(name: &str) -> [u8; 4] {
    match name.as_bytes() {
        [] => [0; 4],
        [only] => [1, *only, 0, 0],
        all @ [first, second, .., last] => [all.len() as u8, *first, *second, *last],
        [first, last] => [2, *first, *last, 0],
    }
}

impl<'a> Object<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        let tag = tag(name);
        self.0.iter().find(|held| held.tag == tag && held.name == name).map(|held| &held.value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl Json<'_> {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Number(number),
            Json::Text(text) => Value::String(text.into_owned()),
            Json::List(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Json::Object(members) => Value::Object(members.into()),
        }
    }
}

impl From<Object<'_>> for Map<String, Value> {
    fn from(object: Object<'_>) -> Map<String, Value> {
        object.0.into_iter().map(|member| (member.name.into_owned(), Value::from(member.value))).collect()
    }
}

/// Why a text is not JSON that we read. Holds no part of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads one JSON text (RFC 8259) without a byte order mark: every member name once in its object after unescaping, at
/// most `max_depth` levels, and nothing but blanks after it. Numbers beyond the range of `f64`, unpaired surrogates and
/// control characters that are not escaped are refused.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Json<'_>, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let room = (text.len() / USUAL_MEMBER).clamp(USUAL, MOST_ROOM);
    let value = Strict { text, depth_left: max_depth, room }.deserialize(&mut reader).map_err(describe)?;
    reader.end().map_err(describe)?;
    Ok(value)
}

/// [`read`] for a text that must be an object.
pub(crate) fn read_object(text: &str) -> Result<Object<'_>, JsonError> {
    match read(text, MAX_DEPTH)? {
        Json::Object(members) => Ok(members),
        _ => Err(JsonError("not a JSON object".to_owned())),
    }
}

/// [`read`] for bytes, which must be UTF-8, and a value that outlives them.
pub(crate) fn parse(text: &[u8], max_depth: usize) -> Result<Value, JsonError> {
    read(utf8(text)?, max_depth).map(Value::from)
}

/// [`read_object`] for bytes, which must be UTF-8, and an object that outlives them.
pub(crate) fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    read_object(utf8(text)?).map(Map::from)
}

fn utf8(text: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(text).map_err(|_| JsonError("not UTF-8".to_owned()))
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

struct Strict<'de> {
    /// The whole document.
    text: &'de str,
    depth_left: usize,
    /// How many members an object has room for from its first on.
    room: usize,
}

/// How long a member of claims is at the least, as a rule: with room for all of them there is one allocation.
const USUAL_MEMBER: usize = 20;

/// The least and the most room that is made beforehand.
const USUAL: usize = 4;
const MOST_ROOM: usize = 64;

impl<'de> Strict<'de> {
    fn deeper<E: Error>(&self) -> Result<Strict<'de>, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom("depth"))?;
        Ok(Strict { text: self.text, depth_left, room: USUAL })
    }

    /// Whether serde_json hands over a number under this borrowed name. A member of that name in the document is like any
    /// other: the document holds its name, or the name had an escape and is not borrowed.
    fn is_of_number(&self, name: &'de str) -> bool {
        name == NUMBER_TOKEN && !self.text.as_bytes().as_ptr_range().contains(&name.as_ptr())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'de> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'de> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut object = Object::default();
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if let Cow::Borrowed(borrowed) = name
                && object.0.is_empty()
                && self.is_of_number(borrowed)
            {
                return plain_number(&members.next_value::<String>()?).map(Json::Number);
            }
            if !is_new(&name, &object, &mut names) {
                return Err(A::Error::custom("duplicate"));
            }
            if object.0.is_empty() {
                object.0.reserve(self.room);
            }
            let value = members.next_value_seed(self.deeper()?)?;
            object.0.push(Member { tag: tag(&name), name, value });
        }
        // An empty object or list is a level of its own.
        self.deeper::<A::Error>().map(|_| Json::Object(object))
    }
}

/// So many names are compared one by one. With more of them, an object must not cost the square of its length.
const FEW: usize = 16;

/// Whether the object has no member of this name yet. `names` holds their names once they are many.
fn is_new(name: &str, object: &Object<'_>, names: &mut BTreeSet<String>) -> bool {
    if object.0.len() < FEW {
        return !object.has(name);
    }
    if names.is_empty() {
        names.extend(object.0.iter().map(|member| member.name.to_string()));
    }
    names.insert(name.to_owned())
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

fn plain_number<E: Error>(text: &str) -> Result<Number, E> {
    if let Ok(integer) = text.parse::<i64>() {
        return Ok(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Ok(integer.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).ok_or_else(|| E::custom("number"))
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
    fn a_member_may_stand_once_among_many() {
        for count in [2, 16, 17, 18, 300] {
            let mut names: Vec<String> = (0..count).map(|number| format!(r#""{number}":0"#)).collect();
            assert!(parse(format!("{{{}}}", names.join(",")).as_bytes(), 8).is_ok(), "{count}");
            names[count - 1] = r#""\u0030":0"#.to_owned();
            assert!(parse(format!("{{{}}}", names.join(",")).as_bytes(), 8).is_err(), "{count}");
        }
    }

    #[test]
    fn a_value_reads_the_same_whether_it_borrows_its_text_or_not() {
        let text = r#"{"a":"x","b":"\u00e9","\u0063":[null,true,-1,1.5,18446744073709551615],"d":{"e":{}}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes(), 8).unwrap(), value);
        let object = read_object(text).unwrap();
        assert_eq!(object.get("b").and_then(Json::as_text), Some("é"));
        assert!(object.has("c") && !object.has("\\u0063"));
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
        let refused: [&[u8]; 12] = [
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
            b"[\"\0\"]",
            b"{\"\x1f\":1}",
        ];
        for text in refused {
            assert!(parse(text, 8).is_err(), "{}", String::from_utf8_lossy(text));
        }
        assert!(parse(b" {} \n", 8).is_ok());
    }

    #[test]
    fn numbers_read_the_same_when_handed_over_as_text() {
        for text in ["1", "-1", "1.5", "18446744073709551615", "9007199254740993", "1e3"] {
            let direct: Number = serde_json::from_str(text).unwrap();
            assert_eq!(plain_number::<serde_json::Error>(text).unwrap(), direct, "{text}");
        }
        assert!(plain_number::<serde_json::Error>("1e999").is_err());
    }

    #[test]
    fn an_object_is_no_number_whatever_its_member_is_called() {
        for name in [NUMBER_TOKEN, "\\u0024serde_json::private::Number"] {
            let text = format!(r#"{{"a":{{"{name}":"7"}},"b":[{{"{name}":7}}]}}"#);
            let value = parse(text.as_bytes(), 8).unwrap();
            assert_eq!(value["a"][NUMBER_TOKEN], "7");
            assert_eq!(value["b"][0][NUMBER_TOKEN], 7);
        }
    }

    #[test]
    fn an_error_holds_no_part_of_the_text() {
        let error = parse(br#"{"secret-name":"secret-value","secret-name":1}"#, 8).unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
