//! Claims, signed with a known key so that they are read.

use std::sync::LazyLock;

use scopegate_core::{Reason, Request, ResourceServer};
use serde_json::{Map, Value, json};

use crate::answer;
use crate::fields::{Fields, split_at_first};
use crate::issuer::{self, ISSUER, NOW, RESOURCE};
use crate::outcome::{Accepted, Outcome};

/// Input: a configuration, a header, how many seconds to move the clock on (a number, from -2000000000), and the claims that
/// differ from good ones: each a name, `=`, and JSON; without `=` the claim is left out.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let (rules, [keeping, forgetting]) = &SCENES[fields.choice(SCENES.len())];
    let header = HEADERS[fields.choice(HEADERS.len())];
    let seconds = fields.text().parse::<i64>().unwrap_or_default();
    let now = NOW.saturating_add(seconds.max(-2_000_000_000));
    let payload = payload(fields.list());
    let token = issuer::sign(header.as_bytes(), &payload);
    let judge_by = |server: &ResourceServer, now: i64| {
        let line = format!("Bearer {token}");
        let lines = [line.as_bytes()];
        let request = Request::new("GET", "/mcp").authorization(&lines).now(now);
        let judged = server.authorize(&request);
        if let Err(rejection) = &judged {
            answer::is_in_the_table(rejection);
            answer::shows_none_of(rejection, &[SECRET.as_bytes(), token.as_bytes(), &payload]);
        }
        Outcome::of_result(judged.as_ref().map_err(|rejection| &**rejection))
    };
    let judge = |now: i64| judge_by(keeping, now);
    let outcome = judge(now);
    assert_eq!(outcome, judge(now), "a token that was seen before is judged in another way");
    assert_eq!(outcome, judge_by(forgetting, now), "a server that keeps tokens judges in another way");
    match &outcome {
        Outcome::Accepted(accepted) => {
            is_rightly_accepted(accepted, rules, header, now, &payload);
            let end = accepted.times.0 + rules.leeway;
            assert!(matches!(judge(end), Outcome::Refused(Reason::Expired, _)));
            assert!(matches!(judge(i64::MAX), Outcome::Refused(Reason::Expired, _)));
            assert!(matches!(judge(-1), Outcome::Refused(Reason::ClockUnusable, _)));
            // Once it is valid it stays so until its end, unless it becomes too old.
            if rules.max_age.is_none() {
                assert_eq!(outcome, judge(end - 1));
            }
        }
        Outcome::Refused(reason, _) => {
            let of_claims = (5000..6000).contains(&reason.code());
            let others = [
                Reason::MalformedToken,
                Reason::TokenTooLarge,
                Reason::SenderConstrained,
                Reason::NotAnAccessToken,
                Reason::TypeNotAllowed,
                Reason::InsufficientScope,
                Reason::ClockUnusable,
            ];
            assert!(of_claims || others.contains(reason), "{reason}");
            assert_eq!(*reason == Reason::ClockUnusable, now < 0 && !is_before_the_clock(*reason));
        }
        other => panic!("{other:?}"),
    }
}

/// Checks that come before the clock is looked at.
fn is_before_the_clock(reason: Reason) -> bool {
    use Reason::*;
    matches!(
        reason,
        MalformedToken | TokenTooLarge | TypeNotAllowed | UntrustedIssuer | MissingClaim | MalformedClaim
    )
}

/// Stands in every token, and nowhere else.
const SECRET: &str = "a-subject-that-nobody-is-shown-0123456789";

const HEADERS: [&str; 4] = [
    issuer::HEADER,
    r#"{"alg":"EdDSA","kid":"ed-a"}"#,
    r#"{"alg":"Ed25519","typ":"JWT","kid":"ed-a"}"#,
    r#"{"alg":"EdDSA","typ":"application/AT+JWT"}"#,
];

