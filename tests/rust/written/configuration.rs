//! One drawn configuration.

use scopegate_core::testing::Issuer;
use serde_json::{Map, Value, json};

use crate::draw::{Draw, scope_characters};

/// A configuration, as far as it shapes what is written.
pub(crate) struct Configuration {
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Identifiers of further authorization servers, whose keys cannot be had.
    pub(crate) others: Vec<String>,
    /// Whether the issuer in memory stands behind the others.
    pub(crate) issuer_last: bool,
    pub(crate) scopes_supported: Option<Vec<String>>,
    pub(crate) required_scopes: Vec<String>,
    pub(crate) initial_scopes: Option<Vec<String>>,
    pub(crate) policy: Option<Policy>,
    pub(crate) implications: Map<String, Value>,
    pub(crate) wildcards: bool,
    pub(crate) required_only: bool,
    pub(crate) oauth_bodies: bool,
    pub(crate) members: Map<String, Value>,
    pub(crate) cors: bool,
    pub(crate) allowed_origins: bool,
    /// The scopes that a request needs beside these.
    pub(crate) request_scopes: Vec<String>,
    /// The scopes of the token, which never cover the last of `request_scopes`.
    pub(crate) granted: Vec<String>,
    pub(crate) id: Value,
}

/// The rules of a policy; the tool `t` is the one that is called.
pub(crate) struct Policy {
    pub(crate) default: Option<Vec<String>>,
    pub(crate) method: Option<Vec<String>>,
    pub(crate) tool: Vec<String>,
    pub(crate) other_tool: Vec<String>,
}

/// The origin that is listed, where origins are.
pub(crate) const ORIGIN: &str = "https://app.test";

/// A scope that no token has.
const MISSING: &str = "not.granted";

/// The characters of a scope, each once, and then its lengths, one by one.
const LENGTHS: usize = 512;

impl Configuration {
    pub(crate) fn draw(number: usize) -> Configuration {
        let draw = &mut Draw::new(number);
        let mut required_scopes = draw.scopes(3);
        let characters = scope_characters();
        if let Some(character) = characters.get(number) {
            required_scopes = vec![char::from(*character).to_string()];
        } else if number < characters.len() + LENGTHS {
            required_scopes = vec!["a".repeat(number - characters.len() + 1)];
        }
        let scopes_supported = draw.chance(60).then(|| draw.scopes(5));
        let initial_scopes = draw.chance(40).then(|| draw.scopes(3));
        let policy = draw.chance(50).then(|| Policy::draw(draw));
        let mut request_scopes = draw.scopes(2);
        request_scopes.retain(|scope| scope != MISSING);
        request_scopes.push(MISSING.to_owned());
        let mut configuration = Configuration {
            authority: draw.authority(),
            path: draw.path(),
            query: draw.query(),
            others: (0..draw.up_to(3)).map(|other| other_issuer(draw, other)).collect(),
            issuer_last: draw.chance(50),
            scopes_supported,
            required_scopes,
            initial_scopes,
            policy,
            implications: Map::new(),
            wildcards: draw.chance(20),
            required_only: draw.chance(20),
            oauth_bodies: draw.chance(30),
            members: draw.members(),
            cors: draw.chance(30),
            allowed_origins: draw.chance(20),
            request_scopes,
            granted: Vec::new(),
            id: draw.id(),
        };
        configuration.granted = configuration.some_known(draw);
        configuration.granted.extend(draw.scopes(2));
        if draw.chance(20) {
            configuration.implications = Map::from_iter([(draw.scope(), json!(draw.scopes(2)))]);
        }
        configuration
    }

    /// Every scope that the configuration names, in the order in which a challenge lists the granted ones.
    pub(crate) fn known(&self) -> Vec<String> {
        let mut of_policy: Vec<String> = self.policy.iter().flat_map(Policy::scopes).cloned().collect();
        of_policy.sort();
        let known = self.required_scopes.iter().chain(self.initial_scopes.iter().flatten());
        known.chain(self.scopes_supported.iter().flatten()).chain(&of_policy).cloned().collect()
    }

    /// About half of them.
    fn some_known(&self, draw: &mut Draw) -> Vec<String> {
        let mut some = self.known();
        some.retain(|_| draw.chance(50));
        some
    }

    pub(crate) fn resource(&self) -> String {
        format!("{}{}{}", self.authority, self.path, self.query)
    }

    /// The issuers that the metadata shows.
    pub(crate) fn advertised(&self, issuer: &Issuer) -> Vec<String> {
        let mut advertised = self.others.clone();
        advertised.insert(if self.issuer_last { advertised.len() } else { 0 }, issuer.issuer().to_owned());
        advertised
    }

    /// The document that `ResourceServer::from_json` reads.
    pub(crate) fn to_json(&self, issuer: &Issuer) -> Value {
        let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        let mut servers: Vec<Value> = self.others.iter().map(|other| json!(other)).collect();
        servers.insert(if self.issuer_last { servers.len() } else { 0 }, entry);
        let mut config = json!({
            "resource": self.resource(),
            "authorization_servers": servers,
            "required_scopes": self.required_scopes,
            "scope_implications": self.implications,
            "scope_wildcards": self.wildcards,
            "challenge_scopes": if self.required_only { "required" } else { "required_and_granted" },
            "refusal_body": if self.oauth_bodies { "oauth" } else { "auto" },
            "metadata": self.members,
            // Shapes nothing, and costs each of the servers something.
            "token_cache": {"capacity": 0},
        });
        let mut set = |name: &str, value: Value| config[name] = value;
        if let Some(scopes) = &self.scopes_supported {
            set("scopes_supported", json!(scopes));
        }
        if let Some(scopes) = &self.initial_scopes {
            set("initial_scopes", json!(scopes));
        }
        if let Some(policy) = &self.policy {
            set("policy", policy.to_json());
        }
        if self.cors {
            set("cors_origins", json!([ORIGIN]));
        }
        if self.allowed_origins {
            set("allowed_origins", json!([ORIGIN]));
        }
        config
    }
}

fn other_issuer(draw: &mut Draw, number: usize) -> String {
    let path = draw.one(&["", "/", "/tenant", "/a/b/", "/%C3%A9", "/realms/x~y"]);
    let port = draw.one(&["", "", ":8443"]);
    format!("https://as-{number}.test{port}{path}")
}

impl Policy {
    fn draw(draw: &mut Draw) -> Policy {
        Policy {
            default: draw.chance(50).then(|| draw.scopes(2)),
            method: draw.chance(30).then(|| draw.scopes(2)),
            tool: draw.scopes(3),
            other_tool: draw.scopes(3),
        }
    }

    fn scopes(&self) -> impl Iterator<Item = &String> {
        let of_methods = self.default.iter().flatten().chain(self.method.iter().flatten());
        of_methods.chain(&self.tool).chain(&self.other_tool)
    }

    fn to_json(&self) -> Value {
        let default = self.default.as_ref().map_or(json!("deny"), |scopes| json!(scopes));
        let mut policy = json!({
            "default": default,
            "tools": {"t": self.tool, "u*": self.other_tool, "nobody": "deny"},
        });
        if let Some(scopes) = &self.method {
            policy["methods"] = json!({"tools/call": scopes});
        }
        policy
    }

    /// What a call of `t` needs.
    pub(crate) fn need(&self) -> impl Iterator<Item = &String> {
        self.method.iter().flatten().chain(&self.tool)
    }
}
