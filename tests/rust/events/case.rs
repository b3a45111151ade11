//! Decisions of each sort, and whether their events are kept.

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"Oslo"}}}"#;

/// What becomes of events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Events {
    /// None are kept.
    Off,
    /// There is room for all of them.
    Drained,
    /// Nobody drains, and there is no room.
    Full,
}

impl Events {
    pub(crate) const ALL: [Events; 3] = [Events::Off, Events::Drained, Events::Full];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Events::Off => "off",
            Events::Drained => "on",
            Events::Full => "full",
        }
    }

    fn configured(self) -> Value {
        match self {
            Events::Off => Value::Null,
            Events::Drained => json!({"capacity": MOST_EVENTS}),
            Events::Full => json!({"capacity": 1}),
        }
    }
}

/// The largest that `events.capacity` may be.
const MOST_EVENTS: u64 = 1_000_000;

/// A configuration, and a request that comes again and again.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    config: Value,
    authorization: String,
    body: Option<&'static str>,
    accepted: bool,
}

impl Case {
    /// Tokens that are held, that are new each time, and that are refused; each without a policy and with one that reads a
    /// call of some hundred bytes.
    pub(crate) fn all() -> [Case; 6] {
        ["held", "held, policy", "new", "new, policy", "refused, unknown issuer", "refused, scope, policy"]
            .map(Case::named)
    }

    pub(crate) fn named(name: &str) -> Case {
        let issuer = Issuer::new(RESOURCE);
        let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        let claims = |scope: &str| json!({"scope": scope, "jti": "0190a8c2-7b1e-7c3a", "expires_in": 86_400});
        let mut config = json!({
            "resource": RESOURCE, "authorization_servers": [server], "required_scopes": ["mcp"],
            "token_cache": {"capacity": if name.starts_with("new") { 0 } else { 100 }},
        });
        let (mut scope, mut accepted) = ("mcp weather calendar", true);
        if name.starts_with("refused") {
            accepted = false;
            scope = "mcp";
        }
        let name = Case::NAMES.into_iter().find(|known| *known == name).expect("a case");
        let has_policy = name.ends_with("policy");
        if has_policy {
            config["policy"] =
                json!({"default": "deny", "tools": {"weather": ["weather"], "calendar_*": ["calendar"]}});
        }
        let mut token = claims(scope);
        if name.ends_with("issuer") {
            token["iss"] = "https://other.test".into();
        }
        let body = has_policy.then_some(CALL);
        Case { name, config, authorization: issuer.authorization(&token), body, accepted }
    }

    const NAMES: [&str; 6] =
        ["held", "held, policy", "new", "new, policy", "refused, unknown issuer", "refused, scope, policy"];

    pub(crate) fn server(&self, events: Events) -> ResourceServer {
        self.server_with(events.configured())
    }

    pub(crate) fn server_with(&self, events: Value) -> ResourceServer {
        let mut config = self.config.clone();
        if !events.is_null() {
            config["events"] = events;
        }
        ResourceServer::from_json(&config.to_string()).expect("a configuration")
    }

    /// One decision, as it must be.
    pub(crate) fn decide(&self, server: &ResourceServer) {
        let lines = [self.authorization.as_bytes()];
        let request = Request::new("POST", "/mcp").authorization(&lines);
        let request = match self.body {
            Some(body) => request.body(body.as_bytes()),
            None => request,
        };
        let decision = server.authorize(&request);
        assert_eq!(decision.is_ok(), self.accepted, "{:?}", decision.map_err(|rejection| rejection.reason()));
    }

    /// What the programs of other languages decide on.
    pub(crate) fn sample(&self) -> Value {
        json!({"config": self.config, "authorization": self.authorization, "body": self.body})
    }
}
