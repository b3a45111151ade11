//! Configurations and requests of any size, each along one axis.

use std::fmt::Write;

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde_json::{Map, Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";

/// What grows. The rest stays small.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Axis {
    /// Authorization servers; the token is of the last.
    Issuers,
    /// Keys of the one server; the token is signed with the last.
    Keys,
    /// `scopes_supported`.
    ScopesListed,
    /// Scopes of the token; the last is needed.
    ScopesGranted,
    /// `required_scopes`, and as many scopes of the token: it has them in reverse order.
    ScopesRequired,
    /// The same, but the token lacks one of them: the refusal names them all.
    ScopesLacking,
    /// Scopes of the token that end with `*`; the last covers what is needed.
    Wildcards,
    /// A chain of scopes, each of which implies the next; the token has the first and the last is needed.
    Implications,
    /// Patterns for tools, of one length, beside as many names of tools; the call fits the last pattern.
    Patterns,
    /// Patterns for resources likewise.
    Resources,
    /// Kilobytes of a body whose tool the policy names.
    Body,
    /// Rules of a policy that are none.
    Mistakes,
    /// Members of the policy that are of the wrong type.
    WrongTypes,
}

impl Axis {
    pub(crate) const ALL: [Axis; 13] = [
        Axis::Issuers,
        Axis::Keys,
        Axis::ScopesListed,
        Axis::ScopesGranted,
        Axis::ScopesRequired,
        Axis::ScopesLacking,
        Axis::Wildcards,
        Axis::Implications,
        Axis::Patterns,
        Axis::Resources,
        Axis::Body,
        Axis::Mistakes,
        Axis::WrongTypes,
    ];

    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Axis::Issuers => "authorization servers",
            Axis::Keys => "keys",
            Axis::ScopesListed => "scopes listed",
            Axis::ScopesGranted => "scopes granted",
            Axis::ScopesRequired => "scopes required and granted",
            Axis::ScopesLacking => "scopes required, one lacking",
            Axis::Wildcards => "wildcard scopes granted",
            Axis::Implications => "scope implications in a chain",
            Axis::Patterns => "policy patterns, tools",
            Axis::Resources => "policy patterns, resources",
            Axis::Body => "kilobytes of a body",
            Axis::Mistakes => "mistakes in a configuration",
            Axis::WrongTypes => "wrong types in a configuration",
        }
    }

    /// The largest that is measured.
    pub(crate) fn most(self) -> usize {
        match self {
            Axis::Keys => 100,
            Axis::Patterns | Axis::Resources => 10_000,
            _ => 1_000,
        }
    }

    /// Whether there is nothing but mistakes to find, and so no decision.
    pub(crate) fn is_wrong(self) -> bool {
        matches!(self, Axis::Mistakes | Axis::WrongTypes)
    }
}

/// A configuration, and a request that fits it.
pub(crate) struct Scene {
    config: Map<String, Value>,
    authorization: String,
    body: String,
    accepted: bool,
}