/// A configuration in the terms of this target.
#[derive(Default)]
struct Rules {
    rfc9068: bool,
    leeway: i64,
    max_age: Option<i64>,
    max_lifetime: Option<i64>,
    audiences: &'static [&'static str],
    reject_foreign: bool,
    stand_in: bool,
    prefix: &'static str,
    required: &'static [&'static str],
    tenant: bool,
    nested_scopes: bool,
}

/// Each with a server that keeps verified tokens and one that does not.
static SCENES: LazyLock<[(Rules, [ResourceServer; 2]); 5]> = LazyLock::new(|| {
    let server = |members: Value, more: Value| {
        let mut entry = issuer::server_entry();
        for (name, value) in more.as_object().into_iter().flatten() {
            entry[name] = value.clone();
        }
        let mut members = members;
        members["authorization_servers"] = json!([entry]);
        [10_000, 0].map(|capacity| {
            members["token_cache"] = json!({"capacity": capacity});
            issuer::server(members.clone())
        })
    };
    [
        (Rules { leeway: 30, ..Rules::default() }, server(json!({}), json!({}))),
        (
            Rules { leeway: 0, rfc9068: true, required: &["mcp:read"], ..Rules::default() },
            server(
                json!({"leeway_seconds": 0, "required_scopes": ["mcp:read"]}),
                json!({"token_format": "rfc9068"}),
            ),
        ),
        (
            Rules {
                leeway: 300,
                max_age: Some(600),
                max_lifetime: Some(1000),
                audiences: &["api://other"],
                reject_foreign: true,
                ..Rules::default()
            },
            server(
                json!({"leeway_seconds": 300, "max_token_age_seconds": 600, "max_token_lifetime_seconds": 1000,
                       "additional_audiences": ["api://other"], "reject_foreign_audiences": true}),
                json!({}),
            ),
        ),
        (
            Rules { leeway: 30, stand_in: true, prefix: "api://app/", tenant: true, ..Rules::default() },
            server(
                json!({}),
                json!({"unsafe_client_audience": {"claim": "client_id", "values": ["app"]}, "scope_prefix": "api://app/",
                       "required_claims": {"tid": ["x", 7, true]}}),
            ),
        ),
        (
            Rules { leeway: 30, nested_scopes: true, ..Rules::default() },
            server(json!({}), json!({"scope_claims": [["realm_access", "roles"], "scope"]})),
        ),
    ]
});

/// The text of the claims: good ones with the differences, which may make it anything.
fn payload(differences: Vec<&[u8]>) -> Vec<u8> {
    let mut members: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut good = issuer::claims("mcp:read a");
    good["sub"] = json!(SECRET);
    good["tid"] = json!("x");
    for (name, value) in good.as_object().into_iter().flatten() {
        members.push((name.clone().into_bytes(), value.to_string().into_bytes()));
    }
    for difference in differences {
        let (name, value) = split_at_first(difference, b'=');
        members.retain(|(member, _)| member != name);
        members.extend(value.map(|value| (name.to_vec(), value.to_vec())));
    }
    let written = members.iter().map(|(name, value)| [b"\"", name.as_slice(), b"\":", value].concat());
    [b"{".as_slice(), &written.collect::<Vec<_>>().join(&b','), b"}"].concat()
}

