//! Call -> need: which scopes a call needs, or that no scope allows it.

use std::collections::{BTreeSet, HashMap};

use crate::call::{CallKind, McpCall, Message, is_notification};

/// What the policy says of a method or a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// All of these scopes.
    Need(Vec<String>),
    /// Nobody may, whatever the scopes.
    Deny,
}

/// Which scopes a call needs beside `required_scopes`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict<'a> {
    /// All of these, in order of first mention, each once.
    Need(Vec<&'a str>),
    /// Nobody may, whatever the scopes.
    Deny,
}

/// The policy of a configuration.
#[derive(Debug)]
pub(crate) struct Policy {
    default: Rule,
    methods: Entries,
    tools: Entries,
    scopes: Vec<String>,
    max_body_bytes: usize,
}

impl Policy {
    /// A policy of checked parts: keys that have no [`pattern_problem`] and are there once, scopes that keep to
    /// the grammar.
    pub(crate) fn new(
        default: Rule,
        methods: Vec<(String, Rule)>,
        tools: Vec<(String, Rule)>,
        max_body_bytes: usize,
    ) -> Self {
        let rules = methods.iter().chain(&tools).map(|(_, rule)| rule).chain([&default]);
        let scopes: BTreeSet<&String> = rules.flat_map(Rule::scopes).collect();
        let scopes = scopes.into_iter().cloned().collect();
        Policy { default, methods: Entries::new(methods), tools: Entries::new(tools), scopes, max_body_bytes }
    }

    /// What this message needs. No body and a response need nothing.
    pub(crate) fn judge(&self, message: &Message<'_>) -> Verdict<'_> {
        match message {
            Message::Call(McpCall { method, name, .. }) => self.judge_call(method, name.as_deref()),
            Message::None | Message::Response => Verdict::Need(Vec::new()),
        }
    }

    /// What using this tool, prompt or resource needs.
    pub(crate) fn allows(&self, kind: CallKind, name: &str) -> Verdict<'_> {
        self.judge_call(kind.method(), Some(name))
    }

    /// Every scope that the policy names, sorted by bytes, each once.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }

    /// The largest body that is read.
    pub(crate) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    fn judge_call(&self, method: &str, name: Option<&str>) -> Verdict<'_> {
        let of_method = self.methods.find(method);
        let of_name = match method {
            "tools/call" => name.and_then(|name| self.tools.find(name)),
            _ => None,
        };
        match (of_method, of_name) {
            (None, None) if is_plumbing(method) => Verdict::Need(Vec::new()),
            (None, None) => join([&self.default]),
            (of_method, of_name) => join(of_method.into_iter().chain(of_name)),
        }
    }
}

/// What is wrong with a key of `methods` or `tools`, None for a name or a pattern.
pub(crate) fn pattern_problem(text: &str) -> Option<&'static str> {
    match text.find('*') {
        _ if text.is_empty() => Some("expected a name, or a pattern that ends with *"),
        Some(at) if at + 1 != text.len() => Some("expected * only once, as the last character"),
        _ => None,
    }
}

/// What the protocol itself consists of: every client sends it, and it does nothing for its user.
fn is_plumbing(method: &str) -> bool {
    is_notification(method)
        || matches!(method, "initialize" | "server/discover" | "ping" | "logging/setLevel")
}

/// What all of these rules together say.
fn join<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Verdict<'a> {
    let mut need: Vec<&str> = Vec::new();
    for rule in rules {
        let Rule::Need(scopes) = rule else { return Verdict::Deny };
        for scope in scopes {
            if !need.contains(&scope.as_str()) {
                need.push(scope);
            }
        }
    }
    Verdict::Need(need)
}

impl Rule {
    fn scopes(&self) -> &[String] {
        match self {
            Rule::Need(scopes) => scopes,
            Rule::Deny => &[],
        }
    }
}

/// One map of the policy. What a lookup costs depends on the length of the name, not on how many entries there are.
#[derive(Debug)]
struct Entries {
    exact: HashMap<String, Rule>,
    /// Patterns, without their `*`.
    prefixes: HashMap<String, Rule>,
    /// The different lengths of the prefixes, longest first.
    lengths: Vec<usize>,
}

