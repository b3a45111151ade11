//! A policy and calls, decided once more by a second implementation that tries every entry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use scopegate_core::{AccessToken, CallId, CallKind, McpCall, Reason, Request, ResourceServer};
use serde_json::{Value, json};

use crate::answer;
use crate::issuer;

/// Input: choices.
pub fn holds_for(input: &[u8]) {
    // Choices never run out: what is missing is 0.
    let _ = decided_alike(&mut Unstructured::new(input));
}

fn decided_alike(choices: &mut Unstructured<'_>) -> Result<()> {
    let policy = Policy::choose(choices)?;
    let server = issuer::keyless_server(policy.config()).expect("a configuration without mistakes");
    for _ in 0..choices.int_in_range(1..=4)? {
        let token = choices.int_in_range(0..=TOKENS.len() - 1)?;
        let (granted, token) = &TOKENS[token];
        let calls: Vec<Call> =
            (0..choices.int_in_range(1..=3)?).map(|_| Call::choose(choices)).collect::<Result<_>>()?;
        let expected = policy.judge(&calls, granted);
        let told = || format!("{policy:#?} {calls:#?} {granted:?}");
        let bodies: Vec<Value> = calls.iter().map(Call::to_body).collect();
        let body = if let [body] = &bodies[..] { body.to_string() } else { json!(bodies).to_string() };
        let request = Request::new("POST", "/mcp");
        assert_eq!(decision(&server, token, &request.body(body.as_bytes())), expected, "{}", told());
        // A listen filter that names nothing cannot be handed in.
        if !calls.iter().any(|call| call.method == "subscriptions/listen" && call.names.is_empty()) {
            let handed_in: Vec<McpCall<'_>> = calls.iter().map(Call::to_mcp_call).collect();
            assert_eq!(decision(&server, token, &request.calls(&handed_in)), expected, "{}", told());
        }
        for name in calls.iter().flat_map(|call| &call.names) {
            let use_of_it = Call { method: name.kind.method().to_owned(), names: vec![name.clone()] };
            let expected = policy.judge(&[use_of_it], granted) == Decision::Allowed;
            let kind = CallKind::from_name(name.kind.map()).expect("a kind");
            assert_eq!(server.allowed(token, kind, &name.spelled), expected, "{name:?} {}", told());
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Decision {
    Allowed,
    Denied,
    /// The scopes of the whole need.
    Needs(String),
}

fn decision(server: &ResourceServer, token: &AccessToken, request: &Request<'_>) -> Decision {
    let Err(rejection) = server.require(token, request) else { return Decision::Allowed };
    answer::is_in_the_table(&rejection);
    let body: Value = serde_json::from_slice(&rejection.response().body).expect("JSON");
    let error = body["error"].as_object().map_or(&body, |error| &error["data"]);
    match rejection.reason() {
        Reason::PolicyDenied => Decision::Denied,
        Reason::InsufficientScope => Decision::Needs(error["scope"].as_str().expect("scopes").to_owned()),
        other => panic!("{other}: {}", rejection.detail()),
    }
}

const SCOPES: [&str; 6] = ["r", "a", "a:b", "a:b:c", "a:b:*", "z"];

/// A token for each set of scopes.
static TOKENS: LazyLock<Vec<(Vec<&'static str>, AccessToken)>> = LazyLock::new(|| {
    let sets = (0..1 << SCOPES.len()).map(|set: usize| {
        let granted: Vec<_> =
            (0..SCOPES.len()).filter(|at| set >> at & 1 == 1).map(|at| SCOPES[at]).collect();
        let token = issuer::verified(&granted.join(" "));
        (granted, token)
    });
    sets.collect()
});

/// All of these scopes, or nobody.
type Rule = Option<Vec<&'static str>>;

type Entries = BTreeMap<String, Rule>;

#[derive(Debug)]
struct Policy {
    default: Rule,
    methods: Entries,
    tools: Entries,
    prompts: Entries,
    resources: Entries,
    required: Vec<&'static str>,
    implications: BTreeMap<&'static str, Vec<&'static str>>,
    wildcards: bool,
}

impl Policy {
    fn choose(choices: &mut Unstructured<'_>) -> Result<Policy> {
        Ok(Policy {
            default: rule(choices)?,
            methods: entries(choices, method)?,
            tools: entries(choices, name)?,
            prompts: entries(choices, name)?,
            resources: entries(choices, resource_key)?,
            required: scopes(choices, 2)?,
            implications: (0..choices.int_in_range(0..=3)?)
                .map(|_| Ok((*choices.choose(&SCOPES)?, scopes(choices, 2)?)))
                .collect::<Result<_>>()?,
            wildcards: choices.arbitrary()?,
        })
    }

    fn config(&self) -> Value {
        let entries = |entries: &Entries| {
            let written = entries.iter().map(|(name, rule)| (name.clone(), written(rule)));
            Value::Object(written.collect())
        };
        let policy = json!({"default": written(&self.default), "methods": entries(&self.methods),
                            "tools": entries(&self.tools), "prompts": entries(&self.prompts),
                            "resources": entries(&self.resources)});
        json!({"policy": policy, "required_scopes": self.required, "scope_implications": self.implications,
               "scope_wildcards": self.wildcards})
    }

    fn judge(&self, calls: &[Call], granted: &[&str]) -> Decision {
        let deny = None;
        let mut rules: Vec<&Rule> = Vec::new();
        for call in calls {
            let of_method = find(&self.methods, &call.method);
            let otherwise =
                if of_method.is_some() || call.is_plumbing() { None } else { Some(&self.default) };
            rules.extend(of_method);
            if call.names.is_empty() {
                rules.extend(otherwise);
            }
            for name in &call.names {
                let of_name = match (name.kind, &name.key) {
                    (_, None) => Some(&deny),
                    (Kind::Tool, Some(key)) => find(&self.tools, key),
                    (Kind::Prompt, Some(key)) => find(&self.prompts, key),
                    (Kind::Resource, Some(key)) => find(&self.resources, key),
                };
                rules.extend(of_name.or(otherwise));
            }
        }
        let mut need: Vec<&str> = Vec::new();
        for scope in self.required.iter().chain(rules.iter().filter_map(|rule| rule.as_ref()).flatten()) {
            if !need.contains(scope) {
                need.push(scope);
            }
        }
        if rules.iter().any(|rule| rule.is_none()) {
            Decision::Denied
        } else if need.iter().all(|scope| self.covers(granted, scope)) {
            Decision::Allowed
        } else {
            Decision::Needs(need.join(" "))
        }
    }

    /// Whether the granted scopes, or what they imply in any number of steps, cover this one.
    fn covers(&self, granted: &[&str], needed: &str) -> bool {
        let mut held = granted.to_vec();
        for _ in SCOPES {
            let implied: Vec<_> =
                held.iter().filter_map(|scope| self.implications.get(scope)).flatten().collect();
            held = held.iter().chain(implied).copied().collect();
            held.sort_unstable();
            held.dedup();
        }
        let by_wildcard = |scope: &&str| {
            let prefix = scope.strip_suffix('*').filter(|prefix| self.wildcards && prefix.ends_with(':'));
            prefix.is_some_and(|prefix| needed.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()))
        };
        held.contains(&needed) || held.iter().any(by_wildcard)
    }
}

/// The exact entry, else that of the longest pattern.
fn find<'a>(entries: &'a Entries, name: &str) -> Option<&'a Rule> {
    let is_pattern = |key: &str| key.ends_with('*');
    let exact = entries.iter().find(|(key, _)| *key == name && !is_pattern(key));
    let patterns =
        entries.iter().filter(|(key, _)| is_pattern(key) && name.starts_with(&key[..key.len() - 1]));
    exact.or_else(|| patterns.max_by_key(|(key, _)| key.len())).map(|(_, rule)| rule)
}

