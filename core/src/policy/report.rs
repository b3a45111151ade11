//! What a policy says of the things that a host offers: the rules that match none of them, and those that no rule names.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::{KeyOf, NoKey, Policy, Rule, key};
use crate::call::{CallKind, resource_uri};
use crate::config::{ConfigMistake, PolicyRule};

/// A tool, prompt or resource, or the policy's rule for some.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub struct PolicyEntry {
    /// Its kind.
    #[serde(serialize_with = "singular")]
    pub kind: CallKind,
    /// Its name or URI; of a rule the name or pattern, as configured.
    pub name: String,
}

/// How the configured policy and what a host offers fit together: what a server should show, or refuse, at its start.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyReport {
    /// Configured rules, exact ones and patterns, that match nothing of their kind that is offered: often a name that is
    /// spelled wrong. Rules for methods are not among them.
    pub unmatched_rules: Vec<PolicyEntry>,
    /// What is offered and only `default` decides on: neither its name nor its method has a rule, and it declares nothing.
    pub defaulted: Vec<PolicyEntry>,
    /// What `default` is: the scopes that it needs beside `required_scopes`, or "deny". No scopes where no policy is
    /// configured.
    #[serde(serialize_with = "scopes_or_deny")]
    pub default: PolicyRule,
    /// Offered resources that a policy lets nobody use, since servers could take the URI for another one.
    pub unreadable: Vec<PolicyEntry>,
    /// A sentence on each entry of these lists, with the path of the rule in the configuration (`policy.tools.wether`) or of
    /// what is offered (`tools.weather`): for a log, or for the error of a server that refuses to start.
    pub forgotten: Vec<ConfigMistake>,
}

impl PolicyReport {
    /// Whether every rule matches something, and something other than `default` decides on all that is offered.
    pub fn is_clean(&self) -> bool {
        self.forgotten.is_empty()
    }

    /// The same as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Policy {
    /// What this policy says of all that is offered, sorted by kind and name.
    pub(crate) fn report<'o>(&self, offered: impl Iterator<Item = (CallKind, &'o str)>) -> PolicyReport {
        let offered: BTreeSet<_> = offered.collect();
        let key_of: KeyOf = resource_uri::template_key;
        let (mut defaulted, mut unreadable, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, name) in offered {
            let entry = || PolicyEntry { kind, name: name.to_owned() };
            match key(kind, name, key_of) {
                Err(NoKey) => unreadable.push(entry()),
                Ok(key) => {
                    if self.falls_to_default(kind, &key) {
                        defaulted.push(entry());
                    }
                    keys.push((kind, key));
                }
            }
        }
        let kinds = [CallKind::Tool, CallKind::Prompt, CallKind::Resource];
        let rules = kinds.into_iter().flat_map(|kind| {
            self.entries(kind).patterns().into_iter().map(move |name| PolicyEntry { kind, name })
        });
        let matches = |rule: &PolicyEntry| {
            keys.iter().any(|(kind, key)| *kind == rule.kind && is_match(&rule.name, key))
        };
        let unmatched_rules: Vec<_> = rules.filter(|rule| !matches(rule)).collect();
        let by_default = self.default.told();
        let unmatched = unmatched_rules.iter().map(PolicyEntry::unmatched);
        let forgotten = unmatched
            .chain(defaulted.iter().map(|entry| entry.defaulted(&by_default)))
            .chain(unreadable.iter().map(PolicyEntry::unreadable))
            .collect();
        let default = match &self.default {
            Rule::Need(scopes) => PolicyRule::Need(scopes.clone()),
            Rule::Deny => PolicyRule::Deny,
        };
        PolicyReport { unmatched_rules, defaulted, default, unreadable, forgotten }
    }

    fn falls_to_default(&self, kind: CallKind, key: &str) -> bool {
        self.methods.find(kind.method()).is_none()
            && self.entries(kind).find(key).is_none()
            && self.declared.find(kind, key).is_none()
    }
}

/// What is said of each.
impl PolicyEntry {
    fn unmatched(&self) -> ConfigMistake {
        let kind = self.kind.singular();
        ConfigMistake {
            path: format!("policy.{}", self.path()),
            message: format!("matches no {kind} that is offered"),
        }
    }

    fn defaulted(&self, by_default: &str) -> ConfigMistake {
        ConfigMistake { path: self.path(), message: format!("has no rule, so by default {by_default}") }
    }

    fn unreadable(&self) -> ConfigMistake {
        let message = "nobody may use it: servers can take this URI for another".to_owned();
        ConfigMistake { path: self.path(), message }
    }

    fn path(&self) -> String {
        format!("{}.{}", self.kind.name(), self.name)
    }
}

impl Rule {
    fn told(&self) -> String {
        match self {
            Rule::Need(scopes) if scopes.is_empty() => "it needs no scope".to_owned(),
            Rule::Need(scopes) => format!("it needs {}", scopes.join(" ")),
            Rule::Deny => "nobody may use it".to_owned(),
        }
    }
}

fn is_match(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => key.starts_with(prefix),
        None => pattern == key,
    }
}

fn singular<S: Serializer>(kind: &CallKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.singular())
}

fn scopes_or_deny<S: Serializer>(rule: &PolicyRule, serializer: S) -> Result<S::Ok, S::Error> {
    match rule {
        PolicyRule::Need(scopes) => scopes.serialize(serializer),
        PolicyRule::Deny => serializer.serialize_str("deny"),
    }
}
