//! Call -> need: which scopes a call needs, or that no scope allows it.

mod report;

pub use report::{PolicyEntry, PolicyReport};

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::call::{CallKind, McpCall, Message, is_notification, resource_uri};

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
    /// The same, because a resource's URI has no key.
    NoKey,
}

/// The maps of a policy. Their keys are checked: they have no [`pattern_problem`], those of the resources no
/// [`resource_problem`], and each is there once; scopes keep to the grammar.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    pub(crate) methods: Vec<(String, Rule)>,
    pub(crate) tools: Vec<(String, Rule)>,
    pub(crate) prompts: Vec<(String, Rule)>,
    pub(crate) resources: Vec<(String, Rule)>,
}

/// The policy of a configuration, and what was declared beside it.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    default: Rule,
    methods: Entries,
    tools: Entries,
    prompts: Entries,
    resources: Entries,
    declared: Arc<Declared>,
    scopes: Vec<String>,
    max_body_bytes: usize,
    headers_verified: bool,
}

impl Policy {
    pub(crate) fn new(default: Rule, maps: Maps, max_body_bytes: usize, headers_verified: bool) -> Self {
        let entries = [&maps.methods, &maps.tools, &maps.prompts, &maps.resources].into_iter().flatten();
        let rules = entries.map(|(_, rule)| rule).chain([&default]);
        let scopes: BTreeSet<&String> = rules.flat_map(Rule::scopes).collect();
        let scopes = scopes.into_iter().cloned().collect();
        Policy {
            default,
            methods: Entries::new(maps.methods),
            tools: Entries::new(maps.tools),
            prompts: Entries::new(maps.prompts),
            resources: Entries::new(maps.resources),
            declared: Arc::default(),
            scopes,
            max_body_bytes,
            headers_verified,
        }
    }

    /// The policy of a configuration without one: nothing is needed beside `required_scopes`.
    pub(crate) fn open(max_body_bytes: usize) -> Self {
        Policy::new(Rule::Need(Vec::new()), Maps::default(), max_body_bytes, false)
    }

    /// This policy joined with what a host declares. It can only ask for more, but where the name has no entry: there
    /// the declaration stands in the place of `default`.
    pub(crate) fn joined_with(mut self, declared: &Arc<Declared>) -> Self {
        let of_declared = declared.rules().flat_map(|(_, _, rule)| rule.scopes().iter().cloned());
        let scopes: BTreeSet<String> = self.scopes.into_iter().chain(of_declared).collect();
        self.scopes = scopes.into_iter().collect();
        self.declared = Arc::clone(declared);
        self
    }

    /// What this message needs: everything that each of its calls does. No body and a response need nothing.
    pub(crate) fn judge(&self, message: &Message<'_>) -> Verdict<'_> {
        let mut rules = Vec::new();
        for call in message.calls() {
            let key_of = match &*call.method {
                "completion/complete" => resource_uri::template_key,
                _ => resource_uri::key,
            };
            if self.add_rules(call, key_of, &mut rules) == Err(NoKey) {
                return Verdict::NoKey;
            }
        }
        join(rules)
    }

    /// What using this tool, prompt or resource needs. Lists name templates of resources too.
    pub(crate) fn allows(&self, kind: CallKind, name: &str) -> Verdict<'_> {
        let (call, mut rules) = (McpCall::new(kind.method()).name(name), Vec::new());
        match self.add_rules(&call, resource_uri::template_key, &mut rules) {
            Ok(()) => join(rules),
            Err(NoKey) => Verdict::NoKey,
        }
    }

    /// Every scope that the policy names, sorted by bytes, each once.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }

    /// The largest body that is read.
    pub(crate) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Whether the host vouches that its server compares the routing headers with the body.
    pub(crate) fn headers_verified(&self) -> bool {
        self.headers_verified
    }

    fn add_rules<'p>(
        &'p self,
        call: &McpCall<'_>,
        key_of: KeyOf,
        rules: &mut Vec<&'p Rule>,
    ) -> Result<(), NoKey> {
        let of_method = self.methods.find(&call.method);
        let otherwise = match of_method {
            None if !is_plumbing(&call.method) => Some(&self.default),
            _ => None,
        };
        rules.extend(of_method);
        if call.names.is_empty() {
            rules.extend(otherwise);
        }
        for named in &call.names {
            let key = key(named.kind, &named.name, key_of)?;
            let of_name = [self.entries(named.kind).find(&key), self.declared.find(named.kind, &key)];
            if of_name == [None, None] {
                rules.extend(otherwise);
            }
            rules.extend(of_name.into_iter().flatten());
        }
        Ok(())
    }

    fn entries(&self, kind: CallKind) -> &Entries {
        match kind {
            CallKind::Tool => &self.tools,
            CallKind::Prompt => &self.prompts,
            CallKind::Resource => &self.resources,
        }
    }
}