/// Everything that must be true of an accepted token, by another reader.
fn is_rightly_accepted(accepted: &Accepted, rules: &Rules, header: &str, now: i64, payload: &[u8]) {
    let claims: Map<String, Value> = serde_json::from_slice(payload).expect("a JSON object");
    let header: Value = serde_json::from_str(header).expect("JSON");
    let text = |name: &str| claims.get(name).map(|value| value.as_str().expect("a string").to_owned());
    let number = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a number"));
    let (now, leeway) = (now as f64, rules.leeway as f64);
    assert_eq!(text("iss").as_deref(), Some(ISSUER));
    let exp = number("exp").expect("exp is required");
    assert!(exp.floor() + leeway > now && (0.0..9_007_199_254_740_992.0).contains(&exp));
    for name in ["nbf", "iat"] {
        assert!(number(name).is_none_or(|time| time.ceil() <= now + leeway && time >= 0.0), "{name}");
    }
    let iat = number("iat").map(f64::ceil);
    if let Some(limit) = rules.max_age {
        assert!(now - iat.expect("iat is required") <= limit as f64 + leeway);
    }
    if let Some(limit) = rules.max_lifetime {
        assert!(exp.floor() - iat.expect("iat is required") <= limit as f64);
    }
    is_for_us(rules, &claims);
    for name in ["cnf", "at_hash", "c_hash", "events"] {
        assert!(!claims.contains_key(name) || (rules.rfc9068 && name != "cnf"), "{name}");
    }
    if rules.rfc9068 {
        assert!(header["typ"].as_str().is_some_and(|typ| typ.to_lowercase().ends_with("at+jwt")));
        for name in ["sub", "client_id", "jti"] {
            assert!(text(name).is_some(), "{name}");
        }
        assert!(iat.is_some());
    } else {
        assert!(text("token_use").is_none_or(|purpose| purpose == "access"));
        assert!(text("typ").is_none_or(|typ| !["ID", "Refresh", "Offline", "Logout"].contains(&&*typ)));
    }
    if rules.tenant {
        assert!([json!("x"), json!(7), json!(true)].contains(&claims["tid"]));
    }
    let scopes = scopes(rules, &claims);
    assert!(rules.required.iter().all(|needed| scopes.iter().any(|scope| scope == needed)));
    assert_eq!(accepted.lists[0], scopes);
    let client = ["client_id", "azp", "appid", "cid"].into_iter().find_map(text);
    let principal = [text("sub"), client.clone()].into_iter().flatten().find(|name| !name.is_empty());
    let names = [Some(ISSUER.to_owned()), text("sub"), client, Some(RESOURCE.to_owned()), text("jti")];
    assert_eq!(accepted.names[..5], names);
    assert_eq!(accepted.names[5], principal.map(|name| format!("{ISSUER} {name}")));
    assert_eq!(accepted.names[6].as_deref().map(str::as_bytes), Some(payload));
    assert_eq!(accepted.times, (exp.floor() as i64, iat.map(|iat| iat as i64)));
}

fn is_for_us(rules: &Rules, claims: &Map<String, Value>) {
    let is_ours = |name: &Value| {
        let name = name.as_str().expect("an audience is a string");
        let names = [RESOURCE, "https://mcp.test:443/mcp"];
        let spelled = names.iter().any(|ours| name.eq_ignore_ascii_case(ours));
        // The path keeps its case.
        (spelled && name.ends_with("/mcp")) || rules.audiences.contains(&name)
    };
    match claims.get("aud") {
        None => assert!(rules.stand_in && claims["client_id"] == "app"),
        Some(Value::Array(names)) => {
            let ours: Vec<bool> = names.iter().map(is_ours).collect();
            assert!(ours.contains(&true) && !(rules.reject_foreign && ours.contains(&false)));
        }
        Some(name) => assert!(is_ours(name)),
    }
}

fn scopes(rules: &Rules, claims: &Map<String, Value>) -> Vec<String> {
    let nested =
        claims.get("realm_access").and_then(|access| access.get("roles")).filter(|_| rules.nested_scopes);
    let names: &[&str] =
        if rules.nested_scopes { &["scope"] } else { &["scope", "scp", "scopes", "permissions"] };
    let claim = nested.or_else(|| names.iter().find_map(|name| claims.get(*name)));
    let listed: Vec<String> = match claim {
        None => Vec::new(),
        Some(Value::String(text)) => {
            text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
        }
        Some(list) => {
            let items = list.as_array().expect("a string or a list").iter();
            items.map(|scope| scope.as_str().expect("a scope is a string").to_owned()).collect()
        }
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in listed {
        assert!(scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'));
        let scope = if scope.starts_with(rules.prefix) { scope } else { format!("{}{scope}", rules.prefix) };
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}
