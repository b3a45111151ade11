//! Scopes and URLs of a configuration -> the challenges of refusals, as clients read them.

use std::sync::LazyLock;

use scopegate_core::{AccessToken, HttpResponse, Reason, Request, ResourceServer};
use serde_json::{Value, json};

use crate::answer;
use crate::fields::Fields;
use crate::issuer::{self, NOW};

/// Input: the resource, `scopes_supported`, `required_scopes`, `initial_scopes`, the default of a policy, the scopes of the
/// request (lists), and whether the challenge names granted scopes.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let resource = fields.text();
    let [supported, required, initial, policy, of_request] = [(); 5].map(|()| fields.texts());
    let names_granted = fields.choice(2) == 0;
    let mut config = json!({
        "resource": resource,
        "authorization_servers": [issuer::ISSUER],
        "additional_audiences": [issuer::RESOURCE],
        "required_scopes": required,
        "policy": {"default": policy},
        "challenge_scopes": if names_granted { "required_and_granted" } else { "required" },
    });
    let lists = [("scopes_supported", &supported), ("initial_scopes", &initial)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        config[name] = json!(list);
    }
    let Ok(server) = ResourceServer::from_json(&config.to_string()) else { return };
    let scopes: Vec<&str> = of_request.iter().map(String::as_str).collect();
    let request = Request::new("GET", "/").scopes(&scopes).now(NOW);
    let refusal = server.authorize(&request).expect_err("there is no token");
    answer::is_in_the_table(&refusal);
    if refusal.reason() == Reason::Internal {
        let mut bad = of_request.iter().filter(|scope| !is_wire_safe(scope) || scope.is_empty());
        assert!(bad.next().is_some(), "a good scope is called none");
        return;
    }
    let asked_for =
        if initial.is_empty() { [required.as_slice(), &of_request].concat() } else { initial.clone() };
    reads_as(&server, refusal.response(), None, &distinct(&asked_for));
    let lines: [&[u8]; 1] = [b"Bearer a.b.c"];
    let refusal = server.authorize(&request.authorization(&lines)).expect_err("the token is junk");
    answer::is_in_the_table(&refusal);
    reads_as(&server, refusal.response(), Some("invalid_token"), &distinct(&asked_for));
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let Err(refusal) = server.require(&TOKEN, &request.body(body)) else { return };
    answer::is_in_the_table(&refusal);
    let need = distinct(&[required.as_slice(), &policy, &of_request].concat());
    let mut sorted = policy.clone();
    sorted.sort();
    let known = [required.as_slice(), &initial, &supported, &sorted].concat();
    let granted =
        known.into_iter().filter(|scope| names_granted && GRANTED.split(' ').any(|held| held == scope));
    let listed = distinct(&need.iter().cloned().chain(granted).collect::<Vec<_>>());
    let challenge = refusal.response().header("WWW-Authenticate").expect("a challenge");
    let is_shortened = answer::parameters(challenge).contains(&("scope".to_owned(), need.join(" ")));
    let whole = challenge.len() - need.join(" ").len() + listed.join(" ").len();
    assert_eq!(is_shortened, listed == need || whole > 4096);
    reads_as(
        &server,
        refusal.response(),
        Some("insufficient_scope"),
        if is_shortened { &need } else { &listed },
    );
    let body: Value = serde_json::from_slice(&refusal.response().body).expect("JSON");
    assert_eq!(body["scope"], need.join(" "));
}

const GRANTED: &str = "granted other";

static TOKEN: LazyLock<AccessToken> = LazyLock::new(|| issuer::verified(GRANTED));

fn distinct(scopes: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for scope in scopes {
        if !distinct.contains(scope) {
            distinct.push(scope.clone());
        }
    }
    distinct
}

fn is_wire_safe(scope: &str) -> bool {
    scope != "offline_access"
        && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        && !PARAMETERS.iter().any(|name| scope.contains(name))
}

pub(crate) const PARAMETERS: [&str; 4] = ["scope=", "error=", "error_description=", "resource_metadata="];

/// Both a reader of the grammar and a client that searches for a name find what was meant.
fn reads_as(server: &ResourceServer, response: &HttpResponse, error: Option<&str>, scopes: &[String]) {
    let challenge = response.header("WWW-Authenticate").expect("a challenge");
    let scope = Some(scopes.join(" ")).filter(|scope| !scope.is_empty());
    let expected = [
        ("error", error.map(str::to_owned)),
        ("scope", scope),
        ("resource_metadata", Some(server.metadata_url().to_owned())),
    ];
    let parameters = answer::parameters(challenge);
    for (name, value) in &expected {
        let found: Vec<_> =
            parameters.iter().filter(|(found, _)| found == name).map(|(_, value)| value).collect();
        assert_eq!(found, value.iter().collect::<Vec<_>>(), "{name} in {challenge}");
        let searched: Vec<&str> =
            challenge.match_indices(&format!("{name}=")).map(|(at, _)| &challenge[at..]).collect();
        match value {
            Some(value) => {
                assert_eq!(searched.len(), 1, "{name} in {challenge}");
                assert!(searched[0].starts_with(&format!("{name}=\"{value}\"")), "{name} in {challenge}");
            }
            None => assert!(searched.is_empty(), "{name} in {challenge}"),
        }
    }
    assert!(scopes.iter().all(|scope| is_wire_safe(scope)), "{challenge}");
}