/// What a name is looked up by.
fn key(kind: CallKind, name: &str, key_of: KeyOf) -> Result<Cow<'_, str>, NoKey> {
    match kind {
        CallKind::Tool | CallKind::Prompt => Ok(Cow::Borrowed(name)),
        CallKind::Resource => key_of(name).map(Cow::Owned).ok_or(NoKey),
    }
}

/// A URI that servers could take for another one. It is denied, whatever the policy says of others.
#[derive(Debug, Eq, PartialEq)]
struct NoKey;

/// [`resource_uri::key`], or the one that takes templates.
type KeyOf = fn(&str) -> Option<String>;

/// What is wrong with a key of `methods`, `tools` or `prompts`, None for a name or a pattern.
pub(crate) fn pattern_problem(text: &str) -> Option<String> {
    let problem = match text.find('*') {
        _ if text.is_empty() => "expected a name, or a pattern that ends with *",
        Some(at) if at + 1 != text.len() => "expected * only once, as the last character",
        _ => return None,
    };
    Some(problem.to_owned())
}

/// What is wrong with a key of `resources`, None for a URI or a pattern in the form that URIs are compared in.
pub(crate) fn resource_problem(text: &str) -> Option<String> {
    pattern_problem(text).or_else(|| match text.strip_suffix('*') {
        Some(stem) => resource_uri::stem_problem(stem),
        None => resource_uri::key_problem(text),
    })
}

/// What the protocol itself consists of: every client sends it, and it does nothing for its user.
fn is_plumbing(method: &str) -> bool {
    is_notification(method)
        || matches!(method, "initialize" | "server/discover" | "ping" | "logging/setLevel")
}

/// What all of these rules together say.
fn join<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Verdict<'a> {
    let (mut need, mut seen) = (Vec::new(), HashSet::new());
    for rule in rules {
        let Rule::Need(scopes) = rule else { return Verdict::Deny };
        need.extend(scopes.iter().map(String::as_str).filter(|scope| seen.insert(*scope)));
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

    /// What both together say.
    fn join(&mut self, other: &Rule) {
        match (&mut *self, other) {
            (Rule::Need(need), Rule::Need(more)) => {
                let new = more.iter().filter(|scope| !need.contains(scope)).cloned().collect::<Vec<_>>();
                need.extend(new);
            }
            _ => *self = Rule::Deny,
        }
    }
}

/// What a host declares of the things that it offers: rules by name, never by pattern. Resources go by their keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    tools: HashMap<String, Rule>,
    prompts: HashMap<String, Rule>,
    resources: HashMap<String, Rule>,
}

impl Declared {
    /// Joins a rule with what is declared of this name already.
    pub(crate) fn join(&mut self, kind: CallKind, name: &str, rule: &Rule) {
        let rules = match kind {
            CallKind::Tool => &mut self.tools,
            CallKind::Prompt => &mut self.prompts,
            CallKind::Resource => &mut self.resources,
        };
        rules.entry(name.to_owned()).or_insert_with(|| Rule::Need(Vec::new())).join(rule);
    }

    /// Both together.
    pub(crate) fn and(mut self, other: &Declared) -> Declared {
        for (kind, name, rule) in other.rules() {
            self.join(kind, name, rule);
        }
        self
    }

    /// Whether something declares more than that it needs nothing.
    pub(crate) fn asks_for_something(&self) -> bool {
        self.rules().any(|(_, _, rule)| *rule != Rule::Need(Vec::new()))
    }

    fn rules(&self) -> impl Iterator<Item = (CallKind, &str, &Rule)> {
        [CallKind::Tool, CallKind::Prompt, CallKind::Resource]
            .into_iter()
            .flat_map(|kind| self.of(kind).iter().map(move |(name, rule)| (kind, name.as_str(), rule)))
    }

    fn find(&self, kind: CallKind, name: &str) -> Option<&Rule> {
        self.of(kind).get(name)
    }

    fn of(&self, kind: CallKind) -> &HashMap<String, Rule> {
        match kind {
            CallKind::Tool => &self.tools,
            CallKind::Prompt => &self.prompts,
            CallKind::Resource => &self.resources,
        }
    }
}

