//! Mistakes of a configuration: all at once, each with the path of its field.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Deserializer, Path, Segment, Track};

use super::{Config, unknown_keys};
use crate::json;

/// One mistake of a configuration.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConfigMistake {
    /// The field, such as `authorization_servers[0].issuer`; `.` for the document itself, `""` for a member without a name.
    pub path: String,
    /// What is expected there.
    pub message: String,
}

/// What is wrong with a configuration: every mistake, in the order of the document's shape and then of its values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    mistakes: Vec<ConfigMistake>,
}

impl ConfigError {
    /// One mistake.
    pub(crate) fn of(path: &str, message: String) -> ConfigError {
        ConfigError { mistakes: vec![ConfigMistake { path: path.to_owned(), message }] }
    }

    /// Every mistake. There is at least one.
    pub fn mistakes(&self) -> &[ConfigMistake] {
        &self.mistakes
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            write!(f, "{}{mistake}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl From<Mistakes> for ConfigError {
    fn from(mistakes: Mistakes) -> Self {
        ConfigError { mistakes: mistakes.found }
    }
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    found: Vec<ConfigMistake>,
    /// Their fields.
    paths: BTreeSet<String>,
}

impl Mistakes {
    /// Adds a mistake, unless one was found at this field or around it before: the second would be its consequence.
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let mut path = path.into();
        if path.is_empty() {
            path.push_str("\"\""); // a member without a name
        }
        if !self.cover(&path) {
            self.paths.insert(path.clone());
            self.found.push(ConfigMistake { path, message: message.into() });
        }
    }

    /// Whether a mistake was found at this field or below it.
    pub(super) fn touch(&self, path: &str) -> bool {
        let mut after = self.paths.range(path.to_owned()..).take_while(|found| found.starts_with(path));
        self.cover(path) || after.any(|found| is_at_or_below(found, path))
    }

    /// Says of each mistake at or below a field that it is at, or below, that place.
    pub(super) fn rename(&mut self, field: &str, place: &str) {
        for mistake in self.found.iter_mut().filter(|mistake| is_at_or_below(&mistake.path, field)) {
            mistake.path.replace_range(..field.len(), place);
        }
        self.paths = self.found.iter().map(|mistake| mistake.path.clone()).collect();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether a mistake was found at this field or around it.
    fn cover(&self, path: &str) -> bool {
        let mut around = path.match_indices(['.', '[']).filter_map(|(end, _)| path.get(..end));
        self.paths.contains(".")
            || self.paths.contains(path)
            || around.any(|above| self.paths.contains(above))
    }
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// So many values of the wrong type are named. Each costs another reading of the document.
const MOST_OF_TYPE: usize = 100;

/// Reads the document's shape. What does not fit is noted and taken out, so that the rest can be read and checked.
pub(super) fn read(text: &str) -> (Option<Config>, Mistakes) {
    let mut mistakes = Mistakes::default();
    let config = object(text, &mut mistakes).and_then(|document| shaped(document, &mut mistakes));
    (config, mistakes)
}

/// A strict JSON object.
pub(super) fn object(text: &str, mistakes: &mut Mistakes) -> Option<Value> {
    document(text, mistakes, Value::is_object, "expected a JSON object")
}

/// A strict JSON list.
pub(super) fn list(text: &str, mistakes: &mut Mistakes) -> Option<Value> {
    document(text, mistakes, Value::is_array, "expected a JSON list")
}

fn document(
    text: &str,
    mistakes: &mut Mistakes,
    is_fit: fn(&Value) -> bool,
    expected: &str,
) -> Option<Value> {
    match json::parse(text.as_bytes(), json::MAX_DEPTH) {
        Ok(document) if is_fit(&document) => return Some(document),
        Ok(_) => mistakes.add(".", expected),
        Err(error) => mistakes.add(".", format!("expected strict JSON: {error}")),
    }
    None
}

/// Reads the shape of a document. What does not fit is noted and taken out.
pub(super) fn shaped<T: DeserializeOwned>(mut document: Value, mistakes: &mut Mistakes) -> Option<T> {
    for _ in 0..MOST_OF_TYPE {
        let mut track = Track::new();
        let error = match T::deserialize(Deserializer::new(&document, &mut track)) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let path = track.path();
        mistakes.add(path.to_string(), expectation(&error.to_string()));
        if !take_out(&mut document, &path) {
            return None;
        }
    }
    mistakes.add(".", "expected fewer values of another type; there may be more than these");
    None
}

/// Removes the member at `path`, or puts a neutral text in the place of a list's item: indexes stay what they were,
/// and whatever is said of the text later is dropped as a consequence.
fn take_out(document: &mut Value, path: &Path) -> bool {
    let segments: Vec<&Segment> = path.iter().collect();
    let Some((last, before)) = segments.split_last() else { return false };
    let mut place = document;
    for segment in before {
        let next = match segment {
            Segment::Map { key } => place.get_mut(key),
            Segment::Seq { index } => place.get_mut(index),
            _ => Some(place),
        };
        match next {
            Some(next) => place = next,
            None => return false,
        }
    }
    match (last, place) {
        (Segment::Map { key }, Value::Object(members)) => members.shift_remove(key).is_some(),
        (Segment::Seq { index }, Value::Array(items)) => items.get_mut(*index).is_some_and(|item| {
            let is_new = *item != Value::String(String::new());
            *item = Value::String(String::new());
            is_new
        }),
        _ => false,
    }
}

/// Our wording of serde's message. What follows "expected" in it comes from the types of the configuration.
fn expectation(message: &str) -> String {
    if message.starts_with("unknown field") {
        return unknown_keys::message(message);
    }
    let expected = message.split_once("expected ").map_or(message, |(_, expected)| expected);
    let expected = match expected {
        "u64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "struct Config"
        | "struct PolicyConfig"
        | "struct KeysConfig"
        | "struct HttpConfig"
        | "struct EventsConfig" => "an object",
        "struct ClientAudience"
        | "struct AuthorizationServer"
        | "struct WrittenOffer"
        | "struct DistrustedKey"
        | "struct KeySnapshot"
        | "struct ClientCertificate"
        | "struct SourceSnapshot" => "an object",
        other => other,
    };
    format!("expected {}", expected.replace('`', "\""))
}
