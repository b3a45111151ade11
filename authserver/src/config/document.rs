//! Reading a JSON document with a path for every value, going on after a mistake.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::FieldError;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(RefCell<Vec<FieldError>>);

impl Mistakes {
    pub(super) fn into_errors(self) -> Vec<FieldError> {
        self.0.into_inner()
    }

    fn add(&self, path: &str, message: String) {
        self.0.borrow_mut().push(FieldError::new(path, message));
    }
}

/// A value and where it stands.
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
    mistakes: &'a Mistakes,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, mistakes: &'a Mistakes) -> Self {
        Self { value, path: String::new(), mistakes }
    }

    /// The value as `read` understands it. When it does not, that is a mistake, and the answer None.
    pub(super) fn read<T>(&self, expected: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = read(self.value);
        if value.is_none() {
            self.mistake(&format!("expected {expected}"));
        }
        value
    }

    /// The value as an object. Each member with a name that is not among `known` is a mistake.
    pub(super) fn object(&self, known: &[&str]) -> Option<Object<'a>> {
        let members = self.read("an object", Value::as_object)?;
        let object = Object { members, path: self.path.clone(), mistakes: self.mistakes };
        for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
            object.mistake(key, &format!("unknown key, expected one of {}", known.join(", ")));
        }
        Some(object)
    }

    pub(super) fn mistake(&self, message: &str) {
        self.mistakes.add(&self.path, message.to_owned());
    }
}

/// An object and where it stands.
pub(super) struct Object<'a> {
    members: &'a Map<String, Value>,
    path: String,
    mistakes: &'a Mistakes,
}

impl<'a> Object<'a> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    pub(super) fn required<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        match self.member(key) {
            Some(member) => member.read(expected, read),
            None => {
                self.mistake(key, &format!("missing, expected {expected}"));
                None
            }
        }
    }

    pub(super) fn optional<T>(
        &self,
        key: &str,
        default: T,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        match self.member(key) {
            Some(member) => member.read(expected, read),
            None => Some(default),
        }
    }

    /// A required list. Every entry is read, whatever became of the ones before; None when one failed.
    pub(super) fn list<T>(&self, key: &str, mut read: impl FnMut(&Node<'a>) -> Option<T>) -> Option<Vec<T>> {
        let entries = self.required(key, "a list", Value::as_array)?;
        let path = self.path_of(key);
        let entries = entries.iter().enumerate().map(|(index, value)| Node {
            value,
            path: format!("{path}[{index}]"),
            mistakes: self.mistakes,
        });
        let read: Vec<Option<T>> = entries.map(|entry| read(&entry)).collect();
        read.into_iter().collect()
    }

    pub(super) fn mistake(&self, key: &str, message: &str) {
        self.mistakes.add(&self.path_of(key), message.to_owned());
    }

    fn member(&self, key: &str) -> Option<Node<'a>> {
        let value = self.members.get(key)?;
        Some(Node { value, path: self.path_of(key), mistakes: self.mistakes })
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