/// One map of the policy. What a lookup costs depends on the length of the name, not on how many entries there are.
#[derive(Clone, Debug)]
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

    /// Every name and pattern, as configured, sorted by bytes.
    fn patterns(&self) -> Vec<String> {
        let patterns = self.prefixes.keys().map(|prefix| format!("{prefix}*"));
        let sorted: BTreeSet<String> = self.exact.keys().cloned().chain(patterns).collect();
        sorted.into_iter().collect()
    }

    /// The entry of this name: the exact one, else the one of the longest pattern.
    fn find(&self, name: &str) -> Option<&Rule> {
        let of_prefix = |length: &usize| self.prefixes.get(name.get(..*length)?);
        let fitting = self.lengths.partition_point(|length| *length > name.len());
        let fitting = self.lengths.iter().skip(fitting);
        self.exact.get(name).or_else(|| fitting.into_iter().find_map(of_prefix))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::CallId;

    fn need(scopes: &[&str]) -> Rule {
        Rule::Need(scopes.iter().map(|scope| (*scope).to_owned()).collect())
    }

    type Written<'a> = &'a [(&'a str, Rule)];

    fn owned(entries: Written<'_>) -> Vec<(String, Rule)> {
        entries.iter().map(|(key, rule)| ((*key).to_owned(), rule.clone())).collect()
    }

    fn policy(default: Rule, methods: Written<'_>, tools: Written<'_>) -> Policy {
        let maps = Maps { methods: owned(methods), tools: owned(tools), ..Maps::default() };
        Policy::new(default, maps, 1000, false)
    }

    fn of_method<'a>(policy: &'a Policy, method: &str) -> Verdict<'a> {
        policy.judge(&Message::Call(McpCall::new(method)))
    }

    fn of_tool<'a>(policy: &'a Policy, name: &str) -> Verdict<'a> {
        let verdict = policy.judge(&Message::Call(McpCall::new("tools/call").name(name)));
        assert_eq!(policy.allows(CallKind::Tool, name), verdict);
        verdict
    }

    /// By `resources/read`, as by every other way to name a resource.
    fn of_resource<'a>(policy: &'a Policy, uri: &str) -> Verdict<'a> {
        let verdict = policy.judge(&Message::Call(McpCall::new("resources/read").name(uri)));
        for call in [
            McpCall::new("resources/subscribe").name(uri),
            McpCall::new("resources/unsubscribe").name(uri),
            McpCall::new("completion/complete").resource(uri),
            McpCall::new("subscriptions/listen").resource(uri),
        ] {
            assert_eq!(policy.judge(&Message::Call(call)), verdict, "{uri}");
        }
        assert_eq!(policy.allows(CallKind::Resource, uri), verdict, "{uri}");
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

    /// What [`Entries::find`] does is one look-up, and one for each length that patterns have.
    #[test]
    fn ten_thousand_patterns_are_looked_up_as_a_few_are() {
        let pattern = |number: usize| (format!("tool_{number:05}_*"), need(&["a"]));
        let longer = |number: usize| (format!("tool_{number:05}_long_*"), Rule::Deny);
        let maps =
            Maps { tools: (0..5_000).flat_map(|n| [pattern(n), longer(n)]).collect(), ..Maps::default() };
        let policy = Policy::new(Rule::Deny, maps, 1000, false);
        assert_eq!((policy.tools.prefixes.len(), policy.tools.lengths.as_slice()), (10_000, &[16, 11][..]));
        assert_eq!(of_tool(&policy, "tool_04999_x"), needs(&["a"]));
        assert_eq!(of_tool(&policy, "tool_04999_long_x"), Verdict::Deny);
    }

    #[test]
    fn each_kind_is_looked_up_in_its_own_map() {
        let maps = Maps {
            tools: owned(&[("a:b", need(&["tool"]))]),
            prompts: owned(&[("a:b", need(&["prompt"]))]),
            resources: owned(&[("a:b", need(&["resource"]))]),
            ..Maps::default()
        };
        let policy = Policy::new(Rule::Deny, maps, 1000, false);
        assert_eq!(of_tool(&policy, "a:b"), needs(&["tool"]));
        assert_eq!(of_resource(&policy, "a:b"), needs(&["resource"]));
        for prompt in [
            McpCall::new("prompts/get").name("a:b"),
            McpCall::new("completion/complete").prompt("a:b"),
            McpCall::new("prompts/get").name("a:b").id(CallId::Number(1)),
        ] {
            assert_eq!(policy.judge(&Message::Call(prompt)), needs(&["prompt"]));
        }
        assert_eq!(policy.allows(CallKind::Prompt, "a:b"), needs(&["prompt"]));
        for unnamed in ["tools/call2", "resources/list", "completion", "subscriptions/list"] {
            assert_eq!(policy.judge(&Message::Call(McpCall::new(unnamed).name("a:b"))), Verdict::Deny);
        }
    }

    #[test]
    fn a_pattern_of_resources_stands_for_whole_segments() {
        let maps = Maps {
            resources: owned(&[
                ("file:///reports/*", need(&["reports"])),
                ("file:///reports/secret/*", Rule::Deny),
                ("file:///reports/secret/faq", need(&["faq"])),
                ("https://example.com/*", need(&["web"])),
                ("weather:*", need(&["weather"])),
                ("weather://paris/now", need(&["paris"])),
            ]),
            ..Maps::default()
        };
        let policy = Policy::new(need(&["default"]), maps, 1000, false);
        for (uri, expected) in [
            ("file:///reports/2026", needs(&["reports"])),
            ("file:///reports/a/b/", needs(&["reports"])),
            ("file:///reports/", needs(&["reports"])),
            ("file:///reports", needs(&["default"])),
            ("file:///reports-secret/a", needs(&["default"])),
            ("file:///reports/secret", needs(&["reports"])),
            ("file:///reports/secret/a", Verdict::Deny),
            ("file:///reports//secret/a", Verdict::Deny),
            ("FILE:///reports/secret/a?faq", Verdict::Deny),
            ("file:///reports/secret/faq", needs(&["faq"])),
            ("file:///reports/secret/faq?x", needs(&["faq"])),
            ("file:///reports/secret/faq/", Verdict::Deny),
            ("https://EXAMPLE.com", needs(&["web"])),
            ("https://example.com.evil/", needs(&["default"])),
            ("https://example.com:8443/", needs(&["default"])),
            ("weather://Paris/now", needs(&["paris"])),
            ("weather://paris/tomorrow", needs(&["weather"])),
            ("weather:paris", needs(&["weather"])),
            ("weathers:paris", needs(&["default"])),
            ("file:///reports/../etc", Verdict::NoKey),
            ("https://example.com:443/", Verdict::NoKey),
            ("reports", Verdict::NoKey),
            ("", Verdict::NoKey),
        ] {
            assert_eq!(of_resource(&policy, uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_uri_without_a_key_is_denied_where_no_resource_is_named() {
        let policy = policy(need(&[]), &[("resources/read", need(&[]))], &[]);
        assert_eq!(of_resource(&policy, "file:///a b"), Verdict::NoKey);
        assert_eq!(policy.allows(CallKind::Resource, "file:///a"), needs(&[]));
    }

    #[test]
    fn templates_are_completed_and_listed_but_not_read() {
        let maps = Maps {
            resources: owned(&[("weather://*", need(&["weather"])), ("weather://paris/*", Rule::Deny)]),
            ..Maps::default()
        };
        let policy = Policy::new(need(&["default"]), maps, 1000, false);
        for (template, expected) in [
            ("weather://{city}/now", needs(&["weather"])),
            ("weather://paris/{+day}", Verdict::Deny),
            ("weather://paris{?day}", needs(&["weather"])),
            ("news:{topic}", needs(&["default"])),
            ("weather://{city}/../x", Verdict::NoKey),
        ] {
            let completed = McpCall::new("completion/complete").resource(template);
            assert_eq!(policy.judge(&Message::Call(completed)), expected, "{template}");
            assert_eq!(policy.allows(CallKind::Resource, template), expected, "{template}");
            let read = McpCall::new("resources/read").name(template);
            assert_eq!(policy.judge(&Message::Call(read)), Verdict::NoKey, "{template}");
        }
    }

    #[test]
    fn several_calls_and_names_need_what_each_of_them_does() {
        let maps = Maps {
            methods: owned(&[("tools/call", need(&["call"]))]),
            tools: owned(&[("weather", need(&["weather", "both"])), ("secret", Rule::Deny)]),
            resources: owned(&[("a:1", need(&["one", "both"])), ("a:2", Rule::Deny)]),
            ..Maps::default()
        };
        let policy = Policy::new(need(&["default"]), maps, 1000, false);
        let weather = McpCall::new("tools/call").name("weather");
        let listen = McpCall::new("subscriptions/listen");
        let both = listen.clone().resource("a:1").resource("a:3");
        for (calls, expected) in [
            (vec![weather.clone(), both.clone()], needs(&["call", "weather", "both", "one", "default"])),
            (vec![McpCall::new("ping"), McpCall::new("notifications/x")], needs(&[])),
            (vec![McpCall::new("ping"), McpCall::new("tools/list")], needs(&["default"])),
            (vec![weather.clone(), McpCall::new("tools/call").name("secret")], Verdict::Deny),
            (vec![weather, listen.clone().resource("a:1").resource("a:2")], Verdict::Deny),
            (vec![], needs(&[])),
        ] {
            assert_eq!(policy.judge(&Message::Batch(calls.clone())), expected, "{calls:?}");
        }
        assert_eq!(policy.judge(&Message::Call(both)), needs(&["one", "both", "default"]));
        assert_eq!(policy.judge(&Message::Call(listen)), needs(&["default"]));
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
    fn resources_are_written_in_the_form_they_are_compared_in() {
        for fine in [
            "*",
            "file:*",
            "file://*",
            "file:///*",
            "file:///a/*",
            "urn:isbn:1",
            "a://b",
            "a:b/*",
            "https://a/",
        ] {
            assert_eq!(resource_problem(fine), None, "{fine}");
        }
        for (wrong, expected) in [
            ("FILE:///a", "\"file:///a\""),
            ("File:*", "\"file:*\""),
            ("A://*", "\"a://*\""),
            ("https://A/*", "\"https://a/*\""),
            ("https://a", "\"https://a/\""),
            ("file:///ü/*", "\"file:///%C3%BC/*\""),
            ("file:///%c3%bc", "\"file:///%C3%BC\""),
            ("file:///a//b", "\"file:///a/b\""),
            ("file:///a?b", "\"file:///a\""),
            ("file:///a?b/*", "\"file:///a\""),
            ("file:///a*", "whole segments"),
            ("a:/*", "whole segments"),
            ("a*", "whole segments"),
            ("a b:*", "whole segments"),
            ("weather://{city}/now", "no template"),
            ("weather://{city}/*", "no template"),
            ("file:///a/../b", "in one way"),
            ("file:///a#b", "in one way"),
            ("file:///%61", "in one way"),
            ("file:/a", "in one way"),
            ("reports", "in one way"),
            ("/*", "in one way"),
        ] {
            let problem = resource_problem(wrong).expect(wrong);
            assert!(problem.contains(expected), "{wrong}: {problem}");
        }
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

        #[test]
        fn a_uri_finds_its_entry_else_that_of_the_folder_nearest_to_it(
            folders in prop::collection::btree_set("a:(//[bü]{0,2})?(/[bc]{1,2}){0,3}/", 0..20),
            files in prop::collection::btree_set("a:(//[bü]{0,2})?(/[bc]{1,2}){0,3}", 0..20),
            uri in "a:(//[bBü]{0,2})?(/[bcü.%]{0,2}){0,4}(\\?x)?",
        ) {
            let patterns = folders.iter().map(|folder| format!("{folder}*"));
            let keys: BTreeSet<String> = patterns.chain(files).collect();
            let keys = keys.into_iter().filter(|key| resource_problem(key).is_none());
            let entries: Vec<_> = keys.map(|key| (key.clone(), need(&[&key]))).collect();
            let maps = Maps { resources: entries.clone(), ..Maps::default() };
            let policy = Policy::new(need(&[]), maps, 1000, false);
            let message = Message::Call(McpCall::new("resources/read").name(uri.as_str()));
            let expected = resource_uri::key(&uri).map(|key| {
                // Up from the resource itself, folder by folder.
                let above = key.char_indices().rev().filter(|(_, character)| "/:".contains(*character));
                let above = above.map(|(at, _)| format!("{}*", key.get(..=at).unwrap()));
                let mut nearest_first = std::iter::once(key.clone()).chain(above);
                nearest_first.find_map(|key| entries.iter().find(|(listed, _)| *listed == key))
            });
            let expected = match expected {
                None => Verdict::NoKey,
                Some(None) => Verdict::Need(Vec::new()),
                Some(Some((_, Rule::Need(scopes)))) => Verdict::Need(scopes.iter().map(String::as_str).collect()),
                Some(Some((_, Rule::Deny))) => unreachable!(),
            };
            prop_assert_eq!(policy.judge(&message), expected);
        }
    }
}
