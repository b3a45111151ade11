//! The members of a JSON object as text, so that a change can write what no JSON library would.

/// Names and values as JSON texts, in their order; nothing keeps a name from standing twice.
#[derive(Clone)]
pub(crate) struct Members(Vec<(String, String)>);

impl Members {
    /// Members whose names need no escapes.
    pub(crate) fn new(members: &[(&str, &str)]) -> Members {
        Members(members.iter().map(|(name, value)| (quoted(name), (*value).to_owned())).collect())
    }

    /// The value of the first member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let name = quoted(name);
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.trim_matches('"').to_owned()).collect()
    }

    /// Replaces the first member with this name, or adds one at the end.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = quoted(name);
        match self.0.iter_mut().find(|(found, _)| *found == name) {
            Some(member) => member.1 = value.to_owned(),
            None => self.0.push((name, value.to_owned())),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let name = quoted(name);
        self.0.retain(|(found, _)| *found != name);
    }

    /// Gives the first member of this name another one, as JSON text.
    pub(crate) fn rename(&mut self, name: &str, other: &str) {
        let name = quoted(name);
        if let Some(member) = self.0.iter_mut().find(|(found, _)| *found == name) {
            member.0 = other.to_owned();
        }
    }

    /// Adds a member before all others; `name` is JSON text.
    pub(crate) fn put_first(&mut self, name: &str, value: &str) {
        self.0.insert(0, (name.to_owned(), value.to_owned()));
    }

    /// Adds a member after all others; `name` is JSON text.
    pub(crate) fn put_last(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn text(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
