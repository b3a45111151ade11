//! What a host offers, and the scopes that its tools, prompts and resources declare.

use serde::Deserialize;
use serde_json::Value;

use super::PolicyRule;
use super::mistakes::{self, ConfigError, Mistakes};
use super::settings::rule;
use crate::call::{CallKind, resource_uri};
use crate::policy::Declared;

/// A tool, prompt or resource that a host offers, and what it declares to need.
///
/// ```
/// use scopegate_core::{CallKind, Offered};
/// let weather = Offered::new(CallKind::Tool, "weather").needs(["mcp:tools:weather"]);
/// let echo = Offered::new(CallKind::Tool, "echo");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Offered {
    /// Its kind.
    pub kind: CallKind,
    /// The name of a tool or prompt; the URI, or URI template, of a resource.
    pub name: String,
    /// The scopes that it needs, all of them, or that nobody may use it; `None` where it declares nothing.
    pub scopes: Option<PolicyRule>,
}

impl Offered {
    /// One that declares nothing.
    pub fn new(kind: CallKind, name: impl Into<String>) -> Offered {
        Offered { kind, name: name.into(), scopes: None }
    }

    /// The same, and it needs all of these scopes. None is a declaration too: that it needs `required_scopes` alone.
    pub fn needs<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Offered {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Offered { scopes: Some(PolicyRule::Need(scopes)), ..self }
    }

    /// The same, and nobody may use it, whatever the scopes.
    pub fn denied(self) -> Offered {
        Offered { scopes: Some(PolicyRule::Deny), ..self }
    }
}

/// As it is written in JSON.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenOffer {
    kind: Option<WrittenKind>,
    name: Option<String>,
    scopes: Option<PolicyRule>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenKind {
    Tool,
    Prompt,
    Resource,
}

impl From<WrittenKind> for CallKind {
    fn from(kind: WrittenKind) -> CallKind {
        match kind {
            WrittenKind::Tool => CallKind::Tool,
            WrittenKind::Prompt => CallKind::Prompt,
            WrittenKind::Resource => CallKind::Resource,
        }
    }
}

/// Reads and checks the JSON list.
pub(crate) fn from_json(json: &str) -> Result<(Vec<Offered>, Declared), ConfigError> {
    let mut mistakes = Mistakes::default();
    let written = mistakes::list(json, &mut mistakes);
    let names = names_in(written.as_ref());
    let written = written.and_then(|list| mistakes::shaped::<Vec<WrittenOffer>>(list, &mut mistakes));
    if !mistakes.is_empty() {
        names.iter().for_each(|(index, path)| mistakes.rename(&format!("[{index}]"), path));
    }
    let mut offered = Vec::new();
    for (index, WrittenOffer { kind, name, scopes }) in written.unwrap_or_default().into_iter().enumerate() {
        let Some(kind) = kind else {
            mistakes.add(format!("[{index}].kind"), "required: \"tool\", \"prompt\" or \"resource\"");
            continue;
        };
        offered.push(Offered { kind: kind.into(), name: name.unwrap_or_default(), scopes });
    }
    let declared = declared(&offered, &mut mistakes);
    if mistakes.is_empty() { Ok((offered, declared)) } else { Err(mistakes.into()) }
}

/// The path of each entry that says its kind and its name: whoever reads of a mistake knows those and not its place.
fn names_in(list: Option<&Value>) -> Vec<(usize, String)> {
    let entries = list.and_then(Value::as_array).into_iter().flatten().enumerate();
    let named = entries.filter_map(|(index, entry)| {
        let kind = entry.get("kind").and_then(|kind| WrittenKind::deserialize(kind).ok())?;
        let name = entry.get("name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
        Some((index, format!("{}.{name}", CallKind::from(kind).name())))
    });
    named.collect()
}

/// Checks the list.
pub(crate) fn check(offered: &[Offered]) -> Result<Declared, ConfigError> {
    let mut mistakes = Mistakes::default();
    let declared = declared(offered, &mut mistakes);
    if mistakes.is_empty() { Ok(declared) } else { Err(mistakes.into()) }
}

fn declared(offered: &[Offered], mistakes: &mut Mistakes) -> Declared {
    let mut declared = Declared::default();
    for Offered { kind, name, scopes } in offered {
        let path = format!("{}.{name}", kind.name());
        if name.is_empty() {
            mistakes.add(&path, "required: the name of what is offered, or its URI");
        }
        let Some(scopes) = scopes else { continue };
        let rule = rule(scopes, &path, mistakes);
        match kind {
            CallKind::Tool | CallKind::Prompt => declared.join(*kind, name, &rule),
            CallKind::Resource => match resource_uri::key(name) {
                Some(key) => declared.join(*kind, &key, &rule),
                None => mistakes.add(path, unfit(name)),
            },
        }
    }
    declared
}

/// Why a resource cannot declare scopes: nothing that a client sends would be compared with this text.
fn unfit(uri: &str) -> &'static str {
    match resource_uri::template_key(uri) {
        Some(_) => {
            "expected a URI: for what a template stands for, a pattern in policy.resources says the scopes"
        }
        None => "expected a URI that every server reads in the same way",
    }
}