impl Scene {
    pub(crate) fn new(axis: Axis, size: usize) -> Scene {
        let issuer = Issuer::new(RESOURCE);
        let mut config = Map::new();
        config.insert("resource".to_owned(), RESOURCE.into());
        config.insert("authorization_servers".to_owned(), json!([server(&issuer)]));
        let mut set = |member: &str, value: Value| drop(config.insert(member.to_owned(), value));
        let names: Vec<String> = (0..size).map(|number| format!("s{number:04}")).collect();
        let last = names.last().cloned().unwrap_or_default();
        let (mut scope, mut body) = ("s0000".to_owned(), String::new());
        match axis {
            Axis::Issuers => set("authorization_servers", servers(&issuer, size)),
            Axis::Keys => set("authorization_servers", json!([with_keys(&issuer, size)])),
            Axis::ScopesListed => set("scopes_supported", json!(names)),
            Axis::ScopesGranted => {
                scope = names.join(" ");
                set("required_scopes", json!([last]));
            }
            Axis::ScopesRequired | Axis::ScopesLacking => {
                let lacking = usize::from(axis == Axis::ScopesLacking);
                scope = names.iter().rev().skip(lacking).cloned().collect::<Vec<_>>().join(" ");
                set("required_scopes", json!(names));
            }
            Axis::Wildcards => {
                scope =
                    names.iter().map(|name| format!("{name}:* ")).collect::<String>().trim_end().to_owned();
                set("required_scopes", json!([format!("{last}:read")]));
                set("scope_wildcards", json!(true));
            }
            Axis::Implications => {
                let links =
                    names.iter().zip(1..).map(|(name, next)| (name.clone(), json!([format!("s{next:04}")])));
                set("scope_implications", Value::Object(links.collect()));
                set("required_scopes", json!([format!("s{size:04}")]));
            }
            Axis::Patterns => {
                set("policy", json!({"default": "deny", "tools": rules(size, "")}));
                body = call("tools/call", "name", &format!("n{:05}_x", size - 1));
            }
            Axis::Resources => {
                set("policy", json!({"default": "deny", "resources": rules(size, "https://example.com/")}));
                body = call("resources/read", "uri", &format!("https://example.com/n{:05}/x", size - 1));
            }
            Axis::Body => {
                set("policy", json!({"default": "deny", "tools": rules(1, "")}));
                body = long_call("n00000_x", size * 1000);
            }
            Axis::Mistakes => {
                let rules = (0..size).map(|number| (format!("a*b{number}"), json!(["x y"])));
                set("policy", json!({"default": [], "tools": Map::from_iter(rules)}));
            }
            Axis::WrongTypes => {
                let rules = (0..size).map(|number| (format!("n{number}"), json!(number)));
                set("policy", json!({"default": [], "tools": Map::from_iter(rules)}));
            }
        }
        let authorization = issuer.authorization(&json!({"scope": scope, "expires_in": 86_400}));
        Scene { config, authorization, body, accepted: axis != Axis::ScopesLacking }
    }

    /// The configuration; `capacity`: of verified tokens.
    pub(crate) fn config(&self, capacity: usize) -> String {
        let mut config = self.config.clone();
        config.insert("token_cache".to_owned(), json!({"capacity": capacity}));
        Value::Object(config).to_string()
    }

    /// One decision, as it must be.
    pub(crate) fn decide(&self, server: &ResourceServer) {
        let lines = [self.authorization.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines).body(self.body.as_bytes());
        let decision = server.authorize(&request);
        assert_eq!(decision.is_ok(), self.accepted, "{:?}", decision.map_err(|rejection| rejection.reason()));
    }
}

fn server(issuer: &Issuer) -> Value {
    serde_json::from_str(&issuer.server()).expect("JSON")
}

fn servers(issuer: &Issuer, count: usize) -> Value {
    let mut servers = vec![server(issuer); count];
    for (number, server) in servers.iter_mut().enumerate().take(count - 1) {
        server["issuer"] = format!("https://as-{number:04}.test").into();
    }
    Value::Array(servers)
}

fn with_keys(issuer: &Issuer, count: usize) -> Value {
    let mut found = server(issuer);
    let keys = found["jwks"]["keys"].as_array_mut().expect("a list");
    for number in 1..count {
        let mut other = server(&Issuer::new(RESOURCE))["jwks"]["keys"][0].take();
        other["kid"] = format!("other-{number:04}").into();
        keys.insert(0, other);
    }
    found
}

/// So many patterns and as many exact names, each with a scope that the token has.
fn rules(count: usize, before: &str) -> Value {
    let stem = if before.is_empty() { "_*" } else { "/*" };
    let keys = (0..count).flat_map(|number| {
        let name = format!("{before}n{number:05}");
        [format!("{name}{stem}"), name]
    });
    Value::Object(keys.map(|key| (key, json!(["s0000"]))).collect())
}

/// A call of a tool with arguments as an agent writes them: texts of some hundred bytes with escapes, numbers, lists.
pub(crate) fn long_call(tool: &str, bytes: usize) -> String {
    let text = "She said \"yes\", and wrote it down:\n- one thing after the other, each on a line of its own\n- and no more.";
    let item = json!({"title": "Minutes", "tags": ["draft", "2026", null], "score": 17.25, "open": true, "text": text});
    let item = format!("{item},");
    let (start, end) = (format!(r#"{{"name":"{tool}","arguments":{{"items":["#), r#"""]}}}"#);
    let mut body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{start}"#);
    while body.len() + item.len() + end.len() <= bytes {
        body.push_str(&item);
    }
    body + end
}

fn call(method: &str, member: &str, name: &str) -> String {
    let mut body = String::new();
    let params = json!({member: name, "arguments": {"city": "Oslo"}});
    write!(body, r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).expect("memory");
    body
}