fn written(rule: &Rule) -> Value {
    rule.as_ref().map_or(json!("deny"), |scopes| json!(scopes))
}

fn rule(choices: &mut Unstructured<'_>) -> Result<Rule> {
    if choices.ratio(1, 3)? { Ok(None) } else { scopes(choices, 3).map(Some) }
}

fn scopes(choices: &mut Unstructured<'_>, most: usize) -> Result<Vec<&'static str>> {
    (0..choices.int_in_range(0..=most)?).map(|_| choices.choose(&SCOPES).copied()).collect()
}

fn entries(
    choices: &mut Unstructured<'_>,
    key: fn(&mut Unstructured<'_>) -> Result<String>,
) -> Result<Entries> {
    let mut entries = Entries::new();
    for _ in 0..choices.int_in_range(0..=5)? {
        let key = key(choices)?;
        let rule = rule(choices)?;
        if !key.is_empty() {
            entries.insert(key, rule);
        }
    }
    Ok(entries)
}

const METHODS: [&str; 18] = [
    "tools/call",
    "tools/list",
    "tools/",
    "prompts/get",
    "prompts/list",
    "resources/read",
    "resources/subscribe",
    "resources/",
    "completion/complete",
    "subscriptions/listen",
    "ping",
    "initialize",
    "server/discover",
    "logging/setLevel",
    "notifications/",
    "notifications/x",
    "made/up",
    "",
];

fn method(choices: &mut Unstructured<'_>) -> Result<String> {
    Ok(format!("{}{}", choices.choose(&METHODS)?, star(choices)?))
}

fn name(choices: &mut Unstructured<'_>) -> Result<String> {
    Ok(format!("{}{}", plain_name(choices)?, star(choices)?))
}

fn star(choices: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(if choices.arbitrary()? { "*" } else { "" })
}

fn plain_name(choices: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: [&str; 7] = ["a", "b", "ü", "_", "ab", "/", "\u{1f600}"];
    (0..choices.int_in_range(0..=4)?).map(|_| choices.choose(&PIECES).copied()).collect()
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Tool,
    Prompt,
    Resource,
}

impl Kind {
    fn map(self) -> &'static str {
        ["tools", "prompts", "resources"][self as usize]
    }

    fn method(self) -> &'static str {
        ["tools/call", "prompts/get", "resources/read"][self as usize]
    }
}

