//! A policy and calls, decided once more by a second implementation that tries every entry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use scopegate_core::{AccessToken, CallKind, McpCall, Reason, Request, ResourceServer};
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
    let server = issuer::server(policy.config());
    for _ in 0..choices.int_in_range(1..=4)? {
        let token = choices.int_in_range(0..=TOKENS.len() - 1)?;
        let (granted, token) = &TOKENS[token];
        let call = Call::choose(choices)?;
        let expected = policy.judge(&call, granted);
        let body = call.to_body().to_string();
        let request = Request::new("POST", "/mcp");
        assert_eq!(
            decision(&server, token, &request.body(body.as_bytes())),
            expected,
            "{policy:?} {call:?} {granted:?}"
        );
        let calls = [call.to_mcp_call()];
        assert_eq!(
            decision(&server, token, &request.calls(&calls)),
            expected,
            "{policy:?} {call:?} {granted:?}"
        );
        for kind in [CallKind::Tool, CallKind::Prompt, CallKind::Resource] {
            let name = call.name.as_deref().unwrap_or(&call.method);
            let use_of_it =
                Call { method: METHODS_OF_KINDS[kind as usize].to_owned(), name: Some(name.to_owned()) };
            let expected = policy.judge(&use_of_it, granted) == Decision::Allowed;
            assert_eq!(server.allowed(token, kind, name), expected, "{policy:?} {use_of_it:?} {granted:?}");
        }
    }
    Ok(())
}

const METHODS_OF_KINDS: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

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
                            "tools": entries(&self.tools)});
        json!({"policy": policy, "required_scopes": self.required, "scope_implications": self.implications,
               "scope_wildcards": self.wildcards})
    }

    fn judge(&self, call: &Call, granted: &[&str]) -> Decision {
        let of_method = find(&self.methods, &call.method);
        let of_name = call.name.as_ref().filter(|_| call.method == "tools/call");
        let of_name = of_name.and_then(|name| find(&self.tools, name));
        let is_plumbing = ["initialize", "server/discover", "ping", "logging/setLevel"]
            .contains(&call.method.as_str())
            || call.method.starts_with("notifications/");
        let listed: Vec<&Rule> = of_method.into_iter().chain(of_name).collect();
        let rules = if listed.is_empty() && !is_plumbing { vec![&self.default] } else { listed };
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
        let star = if choices.arbitrary()? { "*" } else { "" };
        let key = key(choices)?.replace('*', "") + star;
        let rule = rule(choices)?;
        if !key.is_empty() {
            entries.insert(key, rule);
        }
    }
    Ok(entries)
}

fn method(choices: &mut Unstructured<'_>) -> Result<String> {
    const METHODS: [&str; 16] = [
        "tools/call",
        "tools/list",
        "tools/",
        "prompts/get",
        "prompts/list",
        "resources/read",
        "resources/subscribe",
        "resources/",
        "ping",
        "initialize",
        "server/discover",
        "logging/setLevel",
        "notifications/",
        "notifications/x",
        "",
        "made/up",
    ];
    choices.choose(&METHODS).map(|method| (*method).to_owned())
}

fn name(choices: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: [&str; 8] = ["a", "b", "ü", "_", "ab", "/", "*", "\u{1f600}"];
    (0..choices.int_in_range(0..=4)?).map(|_| choices.choose(&PIECES).copied()).collect()
}

#[derive(Debug)]
struct Call {
    method: String,
    name: Option<String>,
}

impl Call {
    fn choose(choices: &mut Unstructured<'_>) -> Result<Call> {
        let method = method(choices)?;
        let name = match method.as_str() {
            "tools/call" | "prompts/get" | "resources/read" | "resources/subscribe" => Some(name(choices)?),
            _ => None,
        };
        Ok(Call { method, name })
    }

    fn to_body(&self) -> Value {
        let member = if self.method.starts_with("resources/") { "uri" } else { "name" };
        let params = self.name.as_ref().map_or(json!({}), |name| json!({member: name}));
        json!({"jsonrpc": "2.0", "id": 1, "method": self.method, "params": params})
    }

    fn to_mcp_call(&self) -> McpCall<'_> {
        let call = McpCall::new(self.method.as_str()).id(scopegate_core::CallId::Number(1));
        match &self.name {
            Some(name) => call.name(name.as_str()),
            None => call,
        }
    }
}