impl Entries {
    fn new(entries: Vec<(String, Rule)>) -> Self {
        let (mut exact, mut prefixes) = (HashMap::new(), HashMap::new());
        for (key, rule) in entries {
            match key.strip_suffix('*') {
                Some(prefix) => prefixes.insert(prefix.to_owned(), rule),
                None => exact.insert(key, rule),
            };
        }
        let lengths: BTreeSet<usize> = prefixes.keys().map(String::len).collect();
        Entries { exact, prefixes, lengths: lengths.into_iter().rev().collect() }
    }

    /// The entry of this name: the exact one, else the one of the longest pattern.
    fn find(&self, name: &str) -> Option<&Rule> {
        let of_prefix = |length: &usize| self.prefixes.get(name.get(..*length)?);
        self.exact.get(name).or_else(|| self.lengths.iter().find_map(of_prefix))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn need(scopes: &[&str]) -> Rule {
        Rule::Need(scopes.iter().map(|scope| (*scope).to_owned()).collect())
    }

    fn policy(default: Rule, methods: &[(&str, Rule)], tools: &[(&str, Rule)]) -> Policy {
        let owned = |entries: &[(&str, Rule)]| {
            entries.iter().map(|(key, rule)| ((*key).to_owned(), rule.clone())).collect()
        };
        Policy::new(default, owned(methods), owned(tools), 1000)
    }

    fn of_method<'a>(policy: &'a Policy, method: &str) -> Verdict<'a> {
        policy.judge(&Message::Call(McpCall::new(method)))
    }

    fn of_tool<'a>(policy: &'a Policy, name: &str) -> Verdict<'a> {
        let verdict = policy.judge(&Message::Call(McpCall::new("tools/call").name(name)));
        assert_eq!(policy.allows(CallKind::Tool, name), verdict);
        verdict
    }

    fn needs<'a>(scopes: &[&'a str]) -> Verdict<'a> {
        Verdict::Need(scopes.to_vec())
    }

    #[test]
    fn default_counts_only_where_neither_method_nor_name_is_listed() {
        let policy = policy(
            need(&["default"]),
            &[("tools/list", need(&["list"])), ("resources/*", Rule::Deny)],
            &[("weather", need(&["weather"])), ("free", need(&[]))],
        );
        assert_eq!(of_tool(&policy, "weather"), needs(&["weather"]));
        assert_eq!(of_tool(&policy, "free"), needs(&[]));
        assert_eq!(of_tool(&policy, "other"), needs(&["default"]));
        assert_eq!(of_method(&policy, "tools/list"), needs(&["list"]));
        assert_eq!(of_method(&policy, "prompts/list"), needs(&["default"]));
        assert_eq!(of_method(&policy, "resources/read"), Verdict::Deny);
        assert_eq!(of_method(&policy, ""), needs(&["default"]));
    }

    #[test]
    fn names_of_other_methods_are_not_looked_up_among_the_tools() {
        let policy = policy(Rule::Deny, &[], &[("weather", need(&["weather"]))]);
        let prompt = McpCall::new("prompts/get").name("weather");
        assert_eq!(policy.judge(&Message::Call(prompt)), Verdict::Deny);
        assert_eq!(policy.allows(CallKind::Prompt, "weather"), Verdict::Deny);
        assert_eq!(policy.allows(CallKind::Resource, "weather"), Verdict::Deny);
        assert_eq!(of_method(&policy, "tools/call2"), Verdict::Deny);
    }

    #[test]
    fn entries_of_method_and_name_are_joined_by_first_mention() {
        let policy = policy(
            Rule::Deny,
            &[("tools/call", need(&["call", "both"]))],
            &[("weather", need(&["weather", "both", "call"])), ("secret", Rule::Deny)],
        );
        assert_eq!(of_tool(&policy, "weather"), needs(&["call", "both", "weather"]));
        assert_eq!(of_tool(&policy, "unlisted"), needs(&["call", "both"]));
        assert_eq!(of_tool(&policy, "secret"), Verdict::Deny);
    }

    #[test]
    fn a_denied_method_is_denied_for_every_name() {
        let policy = policy(need(&[]), &[("tools/*", Rule::Deny)], &[("weather", need(&[]))]);
        assert_eq!(of_tool(&policy, "weather"), Verdict::Deny);
        assert_eq!(of_tool(&policy, "other"), Verdict::Deny);
    }

    #[test]
    fn plumbing_and_responses_need_nothing_unless_listed() {
        let plumbing =
            ["initialize", "server/discover", "ping", "logging/setLevel", "notifications/initialized"];
        let silent = policy(Rule::Deny, &[], &[]);
        for method in plumbing {
            assert_eq!(of_method(&silent, method), needs(&[]), "{method}");
        }
        for method in ["notifications", "Ping", "initialize/x", "logging/setlevel"] {
            assert_eq!(of_method(&silent, method), Verdict::Deny, "{method}");
        }
        let listed = policy(need(&[]), &[("*", need(&["any"])), ("ping", Rule::Deny)], &[]);
        assert_eq!(of_method(&listed, "ping"), Verdict::Deny);
        assert_eq!(of_method(&listed, "initialize"), needs(&["any"]));
        assert_eq!(of_method(&listed, "notifications/initialized"), needs(&["any"]));
        for policy in [&silent, &listed] {
            assert_eq!(policy.judge(&Message::None), needs(&[]));
            assert_eq!(policy.judge(&Message::Response), needs(&[]));
        }
    }

    #[test]
    fn exact_beats_pattern_and_the_longer_pattern_beats_the_shorter() {
        let policy = policy(
            Rule::Deny,
            &[],
            &[
                ("*", need(&["any"])),
                ("calendar_*", need(&["calendar"])),
                ("calendar_delete*", Rule::Deny),
                ("calendar_read", need(&["exact"])),
                ("ü*", need(&["umlaut"])),
            ],
        );
        for (name, expected) in [
            ("calendar_read", needs(&["exact"])),
            ("calendar_read2", needs(&["calendar"])),
            ("calendar_", needs(&["calendar"])),
            ("calendar", needs(&["any"])),
            ("Calendar_read", needs(&["any"])),
            ("calendar_delete", Verdict::Deny),
            ("calendar_delete_all", Verdict::Deny),
            ("", needs(&["any"])),
            ("über", needs(&["umlaut"])),
            ("öl", needs(&["any"])),
            ("calendar_*", needs(&["calendar"])),
        ] {
            assert_eq!(of_tool(&policy, name), expected, "{name}");
        }
    }

    #[test]
    fn scopes_of_the_policy_are_sorted_and_listed_once() {
        let policy = policy(
            need(&["c", "a"]),
            &[("tools/list", need(&["b", "a"])), ("x", Rule::Deny)],
            &[("weather*", need(&["B", "a:b"]))],
        );
        assert_eq!(policy.scopes().collect::<Vec<_>>(), ["B", "a", "a:b", "b", "c"]);
        assert_eq!(policy.max_body_bytes(), 1000);
    }

    #[test]
    fn patterns_have_one_star_at_their_end() {
        for fine in ["weather", "calendar_*", "*", "tools/call", "file:///a b"] {
            assert_eq!(pattern_problem(fine), None, "{fine}");
        }
        for wrong in ["", "**", "*a", "a*b", "a*b*", "a**"] {
            assert!(pattern_problem(wrong).is_some(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn lookup_finds_the_exact_entry_else_the_longest_pattern(
            keys in prop::collection::btree_set("[aü]{0,4}\\*?", 0..20),
            name in "[aüb*]{0,6}",
        ) {
            let numbered = keys.iter().enumerate();
            let entries = numbered.map(|(at, key)| (key.clone(), need(&[&at.to_string()]))).collect();
            let longest_pattern = keys
                .iter()
                .filter(|key| key.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix)))
                .max_by_key(|key| key.len());
            let exact = keys.iter().find(|key| **key == name && !key.ends_with('*'));
            let expected = exact.or(longest_pattern).and_then(|key| keys.iter().position(|other| other == key));
            let expected = expected.map(|at| need(&[&at.to_string()]));
            let entries = Entries::new(entries);
            prop_assert_eq!(entries.find(&name), expected.as_ref());
        }
    }
}