/// A name as a call spells it, and the key that it has in the policy; None where it has none.
#[derive(Clone, Debug)]
struct Name {
    kind: Kind,
    spelled: String,
    key: Option<String>,
}

impl Name {
    fn of(kind: Kind, choices: &mut Unstructured<'_>) -> Result<Name> {
        if let Kind::Resource = kind {
            return resource(choices);
        }
        // A star in a name is a character like others.
        let spelled = plain_name(choices)? + if choices.ratio(1, 8)? { "*" } else { "" };
        Ok(Name { kind, key: Some(spelled.clone()), spelled })
    }
}

/// The beginnings of URIs: how they are spelled, and their form in a policy.
const ROOTS: [(&str, &str); 8] = [
    ("file:///", "file:///"),
    ("FILE:///", "file:///"),
    ("https://h.test/", "https://h.test/"),
    ("HTTPS://H.Test/", "https://h.test/"),
    ("https://h.test:8443/", "https://h.test:8443/"),
    ("weather://paris/", "weather://paris/"),
    ("Weather://PARIS/", "weather://paris/"),
    ("note:", "note:"),
];

/// Parts of a path: how they are spelled, and their form in a policy; None where the URI then has no key.
const SEGMENTS: [(&str, Option<&str>); 14] = [
    ("a", Some("a")),
    ("b", Some("b")),
    ("A", Some("A")),
    ("reports", Some("reports")),
    ("ü", Some("%C3%BC")),
    ("%c3%bc", Some("%C3%BC")),
    ("%20", Some("%20")),
    ("a~b", Some("a~b")),
    (".", None),
    ("..", None),
    ("%2e", None),
    ("%61", None),
    ("a%2Fb", None),
    ("a b", None),
];

fn resource(choices: &mut Unstructured<'_>) -> Result<Name> {
    let (root, key_of_root) = *choices.choose(&ROOTS)?;
    let (mut spelled, mut key) = (root.to_owned(), Some(key_of_root.to_owned()));
    let segments = choices.int_in_range(0..=3)?;
    for at in 0..segments {
        let (segment, form) = *choices.choose(&SEGMENTS)?;
        spelled.push_str(segment);
        key = key.zip(form).map(|(key, form)| key + form);
        if at + 1 < segments || choices.arbitrary()? {
            spelled.push_str(if choices.ratio(1, 6)? { "//" } else { "/" });
            key = key.map(|key| key + "/");
        }
    }
    if choices.ratio(1, 6)? {
        spelled.push_str("?q=a/b");
    }
    if choices.ratio(1, 12)? {
        spelled.push_str("#part");
        key = None;
    }
    Ok(Name { kind: Kind::Resource, spelled, key })
}

/// A key of `resources`: a URI in its form, or a pattern that ends where a segment begins.
fn resource_key(choices: &mut Unstructured<'_>) -> Result<String> {
    const PATTERNS: [&str; 6] = ["*", "file:*", "file://*", "https://*", "weather:*", "note:*"];
    if choices.ratio(1, 4)? {
        return Ok((*choices.choose(&PATTERNS)?).to_owned());
    }
    let key = resource(choices)?.key.unwrap_or_default();
    Ok(if key.ends_with('/') && choices.arbitrary()? { key + "*" } else { key })
}

#[derive(Debug)]
struct Call {
    method: String,
    names: Vec<Name>,
}

impl Call {
    fn choose(choices: &mut Unstructured<'_>) -> Result<Call> {
        let method = (*choices.choose(&METHODS)?).to_owned();
        let names = match method.as_str() {
            "tools/call" => vec![Name::of(Kind::Tool, choices)?],
            "prompts/get" => vec![Name::of(Kind::Prompt, choices)?],
            "resources/read" | "resources/subscribe" => vec![Name::of(Kind::Resource, choices)?],
            "completion/complete" if choices.arbitrary()? => vec![Name::of(Kind::Prompt, choices)?],
            "completion/complete" => vec![Name::of(Kind::Resource, choices)?],
            "subscriptions/listen" => (0..choices.int_in_range(0..=3)?)
                .map(|_| Name::of(Kind::Resource, choices))
                .collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        Ok(Call { method, names })
    }

    fn is_plumbing(&self) -> bool {
        ["initialize", "server/discover", "ping", "logging/setLevel"].contains(&self.method.as_str())
            || self.method.starts_with("notifications/")
    }

    fn to_body(&self) -> Value {
        let params = match (self.method.as_str(), &self.names[..]) {
            ("subscriptions/listen", names) => {
                let uris: Vec<&str> = names.iter().map(|name| name.spelled.as_str()).collect();
                json!({"notifications": {"resourceSubscriptions": uris}})
            }
            ("completion/complete", [Name { kind: Kind::Prompt, spelled, .. }]) => {
                json!({"ref": {"type": "ref/prompt", "name": spelled}})
            }
            ("completion/complete", [name]) => json!({"ref": {"type": "ref/resource", "uri": name.spelled}}),
            (_, [Name { kind: Kind::Resource, spelled, .. }]) => json!({"uri": spelled}),
            (_, [name]) => json!({"name": name.spelled}),
            _ => json!({}),
        };
        json!({"jsonrpc": "2.0", "id": 1, "method": self.method, "params": params})
    }

    fn to_mcp_call(&self) -> McpCall<'_> {
        let named = |call: McpCall<'static>, name: &Name| match (self.method.as_str(), name.kind) {
            ("completion/complete", Kind::Prompt) => call.prompt(name.spelled.clone()),
            ("completion/complete" | "subscriptions/listen", _) => call.resource(name.spelled.clone()),
            _ => call.name(name.spelled.clone()),
        };
        let call = McpCall::new(self.method.clone()).id(CallId::Number(1));
        self.names.iter().fold(call, named)
    }
}
